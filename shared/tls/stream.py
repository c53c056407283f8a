"""TLS under an asyncio protocol: OpenSSL works directly on the socket, this drives it from the event loop.

One record is read per loop turn, so that what a peer sends is bounded by others' turns; what it does not take is held
until the protocol, told by `pause_writing`, stops asking. Faster than memory buffers under a transport of the loop's,
since data passes the interpreter once, at the cost that back-pressure, partial writes and the end are decided here.
"""

import asyncio
import socket
from contextlib import suppress
from enum import IntEnum
from typing import Final

from OpenSSL import SSL

from shared.tls.backlog import Backlog
from shared.tls.connection import READ_SIZE
from shared.tls.farewell import Farewell, in_flight, reset_on_close
from shared.tls.peer import TlsPeer, explain

CLOSE_WITHIN_S: Final = 30.0
"""A peer that takes no answer for so long after `close` is cut off."""


class _State(IntEnum):
    OPEN = 0
    CLOSING = 1
    """Nothing more is read; what was written still goes out."""
    FAREWELL = 2
    """Our last word is out."""
    CLOSED = 3


class TlsTransport(asyncio.Transport):
    """A connection after its handshake. Extra info: `peername`, and `tls_peer`, a `TlsPeer`.

    It has no `socket`: whoever wrote to that would write in plain text.
    """

    __slots__ = (
        "__weakref__",
        "_backlog",
        "_connection",
        "_farewell",
        "_fd",
        "_loop",
        "_paused",
        "_protocol",
        "_read_wants_write",
        "_reading",
        "_received",
        "_recv",
        "_send",
        "_sock",
        "_state",
        "_timer",
        "_write_wants_read",
        "_writing",
    )

    def __init__(
        self, sock: socket.socket, connection: SSL.Connection, peer: TlsPeer, protocol: asyncio.Protocol
    ) -> None:
        """Take over a socket whose handshake is complete, and tell `protocol`. Data comes with a later loop turn."""
        super().__init__({"peername": (peer.address, peer.port), "tls_peer": peer})
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._fd = sock.fileno()
        self._connection: SSL.Connection | None = connection
        self._recv = connection.recv
        self._send = connection.send
        self._backlog = Backlog()
        self._paused = False
        self._reading = self._writing = False
        self._read_wants_write = self._write_wants_read = False
        self._state = _State.OPEN
        self._farewell: Farewell | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.set_protocol(protocol)
        protocol.connection_made(self)
        self._watch()

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Who gets the data from now on."""
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError(f"{type(protocol).__name__} is not an asyncio.Protocol")
        self._protocol: asyncio.Protocol | None = protocol
        self._received = protocol.data_received

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who gets the data."""
        if self._protocol is None:
            raise RuntimeError("the connection has ended")
        return self._protocol

    def is_closing(self) -> bool:
        """Whether it is ending or has ended."""
        return self._state is not _State.OPEN

    def is_reading(self) -> bool:
        """Whether data is taken from the peer."""
        return self._state is _State.OPEN and not self._paused

    def pause_reading(self) -> None:
        """Take nothing more from the peer."""
        self._paused = True
        self._watch()

    def resume_reading(self) -> None:
        """Go on; nothing was taken meanwhile that is not delivered."""
        self._paused = False
        self._watch()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """How much may wait before the protocol is told to pause, and until when."""
        self._backlog.limit(high, low)
        self._pressure()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Low and high."""
        return self._backlog.low, self._backlog.high

    def get_write_buffer_size(self) -> int:
        """Bytes that the socket has not taken yet."""
        return self._backlog.size

    def can_write_eof(self) -> bool:
        """TLS ends both directions together here."""
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send, or keep what the socket does not take. After the end it is dropped, as on any transport."""
        if self._state or self._backlog or not data:
            self._keep(bytes(data))
            return
        try:
            sent = self._send(data)
        except (SSL.WantReadError, SSL.WantWriteError) as error:
            self._write_wants_read = isinstance(error, SSL.WantReadError)
            self._keep(bytes(data))  # the same bytes have to be offered again, first of all
            self._watch()
        except SSL.Error as error:
            self._lose(error)
        else:
            if sent < len(data):
                self._keep(bytes(data[sent:]))
                self._flush()

    def close(self) -> None:
        """Send what is written, say so to the peer, and end."""
        if self._state:
            return
        self._state = _State.CLOSING
        self._timer = self._loop.call_later(CLOSE_WITHIN_S, self.abort)
        if self._backlog:
            self._watch()
        else:
            self._say_farewell()

    def abort(self) -> None:
        """End at once: a close_notify where the socket takes it, nothing that is still waiting.

        Where something is on its way to a peer that does not take it, the connection is reset: the kernel drops it too.
        """
        if self._state is _State.CLOSED:
            return
        if self._farewell is not None:
            self._farewell.cut()
            return
        stuck = bool(self._backlog) or in_flight(self._sock) > 0
        if not self._backlog:
            self._notify()
        if stuck:
            reset_on_close(self._sock)
        self._detach()
        self._sock.close()
        self._end(None)

    def _read(self) -> None:
        """The socket is readable: one record."""
        try:
            data = self._recv(READ_SIZE)
            if len(data) == READ_SIZE:
                data = self._rest(data)
        except SSL.WantReadError:
            return
        except SSL.WantWriteError:  # an answer of TLS itself has to go out first
            self._read_wants_write = True
            self._watch()
        except SSL.ZeroReturnError:
            self.close()
        except SSL.Error as error:
            self._lose(error)
        else:
            try:
                self._received(data)
            except BaseException:
                self.abort()  # a defect of ours must not leave a connection that nobody serves
                raise

    def _read_to_write(self) -> None:
        """As `_read`, where also a write waits for the socket to be readable."""
        self._write_wants_read = False
        self._loop.remove_reader(self._fd)
        self._reading = False
        self._flush()
        if self.is_reading() and not self._read_wants_write:
            self._read()
        self._watch()

    def _rest(self, data: bytes) -> bytes:
        """The record to its end: what stays inside OpenSSL makes no socket readable."""
        parts = [data]
        connection = self._connection
        while connection is not None and connection.pending():
            parts.append(self._recv(READ_SIZE))
        return b"".join(parts)

    def _writable(self) -> None:
        if self._read_wants_write:
            self._read_wants_write = False
            if self.is_reading():
                self._read()
        self._flush()
        self._watch()

    def _keep(self, data: bytes) -> None:
        if data and self._state is _State.OPEN:
            self._backlog.keep(data)
            self._pressure()

    def _flush(self) -> None:
        """Offer the oldest first, unchanged until it is taken."""
        try:
            while self._backlog and not self._write_wants_read:
                self._backlog.taken(self._send(self._backlog[0]))
        except SSL.WantWriteError:
            pass  # _watch waits for room as long as there is a backlog
        except SSL.WantReadError:
            self._write_wants_read = True
        except SSL.Error as error:
            self._lose(error)
            return
        self._pressure()
        if self._state is _State.CLOSING and not self._backlog:
            self._say_farewell()
        else:
            self._watch()

    def _pressure(self) -> None:
        """Tell the protocol when to stop and when to go on."""
        if self._protocol is not None and self._state is _State.OPEN:
            self._backlog.tell(self._protocol)

    def _watch(self) -> None:
        """Register with the loop what is waited for, and nothing else."""
        if self._state >= _State.FAREWELL:
            return
        read = self._write_wants_read or (self.is_reading() and not self._read_wants_write)
        write = self._read_wants_write or (bool(self._backlog) and not self._write_wants_read)
        if self._write_wants_read:
            self._loop.add_reader(self._fd, self._read_to_write)
        elif read and not self._reading:
            self._loop.add_reader(self._fd, self._read)
        elif not read and self._reading:
            self._loop.remove_reader(self._fd)
        if write and not self._writing:
            self._loop.add_writer(self._fd, self._writable)
        elif not write and self._writing:
            self._loop.remove_writer(self._fd)
        self._reading, self._writing = read, write

    def _notify(self) -> None:
        """close_notify, best effort: the peer may have gone, or not read."""
        with suppress(SSL.Error):  # nothing depends on it: the socket is closed next
            if self._connection is not None:
                self._connection.shutdown()

    def _lose(self, error: SSL.Error) -> None:
        """The connection broke, or the peer broke TLS; OpenSSL has sent the alert."""
        reason = ConnectionError(explain(error))
        self._detach()
        if isinstance(error, SSL.SysCallError):
            self._sock.close()
            self._end(reason)
        else:
            self._farewell = Farewell(self._loop, self._sock, lambda: self._end(reason))

    def _say_farewell(self) -> None:
        self._notify()
        self._detach()
        self._farewell = Farewell(self._loop, self._sock, lambda: self._end(None))

    def _detach(self) -> None:
        """OpenSSL and the loop forget this connection; its memory is free."""
        self._state = _State.FAREWELL
        if self._reading:
            self._loop.remove_reader(self._fd)
        if self._writing:
            self._loop.remove_writer(self._fd)
        self._reading = self._writing = False
        self._backlog.drop()
        self._connection = None
        del self._recv, self._send
        if self._timer is not None:
            self._timer.cancel()

    def _end(self, reason: Exception | None) -> None:
        """The socket is closed: tell the protocol, in a turn of its own."""
        self._state = _State.CLOSED
        self._farewell = None
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            self._received = _ignore
            self._loop.call_soon(protocol.connection_lost, reason)


def _ignore(data: bytes) -> None:
    del data
