"""A meter that nobody here wrote: pymodbus' own server, in its own thread, with registers that a test can change."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

LAST_REGISTER = 65_534
LOOP_TURNS = 10
"""More than asyncio takes from an accepted socket to its connection, or from closing a connection to its socket."""


async def _settle() -> None:
    for _ in range(LOOP_TURNS):
        await asyncio.sleep(0)


class ForeignMeter:
    """Serves on a free port of the loopback; stopped and started again it keeps port and registers.

    Attributes:
        registers: address -> word; every other address answers exception 02.
        failing: address of a request -> exception that it gets.
        requests: (function, address, count) in their order.
        mute: whether requests get no answer at all.
        delay_s: how long each answer takes.
        port: where it listens.
    """

    def __init__(self, registers: dict[int, int]) -> None:
        self.registers = registers
        self.failing: dict[int, ExcCodes] = {}
        self.requests: list[tuple[int, int, int]] = []
        self.mute = False
        self.delay_s = 0.0
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None

    def put(self, address: int, *words: int) -> None:
        """Write registers."""
        self.registers.update({address + offset: word for offset, word in enumerate(words)})

    def start(self) -> None:
        """Serve; returns once it listens."""
        listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(listening)), daemon=True)
        self._thread.start()
        assert listening.wait(5)

    def stop(self) -> None:
        """End, with all connections."""
        assert self._loop is not None
        assert self._stop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(5)
        assert not self._thread.is_alive()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        assert self._thread is not None
        if self._thread.is_alive():
            self.stop()

    async def _serve(self, listening: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        memory = SimData(0, count=LAST_REGISTER, values=0, datatype=DataType.REGISTERS)
        device = SimDevice(id=0, simdata=[memory], action=self._on_request)
        server = ModbusTcpServer(device, address=("127.0.0.1", self.port), trace_packet=self._trace)
        await server.serve_forever(background=True)
        transport = server.transport
        assert isinstance(transport, asyncio.Server)
        self.port = transport.sockets[0].getsockname()[1]
        listening.set()
        await self._stop.wait()
        # A server that is closed can make no connection of a socket it has just accepted, and pymodbus closes only what
        # is one already: either way the socket would leak. So nobody is accepted any more, and who was, comes in.
        for listener in transport.sockets:
            self._loop.remove_reader(listener.fileno())
        await _settle()
        await server.shutdown()  # type: ignore[no-untyped-call]  # published without types
        await _settle()

    def _trace(self, sending: bool, packet: bytes) -> bytes:
        return b"" if sending and self.mute else packet

    async def _on_request(
        self, function: int, start: int, address: int, count: int, current: list[int], _new: object
    ) -> ExcCodes | None:
        self.requests.append((function, address, count))
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if address in self.failing:
            return self.failing[address]
        for offset in range(count):
            if address + offset not in self.registers:
                return ExcCodes.ILLEGAL_ADDRESS
            current[address + offset - start] = self.registers[address + offset]
        return None
