"""A TLS connection that we open: connect, complete the handshake, look at the peer, and only then speak."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from OpenSSL import SSL

from shared.errors import PeerError
from shared.tls.handshake import Handshake
from shared.tls.limits import Refusal
from shared.tls.peer import TlsPeer
from shared.tls.stream import TlsTransport

DEADLINE_S: Final = 5.0

Connect = Callable[[], Awaitable[tuple[socket.socket, tuple[str, int]]]]
"""Gives a connected, non-blocking socket, and address and port of its other end."""


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
    host: str,
    port: int,
    factory: Callable[[TlsPeer], asyncio.Protocol],
    deadline_s: float = DEADLINE_S,
    *,
    connect: Connect | None = None,
) -> TlsTransport:
    """Connect to a TLS server.

    Args:
        context: a client's.
        host: name or address.
        port: TCP port.
        factory: looks at the peer: its protocol, or an exception (such as RefusedError) where nothing must be said to
            it; then not one byte of data is sent.
        deadline_s: for name, connection and handshake together.
        connect: makes the connection below, where the caller has a way of its own.

    Raises:
        PeerError: no connection, or no handshake.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + deadline_s
    try:
        async with asyncio.timeout_at(until):
            sock, address = await (_connect(loop, host, port) if connect is None else connect())
    except TimeoutError as error:
        raise PeerError(f"{host}:{port}: no connection within {deadline_s:g} s") from error
    except (OSError, UnicodeError) as error:  # UnicodeError: no name that DNS can know
        raise PeerError(f"{host}:{port}: no connection: {_text(error)}") from error
    done: asyncio.Future[TlsPeer] = loop.create_future()
    dialled = _Dialled(done)
    handshake = Handshake(dialled, context, sock, address, max(0.0, until - loop.time()))
    try:
        try:
            handshake.connect(host)
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


async def _connect(loop: asyncio.AbstractEventLoop, host: str, port: int) -> tuple[socket.socket, tuple[str, int]]:
    """The first of the host's addresses that answers."""
    fault: OSError = OSError("the name has no address")
    for family, kind, proto, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        sock = socket.socket(family, kind, proto)
        sock.setblocking(False)
        try:
            await loop.sock_connect(sock, address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            fault = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock, (str(address[0]), int(address[1]))
    raise fault


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


def _text(error: Exception) -> str:
    """Without the address that asyncio repeats in its own words."""
    if isinstance(error, OSError) and error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return getattr(error, "strerror", None) or str(error)
