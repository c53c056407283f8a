"""The slave core: bytes of one connection in, bytes for it out, in order. No socket, no clock, no log.

Three steps: `receive` what came, write what it returns, obey `state`. It never raises: a broken peer ends in ENDED.

A finished answer is looked up by the request's frame without its transaction id, so that a hit proves protocol id,
length and function at once. Everything else takes the longer way and is remembered if it can be.
"""

from enum import IntEnum
from typing import Final

from shared.modbus.access import READ_ONLY, Access, Later, Reach
from shared.modbus.frame import BROKEN, INCOMPLETE, frame_size, wrap
from shared.modbus.identity import identify
from shared.modbus.pdu import ExceptionCode, Function, Read, Write, parse, refuse
from shared.modbus.replica import Replica
from shared.modbus.view import View

BURST: Final = 64
"""Requests answered per call, so that one connection cannot hold up the others."""

CACHED: Final = frozenset((Function.READ_HOLDING_REGISTERS, Function.READ_INPUT_REGISTERS))
"""Functions whose answers are remembered. Exceptions never are: they are counted, and cost a peer no memory of ours."""

_READ_FRAME: Final = 12
_FIRST_OF_KEY: Final = 2
_HEAD: Final = 8
"""MBAP header and function code: what an answer repeats of its request."""


class State(IntEnum):
    """What the owner of the connection has to do after writing the answer."""

    OPEN = 0
    """Receive more."""
    BACKLOG = 1
    """Let others have their turn, then call `resume`; receive nothing before."""
    ENDED = 2
    """Close: the peer does not speak Modbus TCP. Receive nothing more."""
    WAITING = 3
    """A write is decided elsewhere: once `later` is settled, call `resume`; take nothing from the peer before."""


class Slave:
    """One connection.

    Attributes:
        replica: what it answers from.
        state: what to do next.
        straight: nothing is pending and reading is allowed. Then a lone request that `replica.view.answers` knows may
            be answered from there without asking the core, as long as that view holds; count it in `requests`, and
            leave it in `last`.
        paused: every request that the peer has a right to make gets exception 06.
        last: the last whole frame, for whoever wants to know what the peer asks; empty before the first.
        pending: received, but not answered yet: less than one frame in OPEN, all that came in BACKLOG, all that came
            behind the write in WAITING.
        later: what WAITING waits for.
        requests, exceptions, framing_errors: counters since connect.
    """

    __slots__ = (
        "_access",
        "_burst",
        "_held",
        "exceptions",
        "framing_errors",
        "last",
        "later",
        "paused",
        "pending",
        "replica",
        "requests",
        "state",
        "straight",
    )

    def __init__(self, replica: Replica, access: Access = READ_ONLY, burst: int = BURST) -> None:
        """Serve `replica` to a peer with the rights of `access`, at most `burst` requests per call."""
        self.replica = replica
        self._access = access
        self._burst = burst
        self.straight = access.reach is Reach.ALL
        self.paused = False
        self.last = b""
        self.state = State.OPEN
        self.pending = b""
        self.later: Later | None = None
        self._held = b""
        self.requests = 0
        self.exceptions = 0
        self.framing_errors = 0

    def receive(self, data: bytes, now: int) -> bytes:
        """The answers to what `data` completes, for one write. `now` is CLOCK_BOOTTIME in ns."""
        return self._answer(self.pending + data, now)

    def resume(self, now: int) -> bytes:
        """The next answers: of a backlog, or from the write on that was waited for."""
        later = self.later
        if later is None:
            return self._answer(self.pending, now)
        if later.outcome is None:
            return b""
        self.later = None
        self.state = State.OPEN
        self.requests += 1
        return self._held[:_FIRST_OF_KEY] + self._finish(self._held, later.outcome) + self._answer(self.pending, now)

    def pause(self, *, on: bool) -> None:
        """Answer "busy" from now on, or no longer. A write that has been handed on is still answered as it went."""
        self.paused = on
        self.straight = False  # until the core has looked at the next request

    def _answer(self, data: bytes, now: int) -> bytes:
        if self.state is State.ENDED:
            return b""
        if self.later is not None:
            self.pending = data
            return b""
        view = self.replica.view
        if now > view.until_ns:
            view = self.replica.turn(now)
        reach = self._access.reach
        known = view.answers if reach is Reach.ALL and not self.paused else {}
        out: list[bytes] = []
        begin = at = 0
        for _ in range(self._burst):
            answer = known.get(data[at + _FIRST_OF_KEY : at + _READ_FRAME])
            if answer is not None:
                end = at + _READ_FRAME
            else:
                size = frame_size(data, at)
                if size <= INCOMPLETE:
                    break
                end = at + size
                answer = self._execute(data[at:end], view, reach)
                if answer is None:
                    self._held = data[at : at + _HEAD]
                    begin, at = at, end
                    break
            out.append(data[at : at + _FIRST_OF_KEY])
            out.append(answer)
            begin, at = at, end
        self.requests += len(out) // 2
        if at:
            self.last = data[begin:at]
        self._keep(data, at, reach)
        return b"".join(out)

    def _keep(self, data: bytes, at: int, reach: Reach) -> None:
        """Decide what the bytes from `at` mean: the next frame's beginning, a backlog, or the end."""
        if self.later is not None:
            self.state, self.pending, self.straight = State.WAITING, data[at:], False
            return
        size = frame_size(data, at)
        if size == BROKEN:
            self.state = State.ENDED
            self.framing_errors += 1
            self.pending = b""
        else:
            self.state = State.OPEN if size == INCOMPLETE else State.BACKLOG
            self.pending = data[at:]
        self.straight = reach is Reach.ALL and self.state is State.OPEN and not self.pending and not self.paused

    def _execute(self, frame: bytes, view: View, reach: Reach) -> bytes | None:
        """The answer without its transaction id; None where it comes later."""
        outcome: bytes | ExceptionCode | Later
        if not reach:
            outcome = ExceptionCode.ILLEGAL_FUNCTION
        elif self.paused:
            outcome = ExceptionCode.SERVER_DEVICE_BUSY
        else:
            outcome = self._perform(frame[6], frame[7:], view, reach)
        if isinstance(outcome, Later):
            self.later = outcome
            return None
        answer = self._finish(frame, outcome)
        if frame[7] in CACHED and not isinstance(outcome, ExceptionCode):
            view.remember(frame[_FIRST_OF_KEY:], answer)
        return answer

    def _perform(self, unit: int, pdu: bytes, view: View, reach: Reach) -> bytes | ExceptionCode | Later:
        """The four steps, each with its own answer for "no": meter known, request legal, peer allowed, value there."""
        face = view.face(unit)
        if face is None:
            return ExceptionCode.GATEWAY_TARGET_FAILED
        request = parse(pdu)
        if isinstance(request, ExceptionCode):
            return request
        if reach is Reach.SOME and not isinstance(request, Write) and not self._access.allows(request):
            return ExceptionCode.ILLEGAL_FUNCTION
        if face.device is None:
            return ExceptionCode.SERVER_DEVICE_FAILURE
        if isinstance(request, Write):
            return self._access.write(request, face)
        if isinstance(request, Read):
            data = face.read(request)
            return data if isinstance(data, ExceptionCode) else bytes((request.function, len(data))) + data
        return identify(face.device, request)

    def _finish(self, frame: bytes, outcome: bytes | ExceptionCode) -> bytes:
        """The frame around an outcome, without its transaction id."""
        if isinstance(outcome, ExceptionCode):
            self.exceptions += 1
            outcome = refuse(frame[7], outcome)
        return wrap(frame[6], outcome)
