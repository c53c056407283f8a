"""Receivers of the tests' own: one that notes what it gets and when, and such as no master wants to have."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Self

from tests.system.wire import HEADER

Serve = Callable[[socket.socket], None]


class Listening:
    """Accepts on a free port of the loopback, or of another host, and hands each connection to a thread.

    Attributes:
        port: where it listens.
        accepted: connections so far.
    """

    def __init__(self, serve: Serve, port: int = 0, host: str = "127.0.0.1") -> None:
        self._serve = serve
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        self.port: int = self._socket.getsockname()[1]
        self.accepted = 0
        self._open: set[socket.socket] = set()
        self._ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.add(connection)
            threading.Thread(target=self._run, args=(connection,), daemon=True).start()

    def _run(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            self._serve(connection)
        self._open.discard(connection)
        connection.close()

    def close(self) -> None:
        """Listen no more, and end all connections."""
        self._ended.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Recorder(Listening):
    """A slave with all registers that notes the time of each write that begins at register 0.

    Attributes:
        registers: what was written.
        times: time.monotonic() of each such write.
        pushes: CLOCK_BOOTTIME in ns and registers of each such write.
        writes: (function, address, registers) of each.
        refuse_from: registers from there on get exception 02.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self.registers: dict[int, int] = {}
        self.times: list[float] = []
        self.pushes: list[tuple[int, bytes]] = []
        self.writes: list[tuple[int, int, int]] = []
        self.refuse_from = 65536
        super().__init__(self._answer, port, host)

    def _answer(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while True:
            head, pdu = request(connection)
            function, address, count = struct.unpack(">BHH", pdu[:5])
            if address >= self.refuse_from:
                self.writes.append((function, address, 0))
                connection.sendall(head[:4] + b"\0\3" + head[6:] + bytes((function | 0x80, 2)))
                continue
            words = (count,) if function == 6 else struct.unpack(f">{count}H", pdu[6:])
            self.registers |= {address + offset: word for offset, word in enumerate(words)}
            self.writes.append((function, address, len(words)))
            if address == 0:
                self.times.append(time.monotonic())
                self.pushes.append((time.clock_gettime_ns(time.CLOCK_BOOTTIME), pdu[6:]))
            connection.sendall(head[:4] + b"\0\6" + head[6:] + pdu[:5])


def request(connection: socket.socket) -> tuple[bytes, bytes]:
    """The next one: header and PDU."""
    head = exactly(connection, HEADER.size)
    return head, exactly(connection, HEADER.unpack(head)[2] - 1)


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def resetting() -> Listening:
    """Resets each connection as soon as something comes."""

    def serve(connection: socket.socket) -> None:
        connection.recv(1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return Listening(serve)


def mute() -> Listening:
    """Takes everything and never answers."""

    def serve(connection: socket.socket) -> None:
        while connection.recv(4096):
            pass

    return Listening(serve)


def dripping() -> Listening:
    """Answers rightly, one byte a second."""

    def serve(connection: socket.socket) -> None:
        while True:
            head, pdu = request(connection)
            for byte in head[:4] + b"\0\6" + head[6:] + pdu[:5]:
                connection.sendall(bytes((byte,)))
                time.sleep(1)

    return Listening(serve)


def answering(make: Callable[[bytes, bytes], bytes], *, end: bool = False) -> Listening:
    """Answers each request with what `make` makes of the right answer's header and PDU; may end the connection then."""

    def serve(connection: socket.socket) -> None:
        while True:
            head, pdu = request(connection)
            connection.sendall(make(head[:4] + b"\0\6" + head[6:], pdu[:5]))
            if end:
                return

    return Listening(serve)


def flooding(size: int, *, asked: bool) -> Listening:
    """Sends so many bytes as soon as somebody has connected, or asked for something."""

    def serve(connection: socket.socket) -> None:
        if asked:
            connection.recv(300)
        for _ in range(size >> 16):
            connection.sendall(bytes(1 << 16))

    return Listening(serve)


class BlackHole:
    """A port whose queue is full: who connects hears nothing.

    Attributes:
        port: of it.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._socket.listen(0)
        self.port: int = self._socket.getsockname()[1]
        self._filling = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", self.port))
            self._filling.append(one)

    def close(self) -> None:
        """Be a port like others again."""
        for one in self._filling:
            one.close()
        self._socket.close()
