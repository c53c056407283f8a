"""The web server: uvicorn on the socket that the supervisor holds, with a bound on everything that a stranger costs.

uvicorn ends a connection that is idle between two requests, but waits for a first request, or for the rest of one,
for ever. Here every connection that is not in the middle of an answer has to bring a whole request head in time.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Generator
from typing import Any, Final

import uvicorn
from structlog.typing import FilteringBoundLogger
from uvicorn.protocols.http.h11_impl import H11Protocol

from shared.modbus.listen import tune

MOST_CONNECTIONS: Final = 256
"""Open at once, in all; one more is closed unanswered."""
MOST_PER_ADDRESS: Final = 64
"""Of one address; browsers open six and a stream each page."""
HEAD_S: Final = 10.0
"""For a request's line and headers, from the connection's begin or the answer before."""
IDLE_S: Final = 30
"""Between two requests."""
LARGEST_HEAD: Final = 16 * 1024
"""Bytes of a request's line and headers."""
TICK_S: Final = 1.0


class Protocol(H11Protocol):
    """One connection, bounded."""

    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in where there is room."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        same = sum(1 for each in self.connections if isinstance(each, Protocol) and each.address == address)
        if len(self.connections) > MOST_CONNECTIONS or same > MOST_PER_ADDRESS:
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

    @property
    def address(self) -> str:
        """Of the other side."""
        return self.client[0] if self.client else ""

    def _too_slow(self) -> None:
        self._head_timer = None
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self.transport.abort()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class Server(uvicorn.Server):
    """uvicorn within a role: the actor decides about signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """None of them."""
        yield

    async def main_loop(self) -> None:
        """Once a second, for the date header; ten times as uvicorn does costs a small gateway more than its pages."""
        while not await self.on_tick(0):  # noqa: ASYNC110  # a clock is what is waited for
            await asyncio.sleep(TICK_S)


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
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        for listener in getattr(server, "servers", ()):
            listener.close()
