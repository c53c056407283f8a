"""Who may do what on a connection. The slave core asks here, before each request, and nowhere else.

A plain peer reads everything and writes nothing. The slave for TLS brings an `Access` of its own for each connection:
its `reach` follows the verdict about the certificate, and its `write` hands the request to the register store. What
the store decides later is a `Later`: the core holds the connection at that frame until it is settled.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Protocol

from shared.modbus.pdu import ExceptionCode, Identify, Read, Write
from shared.modbus.view import Face


class Reach(IntEnum):
    """How far the rights to read go."""

    NOTHING = 0
    """Every request gets exception 01, also one that nobody could make."""
    SOME = 1
    """`Access.allows` is asked about each read."""
    ALL = 2


class Later:
    """What becomes of a write that somebody else decides. Settled once."""

    __slots__ = ("_then", "outcome")

    def __init__(self) -> None:
        self._then: Callable[[], None] | None = None
        self.outcome: bytes | ExceptionCode | None = None

    def then(self, told: Callable[[], None]) -> None:
        """Call `told` once it is settled, at once where it is; who asked before is forgotten."""
        if self.outcome is not None:
            told()
        else:
            self._then = told

    def settle(self, outcome: bytes | ExceptionCode) -> None:
        """The answer's PDU, or why not. Only the first one counts."""
        if self.outcome is None:
            self.outcome = outcome
            if self._then is not None:
                self._then()


class Access(Protocol):
    """Rights of one connection."""

    @property
    def reach(self) -> Reach:
        """How far it may read now."""
        ...

    def allows(self, request: Read | Identify) -> bool:
        """Whether it may make this one; asked for `Reach.SOME`. A refusal is exception 01."""
        ...

    def write(self, request: Write, face: Face) -> bytes | ExceptionCode | Later:
        """Perform a write that is legal in itself: the answer's PDU, or why not, now or later."""
        ...


class ReadOnly:
    """Reads everything, writes nothing."""

    __slots__ = ()
    reach = Reach.ALL

    def allows(self, request: Read | Identify) -> bool:
        """Any."""
        del request
        return True

    def write(self, request: Write, face: Face) -> ExceptionCode:
        """01 where the function could write this register for another peer, 02 where nobody can."""
        if face.writable(request.start, request.end):
            return ExceptionCode.ILLEGAL_FUNCTION
        return ExceptionCode.ILLEGAL_DATA_ADDRESS


READ_ONLY = ReadOnly()
