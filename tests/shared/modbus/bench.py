"""A connection over a transport that does what the test wants."""

import asyncio
import socket
from typing import Any

from shared.modbus.access import READ_ONLY, Access
from shared.modbus.connection import Connection
from shared.modbus.intake import Intake
from shared.modbus.slave import Slave
from tests.shared.modbus.samples import T0, replica


class Keeper:
    """Lets in, or not."""

    def __init__(self, *, admits: bool = True) -> None:
        self.admits = admits
        self.released = 0

    def admit(self, connection: Connection) -> bool:
        del connection
        return self.admits

    def release(self, connection: Connection) -> None:
        del connection
        self.released += 1


class Transport(asyncio.Transport):
    """Collects what is written through it; the descriptor is one end of a pair."""

    def __init__(self, sock: socket.socket, peer: tuple[Any, ...] | None = ("192.0.2.1", 50000)) -> None:
        super().__init__({"socket": sock, "peername": peer})
        self.written: list[bytes] = []
        self.closed = self.aborted = self.reading_paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (0, None)

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.reading_paused = True

    def is_reading(self) -> bool:
        return not self.reading_paused

    def resume_reading(self) -> None:
        self.reading_paused = False


class Bench:
    """A connection, its transport and the peer's end."""

    def __init__(
        self,
        *,
        admits: bool = True,
        burst: int = 64,
        peer: tuple[Any, ...] | None = ("192.0.2.1", 5),
        access: Access = READ_ONLY,
        intake: Intake | None = None,
    ) -> None:
        self.ours, self.peer = socket.socketpair()
        self.ours.setblocking(False)
        self.peer.setblocking(False)
        self.now = T0
        self.keeper = Keeper(admits=admits)
        self.replica = replica()
        self.connection = Connection(self.keeper, Slave(self.replica, access, burst), lambda: self.now, intake)
        self.transport = Transport(self.ours, peer)
        self.connection.connection_made(self.transport)

    def direct(self) -> bytes:
        """What went to the kernel without the transport."""
        try:
            return self.peer.recv(1 << 20)
        except BlockingIOError:
            return b""

    def close(self) -> None:
        self.ours.close()
        self.peer.close()
