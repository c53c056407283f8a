"""One connection on asyncio: feeds a transport's bytes to the slave core and obeys the core's state.

Reading pauses while a backlog is worked off, a burst per loop turn, and while the peer does not read its answers.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Final, Protocol

from shared.bus.messages import Client
from shared.modbus.pdu import ExceptionCode, Identify, parse
from shared.modbus.slave import Slave, State

_MORE: Final = (State.BACKLOG, State.WAITING)


class Keeper(Protocol):
    """Who lets connections in."""

    def admit(self, connection: "Connection") -> bool:
        """Whether a new connection stays."""
        ...

    def release(self, connection: "Connection") -> None:
        """It has ended; also told of one that was not admitted."""
        ...


class Connection(asyncio.Protocol):
    """One peer.

    Attributes:
        slave: the core.
        address, peer: who it is, without and with its port.
        connected_ns: CLOCK_BOOTTIME at which it came.
        transport: towards the peer.
    """

    __slots__ = (
        "_asked",
        "_blocked",
        "_fd",
        "_idle_since",
        "_keeper",
        "_now",
        "_queued",
        "_replica",
        "_seen",
        "address",
        "connected_ns",
        "peer",
        "slave",
        "transport",
    )

    transport: asyncio.Transport

    def __init__(self, keeper: Keeper, slave: Slave, now_ns: Callable[[], int]) -> None:
        """Prepare for one connection.

        Args:
            keeper: decides whether it stays.
            slave: core of this connection alone.
            now_ns: CLOCK_BOOTTIME.
        """
        self._keeper = keeper
        self._now = now_ns
        self._replica = slave.replica
        self.slave = slave
        self._blocked = False
        self._queued = False
        self._seen = 0
        self._asked = 0
        self.connected_ns = self._idle_since = now_ns()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be let in; a stream server makes no transport but an `asyncio.Transport`."""
        self.transport = transport  # type: ignore[assignment]
        sock = transport.get_extra_info("socket")  # none under TLS, where nothing may pass the transport by
        self._fd = -1 if sock is None else sock.fileno()
        host, port, *_ = transport.get_extra_info("peername") or ("", 0)  # None: it has gone already
        self.address = str(host).removeprefix("::ffff:")
        self.peer = f"[{self.address}]:{port}" if ":" in self.address else f"{self.address}:{port}"
        if self._keeper.admit(self):
            self.transport.set_write_buffer_limits(high=0)  # `pause_writing` as soon as one byte has to wait
        else:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Answer at once all that came together.

        The short way answers what the core would: a lone read whose answer is known. Most requests are that. It asks
        the kernel directly, since the transport's buffer is empty whenever something is received: reading pauses
        until it is.
        """
        now = self._now()
        slave = self.slave
        view = self._replica.view
        if slave.straight and now <= view.until_ns:
            try:
                answer = data[:2] + view.answers[data[2:]]
                sent = os.write(self._fd, answer)
            except KeyError:
                pass  # not asked before, or not a lone read
            except OSError:
                slave.requests += 1
                slave.last = data
                self.transport.write(answer)  # waits until the peer reads, or finds out that it has gone
                return
            else:
                slave.requests += 1
                slave.last = data
                if sent != len(answer):
                    self.transport.write(answer[sent:])
                return
        answer = slave.receive(data, now)
        if answer:
            self.transport.write(answer)
        if slave.state:
            self._obey()

    def pause_writing(self) -> None:
        """The peer does not read: take nothing more from it."""
        self._blocked = True
        self._idle_since = self._now()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again: first what it has already asked for."""
        self._blocked = False
        self._idle_since = self._now()
        self._resume()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave; a reset is an ordinary end."""
        del exc
        self._keeper.release(self)

    def overdue(self, now: int, idle_ns: int, stall_ns: int) -> bool:
        """Whether it has asked nothing, or taken no answer (also while closing), for too long. Call it regularly.

        Requests are counted, not bytes: a peer that sends one byte a minute is idle.
        """
        self._look(now)
        age = now - self._idle_since
        return bool(idle_ns and age > idle_ns) or (age > stall_ns and (self._blocked or self.transport.is_closing()))

    def mute(self, now: int, for_ns: int) -> bool:
        """Whether it has asked nothing at all since it came, and that is longer ago."""
        return not self.slave.requests and now - self.connected_ns > for_ns

    @property
    def names(self) -> tuple[str, ...]:
        """By which it can be paused."""
        return (self.address,)

    def client(self, now: int) -> Client:
        """What there is to tell of it."""
        self._look(now)
        slave, last = self.slave, self.slave.last
        request = parse(last[7:]) if last else ExceptionCode.ILLEGAL_FUNCTION
        start, count = -1, 0
        if not isinstance(request, ExceptionCode | Identify):
            start, count = request.start, request.end - request.start
        return Client(
            peer=self.peer,
            address=self.address,
            connected_ns=self.connected_ns,
            asked_ns=self._asked,
            requests=slave.requests,
            exceptions=slave.exceptions,
            unit=last[6] if last else -1,
            function=last[7] if last else 0,
            start=start,
            count=count,
            paused=slave.paused,
        )

    def close(self) -> None:
        """End it once the answers are out; `overdue` sees to it that this is not for ever."""
        self._idle_since = self._now()
        self.transport.close()

    def _look(self, now: int) -> None:
        if self.slave.requests != self._seen:
            self._seen = self.slave.requests
            self._asked = self._idle_since = now

    def _obey(self) -> None:
        if self.slave.state is State.ENDED:
            self.close()
        elif self.slave.later is not None:
            self.transport.pause_reading()
            self.slave.later.then(self._resume)
        else:
            self.transport.pause_reading()
            if not self._queued:
                self._queued = True
                asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._queued = False
        self._resume()

    def _resume(self) -> None:
        if self._blocked or self.transport.is_closing():
            return
        if self.slave.state in _MORE:
            self.transport.write(self.slave.resume(self._now()))
        if self.slave.state:
            self._obey()
        elif not self._blocked:  # the write above may have filled the buffer
            self.transport.resume_reading()
