"""A meter with TLS that nobody here wrote, with a few registers behind it; and a bus with a certificate manager."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import structlog

from services.measurement.modbus.peers import Peers
from shared.bus.messages import Enforced, Message, Seen, Trust
from shared.bus.publisher import Stamp
from shared.tls.certificate import fingerprint
from shared.tls.keys import OwnKeys, store
from tests.shared.tls.material import NOW_S, Made, own_keys

if TYPE_CHECKING:
    from shared.bus.bus import Bus


class TlsMeter:
    """Every register holds 7.

    Attributes:
        port: where it listens.
        requests: what came over TLS, as frames.
        handshakes: how many were completed.
        exception: code that every request gets; 0 for none.
        mute: whether nothing is answered.
        ended: connections that have ended.
    """

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.handshakes = 0
        self.exception = 0
        self.mute = False
        self.ended = 0
        self.answer: Callable[[bytes], bytes] = self._right

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.handshakes += 1
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    request = await reader.readexactly(12)
                    self.requests.append(request)
                    if not self.mute:
                        pdu = self.answer(request)
                        writer.write(request[:4] + (len(pdu) + 1).to_bytes(2, "big") + request[6:7] + pdu)
        finally:
            self.ended += 1
            writer.close()

    def _right(self, request: bytes) -> bytes:
        if self.exception:
            return bytes((request[7] | 0x80, self.exception))
        count = int.from_bytes(request[10:12], "big")
        return bytes((request[7], 2 * count)) + b"\0\7" * count


@contextlib.asynccontextmanager
async def tls_meter(identity: Path, known: Path) -> AsyncIterator[TlsMeter]:
    """A meter that shows `identity`, and wants a client whose certificate stands in `known`."""
    meter = TlsMeter()
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(identity)
    settings.load_verify_locations(known)
    settings.verify_mode = ssl.CERT_REQUIRED
    async with await asyncio.start_server(meter.serve, "127.0.0.1", 0, ssl=settings) as server:
        meter.port = int(server.sockets[0].getsockname()[1])
        yield meter


class HeardBus:
    """A bus that keeps what is published, and on which a test is the certificate manager."""

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
        bus: of the meter side.
        peers: that hear it.
        wall_s: their clock.
    """

    def __init__(self, folder: Path) -> None:
        self._seq = 0
        self.bus = HeardBus()
        self.wall_s = NOW_S
        self.keys_dir = folder / "keys"
        self.own: OwnKeys = own_keys()
        for pair in self.own.pairs:
            store(self.keys_dir, pair)
        self.known = folder / "own.pem"
        self.known.write_bytes(self.own.ec.export())
        self.peers = Peers(
            cast("Bus", self.bus), self.keys_dir, structlog.get_logger(), wall_s=lambda: self.wall_s, now_ns=lambda: 1
        )
        self.peers.start()

    def say(self, *accepted: Made, blocked: tuple[Made, ...] = (), authorities: tuple[Made, ...] = ()) -> None:
        """New decisions."""
        self._seq += 1
        self.bus.deliver(
            Trust(
                src="certificate-manager",
                gen=1,
                seq=self._seq,
                t_ns=1,
                accepted={fingerprint(made.der): "rw" for made in accepted},
                blocked=tuple(fingerprint(made.der) for made in blocked),
                authorities=b"".join(made.pem for made in authorities),
                own=self.own.version,
            )
        )
