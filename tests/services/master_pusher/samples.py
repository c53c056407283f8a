"""Images, batches and doubles that the tests of the pusher share."""

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import structlog

from services.master_pusher.batch import Batch
from services.master_pusher.feed import Feed
from services.master_pusher.groups import GROUPS
from shared import clock
from shared.actor import Life
from shared.bus.load import Load
from shared.bus.messages import Block, Command, Image, Message, Pushes
from shared.bus.publisher import Stamp
from shared.config.master import GroupName, Master
from shared.config.master import Target as Settings
from shared.config.model import Config, Meter, Simulated

if TYPE_CHECKING:
    from shared.bus.bus import Bus

HOUSE = Meter(id="house", source="simulated", simulated=Simulated())
STALE_AFTER_MS = 5000
SECOND = 1_000_000_000


def words(first: int, count: int, plus: int = 0) -> bytes:
    """Register n holds n + plus."""
    return struct.pack(f">{count}H", *((n + plus) & 0xFFFF for n in range(first, first + count)))


def image(
    *,
    seq: int = 1,
    gen: int = 1,
    t_ns: int | None = None,
    plus: int = 0,
    meter: str = "house",
    boot: str = clock.BOOT_ID,
    blocks: tuple[Block, ...] | None = None,
) -> Image:
    """One image, of now."""
    standard = (Block(0, words(0, 148, plus), live=((0, 146),)), Block(512, words(512, 280, plus)))
    return Image(
        src="register-store",
        gen=gen,
        seq=seq,
        t_ns=clock.now_ns() if t_ns is None else t_ns,
        boot=boot,
        meter=meter,
        unit=1,
        stale_after_ms=STALE_AFTER_MS,
        blocks=standard if blocks is None else blocks,
    )


def batch(*, plus: int = 0, until_ns: int | None = None, seq: int = 1, **more: Any) -> Batch:
    """All groups."""
    data: dict[GroupName, bytes] = {g.name: words(g.start, g.count, plus) for g in GROUPS.values()}
    now = clock.now_ns()
    return Batch("house", (1, seq), now, now + 5 * SECOND if until_ns is None else until_ns, data, **more)


def feed(*, mean: bool = False) -> Feed:
    """Of the house, every group."""
    return Feed("house", frozenset(GROUPS), mean=mean)


class FakeBus:
    """Keeps what is published and who subscribes."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.handlers: dict[type[Message], Callable[[Any], None]] = {}
        self.every: dict[type[Message], bool] = {}
        self.command: Callable[[Command], Any]
        self.load = Load()

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        return Stamp(src="master-pusher", gen=1, seq=len(self.published))

    def publish(self, message: Message, _key: str = "") -> None:
        self.published.append(message)

    def subscribe(
        self,
        _instance: str,
        kind: type[Message],
        handler: Callable[[Any], None],
        _key: str = "",
        *,
        every: bool = False,
    ) -> None:
        self.handlers[kind] = handler
        self.every[kind] = every

    def serve(self, handler: Callable[[Command], Any]) -> None:
        self.command = handler


class FakeLife(Life):
    """Keeps what it is told."""

    def __init__(
        self, *slaves: Settings, config: Config | None = None, meters: tuple[Meter, ...] = (HOUSE,), **master: Any
    ) -> None:
        self.messages = FakeBus()
        self.is_ready = False
        super().__init__(
            instance="master-pusher",
            config=config or Config(meter=meters, master=Master(enabled=True, slave=slaves, **master)),
            bus=cast("Bus", self.messages),
            log=structlog.get_logger(),
        )

    def ready(self) -> None:
        self.is_ready = True

    def deliver(self, message: Message) -> None:
        """As if it came over the bus."""
        self.messages.handlers[type(message)](message)

    @property
    def pushes(self) -> Pushes:
        """The last word."""
        return [each for each in self.messages.published if isinstance(each, Pushes)][-1]
