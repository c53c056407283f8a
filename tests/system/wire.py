"""A Modbus TCP client of the tests' own: frames by hand, so that also what no library would send can be sent."""

import socket
import struct
from collections.abc import Sequence
from typing import Self

HEADER = struct.Struct(">HHHB")


class ModbusError(Exception):
    """The slave answered with an exception.

    Attributes:
        code: of it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code:02}")
        self.code = code


class Client:
    """One connection.

    Attributes:
        socket: of it.
    """

    def __init__(self, port: int, timeout_s: float = 5.0, buffers: int = 0) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(timeout_s)
        if buffers:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffers)
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffers)
        try:
            self.socket.connect(("127.0.0.1", port))
        except OSError:
            self.socket.close()
            raise
        self._transaction = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection in order."""
        self.socket.close()

    def reset(self) -> None:
        """End the connection with a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read(self, address: int, count: int, function: int = 3, unit: int = 1) -> tuple[int, ...]:
        """Registers.

        Raises:
            ModbusError: the slave refused.
        """
        answer = self.ask(struct.pack(">BHH", function, address, count), unit)
        if answer[0] == function | 0x80:
            raise ModbusError(answer[1])
        assert answer[:2] == bytes((function, 2 * count)), answer.hex()
        return struct.unpack(f">{count}H", answer[2:])

    def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        """The answer's PDU; that it belongs to this request is checked."""
        self._transaction = (self._transaction + 1) % 65536
        self.send(frame(self._transaction, pdu, unit))
        transaction, answer = self.receive(unit)
        assert transaction == self._transaction
        return answer

    def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.socket.sendall(data)

    def receive(self, unit: int = 1) -> tuple[int, bytes]:
        """The next frame: transaction id and PDU."""
        transaction, protocol, length, answered = HEADER.unpack(self._exactly(HEADER.size))
        assert (protocol, answered) == (0, unit)
        return transaction, self._exactly(length - 1)

    def is_ended(self) -> bool:
        """Whether the slave ends the connection without a further answer (an answer fails here)."""
        try:
            data = self.socket.recv(1)
        except ConnectionResetError:
            return True
        assert not data, f"an answer instead of the end: {data.hex()}"
        return True

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            if not piece:
                raise EOFError(f"the connection ended after {len(data)} of {size} bytes")
            data += piece
        return data


def frame(transaction: int, pdu: bytes, unit: int = 1, protocol: int = 0, length: int | None = None) -> bytes:
    """A frame; `protocol` and `length` may be wrong."""
    return HEADER.pack(transaction, protocol, len(pdu) + 1 if length is None else length, unit) + pdu


def read_pdu(address: int, count: int, function: int = 3) -> bytes:
    """The request to read."""
    return struct.pack(">BHH", function, address, count)


def number(words: Sequence[int], *, signed: bool = False) -> int:
    """Of registers, high word first."""
    return int.from_bytes(b"".join(word.to_bytes(2, "big") for word in words), "big", signed=signed)


def answers(port: int, address: int = 0, count: int = 2) -> bool:
    """Whether a read there succeeds now."""
    try:
        with Client(port) as client:
            client.read(address, count)
    except (OSError, EOFError, ModbusError):
        return False
    return True
