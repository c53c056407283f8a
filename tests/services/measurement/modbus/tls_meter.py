"""A meter with TLS that nobody here wrote, with a few registers behind it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from tests.shared.tls.manager import tls_server


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
    async with tls_server(meter.serve, identity, known) as meter.port:
        yield meter
