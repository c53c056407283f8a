"""A TLS connection that we open: connect, complete the handshake, look at the peer, and only then speak."""

import asyncio
from collections.abc import Callable
from typing import Final

from OpenSSL import SSL

from shared.connect import Connector
from shared.errors import PeerError
from shared.tls.handshake import Handshake
from shared.tls.limits import Refusal
from shared.tls.peer import TlsPeer
from shared.tls.stream import TlsTransport

DEADLINE_S: Final = 5.0


class _Dialled:
    """The one handshake of a dial."""

    def __init__(self, done: "asyncio.Future[TlsPeer]") -> None:
        self._done = done
        self.closed = asyncio.Event()

    def ready(self, handshake: Handshake) -> None:
        handshake.step()

    def completed(self, handshake: Handshake, peer: TlsPeer) -> None:
        del handshake
        if not self._done.done():
            self._done.set_result(peer)

    def failed(self, handshake: Handshake, refusal: Refusal, reason: str) -> None:
        if not self._done.done():
            where = f"[{handshake.address}]" if ":" in handshake.address else handshake.address
            self._done.set_exception(PeerError(f"{where}:{handshake.port}: {refusal}: {reason}"))

    def ended(self, handshake: Handshake) -> None:
        del handshake  # one is all there was
        self.closed.set()


async def dial(
    context: SSL.Context,
    to: Connector,
    factory: Callable[[TlsPeer], asyncio.Protocol],
    deadline_s: float = DEADLINE_S,
) -> TlsTransport:
    """Connect to a TLS server.

    Args:
        context: a client's.
        to: makes the connection below.
        factory: looks at the peer: its protocol, or an exception (such as RefusedError) where nothing must be said to
            it; then not one byte of data is sent.
        deadline_s: for name, connection and handshake together.

    Raises:
        PeerError: no connection, or no handshake.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    sock, address = await to.open(deadline_s)
    done: asyncio.Future[TlsPeer] = loop.create_future()
    dialled = _Dialled(done)
    handshake = Handshake(dialled, context, sock, address, max(0.0, until - loop.time()))
    try:
        try:
            handshake.connect(to.host)
            peer = await done
        except PeerError:
            await dialled.closed.wait()  # a moment for our alert to arrive
            raise
    except BaseException:
        handshake.cut()
        raise
    try:
        return TlsTransport(sock, handshake.connection, peer, factory(peer))
    except BaseException:
        _leave(handshake)
        raise


def _leave(handshake: Handshake) -> None:
    """Close with a close_notify; the peer has been sent nothing else."""
    if handshake.sock.fileno() < 0:  # closed already, and its number may be another's
        return
    asyncio.get_running_loop().remove_reader(handshake.sock.fileno())
    try:
        handshake.connection.shutdown()
    except SSL.Error:  # it has gone by itself
        pass
    finally:
        handshake.sock.close()
