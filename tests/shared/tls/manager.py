"""A test as the certificate manager whom `Outward` obeys, and a TLS server that wants our certificate."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog

from shared.bus.messages import Enforced, Message, Seen, Trust
from shared.bus.publisher import Stamp
from shared.tls.keys import OwnKeys, store
from shared.tls.outward import Outward
from tests.shared.tls.material import NOW_S, Made, own_keys
from tests.shared.tls.trusted import trust

if TYPE_CHECKING:
    from shared.bus.bus import Bus

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class HeardBus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.deliver: Callable[[Trust], None]

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        return Stamp(src="measurement", gen=1, seq=len(self.heard))

    def subscribe(self, instance: str, kind: type[Message], handler: Callable[[Any], None]) -> None:
        assert (instance, kind) == ("certificate-manager", Trust)
        self.deliver = handler

    def publish(self, message: Message, _key: str = "") -> None:
        self.heard.append(message)

    @property
    def seen(self) -> list[Seen]:
        return [message for message in self.heard if isinstance(message, Seen)]

    @property
    def enforced(self) -> Enforced:
        """The last one."""
        return [message for message in self.heard if isinstance(message, Enforced)][-1]


class Manager:
    """Says whom to trust.

    Attributes:
        bus: of the side that connects.
        outward: that hears it.
        own: its keys, in `keys_dir`.
        known: its certificates in a file.
        gen, seq: of the last decisions.
        wall_s: its clock.
        changes: how often it told of a change.
    """

    def __init__(self, folder: Path) -> None:
        self.gen, self.seq = 1, 0
        self.bus = HeardBus()
        self.wall_s = NOW_S
        self.changes = 0
        self.keys_dir = folder / "keys"
        self.own: OwnKeys = own_keys()
        for pair in self.own.pairs:
            store(self.keys_dir, pair)
        self.known = folder / "own.pem"
        self.known.write_bytes(self.own.ec.export())
        self.outward = Outward(
            cast("Bus", self.bus),
            self.keys_dir,
            structlog.get_logger(),
            changed=self._changed,
            wall_s=lambda: self.wall_s,
            now_ns=lambda: 1,
        )

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """It hears us."""
        work = asyncio.create_task(self.outward.run())
        await asyncio.sleep(0)
        yield
        work.cancel()
        await asyncio.wait([work])
        assert work.cancelled(), work

    def say(self, *accepted: Made, **more: Any) -> None:
        """New decisions; see `trust`."""
        self.seq += 1
        self.bus.deliver(trust(*accepted, gen=self.gen, seq=self.seq, own=self.own.version, **more))

    def _changed(self) -> None:
        self.changes += 1


@contextlib.asynccontextmanager
async def tls_server(serve: Serve, identity: Path, known: Path) -> AsyncIterator[int]:
    """The interpreter's TLS: shows `identity`, and wants a client whose certificate stands in `known`."""
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(identity)
    settings.load_verify_locations(known)
    settings.verify_mode = ssl.CERT_REQUIRED
    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=settings) as server:
        yield int(server.sockets[0].getsockname()[1])
