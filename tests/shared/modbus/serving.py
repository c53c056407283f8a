"""A server on real sockets, and what a test asks about it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import structlog

from shared.modbus.connection import Connection
from shared.modbus.listen import bind
from shared.modbus.replica import Replica
from shared.modbus.server import Limits, Server
from tests.shared.modbus.samples import T0, read, replica

Story = Callable[[], Coroutine[Any, Any, None]]
Run = Callable[[Story], None]


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> int:
        return self.now


class Running:
    """A server and what a test asks about it."""

    def __init__(self, limits: Limits, held: Replica) -> None:
        self.replica = held
        self.clock = Clock()
        self.lines: list[dict[str, Any]] = []
        log = structlog.wrap_logger(
            None, processors=[self._line], wrapper_class=structlog.make_filtering_bound_logger(0)
        )
        self.server = Server(held, log, limits, now_ns=self.clock)

    def _line(self, _logger: object, level: str, line: Any) -> Any:
        self.lines.append({**line, "level": level})
        raise structlog.DropEvent

    async def connect(self, source: str = "127.0.0.1") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.server.port, local_addr=(source, 0))

    async def ask(self, request: bytes, size: int) -> bytes:
        """One exchange on a connection of its own."""
        reader, writer = await self.connect()
        writer.write(request)
        reply = await reader.readexactly(size)
        writer.close()
        return reply

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that only the other side of a socket knows."""
        while not condition():  # noqa: ASYNC110  # the kernel sets no event of ours
            await asyncio.sleep(0.002)

    @asynccontextmanager
    async def greedy(self) -> AsyncIterator[None]:
        """Somebody asks for more than the kernel holds, and takes no answer; the server waits for him already."""
        loop = asyncio.get_running_loop()
        with socket.socket() as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy.setblocking(False)
            await loop.sock_connect(greedy, ("127.0.0.1", self.server.port))
            sending = loop.create_task(loop.sock_sendall(greedy, read(40000, 125) * 20000))
            await self.until(lambda: any(connection._blocked for connection in self.server._connections))
            yield
            await asyncio.gather(sending, return_exceptions=True)  # it fails where the kernel did not take all

    def moves_clock_by(self, seconds: float) -> None:
        self.clock.now += int(seconds * 1e9)


@asynccontextmanager
async def running(held: Replica | None = None, **limits: Any) -> AsyncIterator[Running]:
    it = Running(Limits(**limits), held or replica())
    await it.server.start([bind("127.0.0.1", 0)])
    try:
        yield it
    finally:
        await it.server.stop(0.05)
        assert it.server.connections == 0


def answered(connection: Connection, requests: int) -> bool:
    return connection.slave.requests == requests


async def end(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the connection ends, in order or by a reset."""
    try:
        return await reader.read(-1)
    except ConnectionResetError:
        return b""
