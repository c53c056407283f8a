"""What a protocol data unit means: a legal request, or the exception that its function or its values deserve.

The order of checks is function (01), quantity or value (03), address (02); execution (04) is decided by the view.
"""

from enum import IntEnum
from typing import Final

import msgspec

MAX_READ: Final = 125
"""Registers that fit into one answer."""
MAX_WRITE: Final = 123
"""Registers that fit into one function 16 request."""
ADDRESSES: Final = 65536
MAX_PDU: Final = 253


class Function(IntEnum):
    """The functions that a KSEM-like slave knows; all others get exception 01."""

    READ_HOLDING_REGISTERS = 3
    READ_INPUT_REGISTERS = 4
    WRITE_SINGLE_REGISTER = 6
    WRITE_MULTIPLE_REGISTERS = 16
    ENCAPSULATED_INTERFACE = 43


READ_DEVICE_IDENTIFICATION: Final = 14
"""The only MEI type of function 43 that is known."""


class ExceptionCode(IntEnum):
    """Why a request is not answered with what it asked for."""

    ILLEGAL_FUNCTION = 1
    ILLEGAL_DATA_ADDRESS = 2
    ILLEGAL_DATA_VALUE = 3
    SERVER_DEVICE_FAILURE = 4
    SERVER_DEVICE_BUSY = 6
    GATEWAY_TARGET_FAILED = 11


class Read(msgspec.Struct, frozen=True, gc=False):
    """Functions 3 and 4: `count` registers from `start`; their end is at most 65536."""

    function: int
    start: int
    count: int

    @property
    def end(self) -> int:
        """First address behind the registers that are read."""
        return self.start + self.count


class Write(msgspec.Struct, frozen=True, gc=False):
    """Functions 6 and 16: register bytes for the registers from `start`; their end is at most 65536."""

    function: int
    start: int
    data: bytes

    @property
    def end(self) -> int:
        """First address behind the written registers."""
        return self.start + len(self.data) // 2


class Identify(msgspec.Struct, frozen=True, gc=False):
    """Function 43/14: the objects of category `code` from `object_id`, or (code 4) that object alone."""

    code: int
    object_id: int


Request = Read | Write | Identify


def parse(pdu: bytes) -> Request | ExceptionCode:
    """The legal request in `pdu`, or the exception it gets. A PDU of a wrong size for its function gets 03."""
    match pdu[0]:
        case Function.READ_HOLDING_REGISTERS | Function.READ_INPUT_REGISTERS:
            return _read(pdu)
        case Function.WRITE_SINGLE_REGISTER:
            if len(pdu) != 5:
                return ExceptionCode.ILLEGAL_DATA_VALUE
            return Write(pdu[0], int.from_bytes(pdu[1:3], "big"), pdu[3:])
        case Function.WRITE_MULTIPLE_REGISTERS:
            return _write_multiple(pdu)
        case Function.ENCAPSULATED_INTERFACE:
            return _identify(pdu)
        case _:
            return ExceptionCode.ILLEGAL_FUNCTION


def refuse(function: int, code: ExceptionCode) -> bytes:
    """The PDU that answers `function` with an exception. A function that has the top bit set already keeps it."""
    return bytes((function | 0x80, code))


def _read(pdu: bytes) -> Read | ExceptionCode:
    start, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    if len(pdu) != 5 or not 1 <= count <= MAX_READ:
        return ExceptionCode.ILLEGAL_DATA_VALUE
    if start + count > ADDRESSES:
        return ExceptionCode.ILLEGAL_DATA_ADDRESS
    return Read(pdu[0], start, count)


def _write_multiple(pdu: bytes) -> Write | ExceptionCode:
    if len(pdu) < 6:
        return ExceptionCode.ILLEGAL_DATA_VALUE
    start, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    if not 1 <= count <= MAX_WRITE or pdu[5] != 2 * count or len(pdu) != 6 + 2 * count:
        return ExceptionCode.ILLEGAL_DATA_VALUE
    if start + count > ADDRESSES:
        return ExceptionCode.ILLEGAL_DATA_ADDRESS
    return Write(pdu[0], start, pdu[6:])


def _identify(pdu: bytes) -> Identify | ExceptionCode:
    if len(pdu) < 2:
        return ExceptionCode.ILLEGAL_DATA_VALUE
    if pdu[1] != READ_DEVICE_IDENTIFICATION:
        return ExceptionCode.ILLEGAL_FUNCTION
    if len(pdu) != 4 or not 1 <= pdu[2] <= 4:
        return ExceptionCode.ILLEGAL_DATA_VALUE
    return Identify(pdu[2], pdu[3])
