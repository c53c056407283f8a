"""Who may do what on a connection. The slave core asks here, and nowhere else.

A plain peer reads everything and writes nothing. The slave for TLS brings its own `Access` per connection: one whose
`may_read` follows the verdict about the certificate, and whose `write` hands the request to the register store. Since
the core answers frames strictly one after the other and keeps what it has not answered yet (`Slave.pending`), a verdict
that comes later only has to hold the core at that frame.
"""

from typing import Protocol

from shared.modbus.pdu import ExceptionCode, Write
from shared.modbus.view import Face


class Access(Protocol):
    """Rights of one connection."""

    @property
    def may_read(self) -> bool:
        """Whether it may read at all; otherwise every request gets exception 01."""
        ...

    def write(self, request: Write, face: Face) -> bytes | ExceptionCode:
        """Perform a write that is legal in itself: the answer's PDU, or why not."""
        ...


class ReadOnly:
    """Reads everything, writes nothing."""

    __slots__ = ()
    may_read = True

    def write(self, request: Write, face: Face) -> ExceptionCode:
        """01 where the function could write this register for another peer, 02 where nobody can."""
        if face.writable(request.start, request.end):
            return ExceptionCode.ILLEGAL_FUNCTION
        return ExceptionCode.ILLEGAL_DATA_ADDRESS


READ_ONLY = ReadOnly()
