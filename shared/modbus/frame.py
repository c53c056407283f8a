"""Where a frame ends on Modbus TCP: the length in the MBAP header is the only boundary.

A protocol id other than 0 or a length outside 2..254 ends the connection, nothing after it can be trusted.
"""

from typing import Final

HEADER: Final = 7
"""Transaction id (2), protocol id (2), length (2), unit id (1); the length counts the unit id and the PDU."""
MIN_LENGTH: Final = 2
MAX_LENGTH: Final = 254
MAX_FRAME: Final = 6 + MAX_LENGTH

INCOMPLETE: Final = 0
BROKEN: Final = -1


def frame_size(data: bytes, at: int) -> int:
    """Size of the frame that starts at `at`: INCOMPLETE while bytes of it are missing, BROKEN where it cannot be one.

    A broken header is recognised as soon as the wrong byte is there, so that a peer that speaks something else
    (TLS, HTTP) is not waited for.
    """
    if any(data[at + 2 : at + 4]):
        return BROKEN
    header = data[at + 4 : at + 6]
    if len(header) < 2:
        return BROKEN if header and header[0] else INCOMPLETE
    length = int.from_bytes(header, "big")
    if not MIN_LENGTH <= length <= MAX_LENGTH:
        return BROKEN
    size = 6 + length
    return size if len(data) - at >= size else INCOMPLETE


def wrap(unit: int, pdu: bytes) -> bytes:
    """The frame around an answer, all but the transaction id, which comes first and is the request's."""
    return b"\0\0%b%c%b" % ((len(pdu) + 1).to_bytes(2, "big"), unit, pdu)
