"""Reads many plain connections in one go: one epoll of our own, which the event loop watches as one thing.

The loop's transport keeps all that is not plain reading: writing what waits, errors, the end. A lone client's bytes it
reads too: waking up through two epolls costs that one more than reading in one go could save.
"""

import asyncio
import os
import select
from typing import Final, Protocol

FEW: Final = 1
"""So many connections are left to the transport."""

AT_ONCE: Final = 256
"""Connections that are read in one turn of the loop. Others have theirs in the next one."""

READ_BYTES: Final = 479
"""Most that one read takes: with it an object of the interpreter's fits into a block that it has at hand."""


class Reader(Protocol):
    """Who is read for."""

    def data_received(self, data: bytes) -> None:
        """Bytes of the peer."""
        ...

    def hand_back(self) -> None:
        """The peer has ended, or the connection broke."""
        ...

    def abort(self) -> None:
        """Give up."""
        ...


class Intake:
    """The sockets that are read here."""

    __slots__ = ("_epoll", "_readers")

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._readers: dict[int, Reader] = {}

    def open(self) -> None:
        """Have the running loop call `turn`."""
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self.turn)

    def close(self) -> None:
        """Read nothing more; all have left. Again does nothing."""
        if not self._epoll.closed:
            asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()

    def take(self, fd: int, reader: Reader) -> None:
        """Read that socket from now on; nobody else does."""
        self._epoll.register(fd, select.EPOLLIN)
        self._readers[fd] = reader

    def leave(self, fd: int) -> None:
        """Read it no longer. To be called before it is closed."""
        del self._readers[fd]
        self._epoll.unregister(fd)

    def turn(self) -> None:
        """Take from each what has come, at most READ_BYTES."""
        read, readers = os.read, self._readers
        for fd, _ in self._epoll.poll(0, AT_ONCE):
            reader = readers[fd]
            try:
                data = read(fd, READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                reader.hand_back()
                continue
            try:
                reader.data_received(data)
            except BaseException:
                reader.abort()  # a defect of ours must not leave a connection that nobody serves
                raise
