"""From the settings to receivers. TLS and HTTP are imported where a receiver needs them: memory counts."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from structlog.typing import FilteringBoundLogger

from services.master_pusher.batch import Batch
from services.master_pusher.feed import Feed
from services.master_pusher.sender import ModbusSender, Sender
from services.master_pusher.target import Target
from shared.actor import Life
from shared.bus.messages import Image
from shared.config.master import Target as Settings
from shared.config.model import Config

if TYPE_CHECKING:
    from shared.tls.outward import Outward


def target(
    config: Config,
    number: int,
    meter: str,
    log: FilteringBoundLogger,
    outward: "Outward | None",
    *,
    refill: Callable[[], Batch | None] = lambda: None,
    changed: Callable[[], None] = lambda: None,
) -> Target:
    """The receiver of that number, from 1."""
    settings = config.master.slave[number - 1]
    groups = config.master.groups_of(settings)
    return Target(number, settings, groups, meter, sender(settings, outward), log=log, refill=refill, changed=changed)


def sender(settings: Settings, outward: "Outward | None") -> Sender:
    """The way to a receiver."""
    if not settings.receiver.web:
        return ModbusSender(settings, outward)
    from services.master_pusher.web import WebSender  # noqa: PLC0415  # h11 only where something speaks HTTP

    return WebSender(settings, outward)


def outward_of(life: Life, changed: Callable[[], None]) -> "Outward | None":
    """Who decides about TLS receivers; None where there is none."""
    if not any(settings.receiver.tls for settings in life.config.master.slave):
        return None
    from shared.tls.outward import Outward  # noqa: PLC0415  # OpenSSL only where something speaks TLS

    return Outward(life.bus, life.config.certificates.keys_dir, life.log, changed=changed)


async def once(config: Config, number: int, image: Image, log: FilteringBoundLogger, now: int) -> str:
    """Push this image to a receiver, without the role, and say in words what happened.

    Raises:
        PeerError, RefusedError: it did not work.
    """
    settings = config.master.slave[number - 1]
    feed = Feed(image.meter, frozenset(config.master.groups_of(settings)))
    feed.take(image, now)
    alone = msgspec.structs.replace(settings, enabled=False)
    groups = config.master.groups_of(settings)
    one = Target(number, alone, groups, image.meter, sender(settings, None), log=log, refill=feed.batch)
    return await one.test()
