"""The end of a connection on which something was still said: the last word has to arrive.

Closing a socket with unread data in it sends a reset, and a reset can overtake an alert or an answer. So the sending
side is closed first, and what still comes is thrown away until the peer closes too: a short while, a little data.
"""

import asyncio
import fcntl
import socket
import struct
import termios
from collections.abc import Callable
from typing import Final

PATIENCE_S: Final = 0.5
MOST_BYTES: Final = 65536
_AT_ONCE: Final = 8192
_RESET: Final = struct.pack("ii", 1, 0)
_INT: Final = struct.Struct("i")


def in_flight(sock: socket.socket) -> int:
    """Bytes that were sent and that the peer's kernel has not confirmed."""
    return int(_INT.unpack(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0"))[0])


def reset_on_close(sock: socket.socket) -> None:
    """Closing it will drop what is in flight, and tell the peer by a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


class Farewell:
    """Closes `sock`, at the latest after PATIENCE_S, and says so once."""

    __slots__ = ("_done", "_left", "_loop", "_sock", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, sock: socket.socket, done: Callable[[], None]) -> None:
        """Begin. No reader or writer may be registered for `sock` any more."""
        self._loop = loop
        self._sock = sock
        self._done: Callable[[], None] | None = done
        self._left = MOST_BYTES
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # the peer was faster
            self._left = 0
        self._timer = loop.call_later(PATIENCE_S if self._left else 0.0, self.cut)
        if self._left:
            loop.add_reader(sock.fileno(), self._discard)

    def cut(self) -> None:
        """Close now."""
        done, self._done = self._done, None
        if done is None:
            return
        self._timer.cancel()
        self._loop.remove_reader(self._sock.fileno())
        self._sock.close()
        done()

    def _discard(self) -> None:
        try:
            got = len(self._sock.recv(_AT_ONCE))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            got = 0
        self._left -= got
        if not got or self._left <= 0:
            self.cut()
