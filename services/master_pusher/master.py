"""Our side of a connection to a slave: requests one after the other, one in flight, each with a deadline of its own.

One in flight, because a slave that leaves Nagle's algorithm on answers a second one only after our delayed
acknowledgement, 40 ms later. The transport may be plain or TLS. Nothing is encoded or decided here.
"""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, cast

from shared import clock
from shared.errors import PeerError
from shared.modbus.frame import BROKEN, HEADER, INCOMPLETE, frame_size


class Request(NamedTuple):
    """A request and what answers it, both as frames without their transaction id.

    Attributes:
        frame: from the protocol id on.
        answer: the answer that says: done.
        tag: requests of one tag belong together; where one is refused, the rest of them is not sent.
        address, size: registers that it concerns, for messages.
    """

    frame: bytes
    answer: bytes
    tag: str
    address: int
    size: int


class Refused(NamedTuple):
    """A request that the slave answered with an exception."""

    request: Request
    code: int


class Outcome(NamedTuple):
    """What became of the requests; without any of it, all were done.

    Attributes:
        refused: answered with an exception.
        expired: time was up before the last of them was sent.
    """

    refused: tuple[Refused, ...] = ()
    expired: bool = False


_UNIT: Final = 4
"""Place of the unit id in a frame without its transaction id. Gateways exist that answer with another one."""


class Master(asyncio.Protocol):
    """See module. A connection that has failed once is of no use any more."""

    __slots__ = (
        "_at",
        "_buffer",
        "_deadline",
        "_done",
        "_expected",
        "_failure",
        "_loop",
        "_refused",
        "_requests",
        "_timeout_s",
        "_timer",
        "_transaction",
        "_transport",
        "_until_ns",
        "_where",
    )

    def __init__(self, where: str) -> None:
        """`where` is the slave's name in messages."""
        self._where = where
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._failure: PeerError | None = None
        self._buffer = b""
        self._transaction = 0
        self._expected = b""
        self._requests: Sequence[Request] = ()
        self._at = 0
        self._refused: list[Refused] = []
        self._done: asyncio.Future[Outcome] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timeout_s = 0.0
        self._deadline = 0.0
        self._until_ns = 0

    @property
    def usable(self) -> bool:
        """Whether a request can be sent, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing() and self._failure is None

    async def send(self, requests: Sequence[Request], timeout_s: float, until_ns: int) -> Outcome:
        """Send all requests, each when the one before is answered.

        Args:
            requests: not empty.
            timeout_s: for each answer.
            until_ns: CLOCK_BOOTTIME after which no further one is sent.

        Raises:
            PeerError: no answer, a wrong one, or no connection; it is closed then.
        """
        if not self.usable or self._transport is None:
            raise self._failure or PeerError(f"{self._where}: the connection has ended")
        if self._done is not None:
            raise RuntimeError("a master sends one list of requests at a time")
        self._requests, self._at, self._refused = requests, 0, []
        self._timeout_s, self._until_ns = timeout_s, until_ns
        self._done = self._loop.create_future()
        try:
            self._send()
            return await self._done
        except asyncio.CancelledError:
            self.close()  # an answer to what is in flight would be taken for that to the next request
            raise
        finally:
            self._done = None

    def close(self) -> None:
        """End the connection at once."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        why = (getattr(exc, "strerror", None) or str(exc)) if exc else "the slave closed the connection"
        self._fail(f"{why}{self._in_flight()}")

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._done is None or self._done.done():
            self._fail("the slave sent something that it was not asked for")
            return
        if data == self._expected and not self._buffer:  # how it nearly always is
            self._advance()
            return
        self._buffer += data
        size = frame_size(self._buffer, 0)
        if size == INCOMPLETE:
            return
        if size == BROKEN:
            self._fail("the slave's answer is no Modbus TCP; is there something else on this port?")
        elif size < len(self._buffer):
            self._fail("the slave sent more than it was asked for")
        else:
            answer, self._buffer = self._buffer, b""
            self._judge(answer)

    def _judge(self, answer: bytes) -> None:
        request, expected = self._requests[self._at], self._expected
        if answer[:2] != expected[:2]:
            self._fail(f"the slave answered another transaction{self._in_flight()}")
        elif answer[HEADER:] == expected[HEADER:]:
            self._advance()
        elif answer[HEADER] == request.answer[_UNIT + 1] | 0x80 and len(answer) == HEADER + 2:
            self._refused.append(Refused(request, answer[HEADER + 1]))
            self._advance()
        else:
            self._fail(f"the slave answered {answer[HEADER:][:8].hex(' ')}{self._in_flight()}")

    def _advance(self) -> None:
        """The request in flight is answered: the next one, or the end."""
        refused = {item.request.tag for item in self._refused} if self._refused else ()
        self._at += 1
        while self._at < len(self._requests) and self._requests[self._at].tag in refused:
            self._at += 1
        self._send()

    def _send(self) -> None:
        if self._done is None or self._transport is None:
            return
        finished = self._at >= len(self._requests)
        if finished or clock.now_ns() > self._until_ns:
            self._expected = b""
            self._deadline = 0.0
            if not self._done.done():
                self._done.set_result(Outcome(tuple(self._refused), expired=not finished))
            return
        request = self._requests[self._at]
        self._transaction = (self._transaction + 1) & 0xFFFF
        transaction = self._transaction.to_bytes(2, "big")
        self._expected = transaction + request.answer
        self._deadline = self._loop.time() + self._timeout_s
        if self._timer is None:
            self._timer = self._loop.call_later(self._timeout_s, self._look_at_clock)
        self._transport.write(transaction + request.frame)

    def _look_at_clock(self) -> None:
        """One timer for many requests: it looks whether the one in flight is late, and comes again where not."""
        self._timer = None
        if not self._deadline:
            return
        left = self._deadline - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look_at_clock)
        else:
            self._fail(f"no answer within {self._timeout_s:g} s{self._in_flight()}")

    def _in_flight(self) -> str:
        if self._done is None or self._done.done() or self._at >= len(self._requests):
            return ""
        request = self._requests[self._at]
        return f" to the registers {request.address}-{request.address + request.size - 1}"

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = PeerError(f"{self._where}: {reason}")
        self._deadline = 0.0
        done = self._done
        self.close()
        if done is not None and not done.done():
            done.set_exception(self._failure)
