"""The web server: uvicorn on the socket that the supervisor holds, with a bound on everything that a stranger costs.

uvicorn ends a connection that is idle between two requests, but waits for a first request, or for the rest of one,
for ever. Here every connection that is not in the middle of an answer has to bring a whole request head in time; and
one that shall be encrypted counts from its first byte on, since a handshake that is never ended costs memory too. Who
does not take his answer is cut off as well, since a connection that is closed stays until all is sent.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final

import uvicorn
import uvicorn.lifespan.off  # imported by name as it starts; here, what it costs is shared
from structlog.typing import FilteringBoundLogger
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.modbus.listen import tune
from shared.tls.limits import origin_of

MOST_CONNECTIONS: Final = 256
"""Open at once, in all; one more is closed unanswered."""
MOST_PER_ADDRESS: Final = 64
"""Of one address; browsers open six and a stream each page."""
HEAD_S: Final = 10.0
"""For a TLS handshake; for a request's line and headers, from the connection's begin or the answer before."""
FAREWELL_S: Final = 2.0
"""For the other side's end of TLS."""
IDLE_S: Final = 30
"""Between two requests."""
STUCK_S: Final = 30.0
"""Without a byte of an answer taken."""
LARGEST_HEAD: Final = 16 * 1024
"""Bytes of a request's line and headers."""
TICK_S: Final = 1.0


class Protocol(H11Protocol):
    """One connection, bounded."""

    _head_timer: asyncio.TimerHandle | None = None
    _unsent = 0
    _moved_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in where there is room."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS or _of(self.connections, self.address) > MOST_PER_ADDRESS:
            self.connections.discard(self)
            transport.abort()
            return
        self.app_state = {**self.app_state, "abort": transport.abort}  # for a stream whose reader does not read
        self._head_timer = self.loop.call_later(HEAD_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """A request, or a part of one."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._stop_timer()
        elif self._head_timer is None and (before is None or before.response_complete):
            self._head_timer = self.loop.call_later(HEAD_S, self._too_slow)

    def look(self, now_s: float) -> None:
        """Once a second: does what is to be sent get less?"""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        if not self._unsent or self._unsent < before or not before:
            self._moved_s = now_s
        elif now_s - self._moved_s >= STUCK_S:
            self.transport.abort()

    @property
    def address(self) -> str:
        """Of the other side; an IPv6 network is one."""
        return origin_of(self.client[0]) if self.client else ""

    def _too_slow(self) -> None:
        self._head_timer = None
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def _of(connections: Any, address: str) -> int:
    return sum(1 for each in connections if isinstance(each, Protocol) and each.address == address)


class Server(uvicorn.Server):
    """uvicorn within a role: the actor decides about signals, and this about who may begin a TLS handshake.

    Args:
        config: of uvicorn.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._accepting: list[asyncio.Task[None]] = []
        self._greeted: dict[asyncio.Task[None], str] = {}

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        if self.config.ssl is None:
            await super().startup(sockets)
            return
        loop = asyncio.get_running_loop()
        self.servers = []
        for each in sockets or ():
            each.listen(self.config.backlog)
            self._accepting.append(loop.create_task(self._accept(each, self.config.ssl)))
        self.started = True

    async def end(self, sockets: Iterable[socket.socket]) -> None:
        """Accept no more, and let go of everybody."""
        tasks = (*self._accepting, *self._greeted)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        for server in getattr(self, "servers", ()):
            server.close()
        for listener in sockets:
            listener.close()

    async def _accept(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                one, peer = await loop.sock_accept(listener)
            except ConnectionError:  # it went before it was accepted
                continue
            except OSError:  # out of descriptors
                await asyncio.sleep(TICK_S)
                continue
            address = origin_of(str(peer[0]))
            connections = self.server_state.connections
            same = _of(connections, address) + sum(each == address for each in self._greeted.values())
            if len(connections) + len(self._greeted) >= MOST_CONNECTIONS or same >= MOST_PER_ADDRESS:
                one.close()
                continue
            task = loop.create_task(self._greet(one, context))
            self._greeted[task] = address
            task.add_done_callback(self._greeted.pop)

    async def _greet(self, one: socket.socket, context: ssl.SSLContext) -> None:
        with contextlib.suppress(OSError):  # no TLS, too slow, or gone; whichever it is, the socket is closed
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol, one, ssl=context, ssl_handshake_timeout=HEAD_S, ssl_shutdown_timeout=FAREWELL_S
            )

    def _protocol(self) -> asyncio.Protocol:
        make: Callable[..., asyncio.Protocol] = self.config.http_protocol_class
        return make(config=self.config, server_state=self.server_state, app_state=self.lifespan.state)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None of them."""
        yield

    async def main_loop(self) -> None:
        """Once a second, for the date header; ten times as uvicorn does costs a small gateway more than its pages."""
        while not await self.on_tick(0):
            await asyncio.sleep(TICK_S)
            now = asyncio.get_running_loop().time()
            for each in list(self.server_state.connections):
                if isinstance(each, Protocol):
                    each.look(now)


class _ToLog(logging.Handler):
    """What uvicorn has to say of failures; of strangers' garbage nothing."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.ERROR)
        self._log = log
        self._times = 0

    def emit(self, record: logging.LogRecord) -> None:
        """The 1st, 2nd, 4th, 8th ... of them."""
        self._times += 1
        if self._times.bit_count() == 1:
            self._log.error("web server", text=record.getMessage().strip(), times=self._times, exc_info=record.exc_info)


async def serve(
    app: Any, sockets: tuple[socket.socket, ...], context: ssl.SSLContext | None, log: FilteringBoundLogger
) -> None:
    """Serve until cancelled; then end what is open.

    Args:
        app: of ASGI.
        sockets: that listen; they belong to this server from now on.
        context: for https; None for http.
        log: for failures.
    """
    told = logging.getLogger("uvicorn")
    told.propagate = False
    told.handlers = [_ToLog(log)]
    for each in sockets:
        tune(each)
    config = uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_S,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=LARGEST_HEAD,
        backlog=128,
    )
    config.load()
    config.ssl = context
    server = Server(config)
    try:
        await server.serve(sockets=list(sockets))
    finally:
        await server.end(sockets)
