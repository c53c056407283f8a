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
from collections.abc import Generator, Iterable
from functools import partial
from typing import Any, Final

import uvicorn
import uvicorn.lifespan.off  # imported by name as it starts; here, what it costs is shared
from structlog.typing import FilteringBoundLogger
from uvicorn.protocols.http.h11_impl import H11Protocol

from services.console.room import Room, Seat
from shared.modbus.listen import tune
from shared.tls.limits import origin_of

MOST_CONNECTIONS: Final = 256
"""Open at once, in all; who comes then, and for whom nobody can go, is closed unanswered."""
MOST_PER_ADDRESS: Final = 64
"""Of one address; browsers open six and a stream each page."""
RESERVE: Final = 64
"""Of all, for addresses that came with a session or token before, and for this machine."""
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
    """One connection, bounded.

    Args:
        room: where it needs a place.
        seat: that it has already; None where it has none yet.
        more: of uvicorn.
    """

    def __init__(self, room: Room, seat: Seat | None = None, **more: Any) -> None:
        super().__init__(**more)
        self._room = room
        self._seat = seat
        self._head_timer: asyncio.TimerHandle | None = None
        self._unsent = 0
        self._moved_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in where there is room."""
        super().connection_made(transport)
        seat = self._seat or self._room.enter(origin_of(self.client[0]) if self.client else "")
        if seat is None:
            self.connections.discard(self)
            transport.abort()
            return
        self._seat = seat
        seat.close, seat.busy = transport.abort, self._is_busy
        # for a stream whose reader does not read; and for the guard, who knows who has a key
        self.app_state = {**self.app_state, "abort": transport.abort, "welcome": partial(self._room.welcome, seat)}
        self._head_timer = self.loop.call_later(HEAD_S, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self._stop_timer()
        if self._seat is not None:
            self._room.leave(self._seat)
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

    def _is_busy(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _too_slow(self) -> None:
        self._head_timer = None
        if not self._is_busy() and not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Server(uvicorn.Server):
    """uvicorn within a role: the actor decides about signals, and this about who may begin a TLS handshake.

    Args:
        config: of uvicorn.
        room: for its connections.
    """

    def __init__(self, config: uvicorn.Config, room: Room) -> None:
        super().__init__(config)
        self._room = room
        self._accepting: list[asyncio.Task[None]] = []
        self._greeted: set[asyncio.Task[None]] = set()

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
            seat = self._room.enter(origin_of(str(peer[0])))
            if seat is None:
                one.close()
                continue
            task = loop.create_task(self._greet(one, context, seat))
            seat.close = task.cancel
            self._greeted.add(task)
            task.add_done_callback(self._greeted.discard)

    async def _greet(self, one: socket.socket, context: ssl.SSLContext, seat: Seat) -> None:
        taken = False

        def protocol() -> asyncio.Protocol:
            return Protocol(
                self._room,
                seat,
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
            )

        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                protocol, one, ssl=context, ssl_handshake_timeout=HEAD_S, ssl_shutdown_timeout=FAREWELL_S
            )
            taken = True
        except OSError:  # no TLS, too slow, or gone; whichever it is, the socket is closed
            pass
        finally:
            if not taken:
                self._room.leave(seat)

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
    room = Room(MOST_CONNECTIONS, MOST_PER_ADDRESS, RESERVE)
    config.http_protocol_class = partial(Protocol, room)  # type: ignore[assignment]  # it is called, nothing else
    server = Server(config, room)
    try:
        await server.serve(sockets=list(sockets))
    finally:
        await server.end(sockets)
