"""The first message of a TLS client, taken apart by hand (RFC 8446 4.1.2)."""

from dataclasses import dataclass

import pytest
from OpenSSL import SSL


@dataclass
class ClientHello:
    """What a client offers.

    Attributes:
        suites: cipher suites, in order.
        compressions: compression methods.
        extensions: number -> content.
    """

    suites: list[int]
    compressions: bytes
    extensions: dict[int, bytes]

    def numbers(self, extension: int, header: int) -> list[int]:
        """A list of 16 bit numbers behind a length of `header` bytes."""
        content = self.extensions[extension][header:]
        return [int.from_bytes(content[at : at + 2], "big") for at in range(0, len(content), 2)]


def client_hello(context: SSL.Context) -> ClientHello:
    """Of a client with this context."""
    connection = SSL.Connection(context, None)
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    record = connection.bio_read(16384)
    assert (record[0], record[5]) == (22, 1), "a handshake record with a ClientHello"
    reader = _Reader(record[9:])
    reader.take(34)  # version and random
    reader.block(1)  # session id
    suites = reader.block(2)
    compressions = reader.block(1)
    listed = _Reader(reader.block(2))
    extensions: dict[int, bytes] = {}
    while listed.left:
        number = int.from_bytes(listed.take(2), "big")
        extensions[number] = listed.block(2)
    return ClientHello(
        [int.from_bytes(suites[at : at + 2], "big") for at in range(0, len(suites), 2)], compressions, extensions
    )


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        assert count <= self.left
        self._at += count
        return self._data[self._at - count : self._at]

    def block(self, header: int) -> bytes:
        return self.take(int.from_bytes(self.take(header), "big"))
