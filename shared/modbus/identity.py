"""Device identification, function 43/14: which objects of the device go into one answer."""

from collections.abc import Mapping
from typing import Final

from shared.modbus.pdu import MAX_PDU, READ_DEVICE_IDENTIFICATION, ExceptionCode, Function, Identify

LAST_OF_CATEGORY: Final = {1: 0x02, 2: 0x7F, 3: 0xFF}
"""Read code -> last object id of it: basic, regular and extended each contain the one before."""
ONE_OBJECT: Final = 4
_HEAD: Final = 7
_MAX_TEXT: Final = MAX_PDU - _HEAD - 2


def identify(device: Mapping[int, str], request: Identify) -> bytes | ExceptionCode:
    """The answer PDU. A text that does not fit into any answer is cut; a list that does not fit is continued."""
    objects = {number: _text(device[number]) for number in sorted(device)}
    if request.code == ONE_OBJECT:
        if request.object_id not in objects:
            return ExceptionCode.ILLEGAL_DATA_ADDRESS
        wanted = [request.object_id]
    else:
        category = [number for number in objects if number <= LAST_OF_CATEGORY[request.code]]
        first = request.object_id if request.object_id in category else 0  # an unknown start means from the beginning
        wanted = [number for number in category if number >= first]
    body, taken = b"", 0
    for number in wanted:
        item = bytes((number, len(objects[number]))) + objects[number]
        if _HEAD + len(body) + len(item) > MAX_PDU:
            break
        body += item
        taken += 1
    more = wanted[taken:]
    follows, following = (0xFF, more[0]) if more else (0, 0)
    head = (
        Function.ENCAPSULATED_INTERFACE,
        READ_DEVICE_IDENTIFICATION,
        request.code,
        _conformity(objects),
        follows,
        following,
        taken,
    )
    return bytes(head) + body


def _conformity(objects: Mapping[int, bytes]) -> int:
    """The largest category that has objects; the top bit says that single objects can be read as well."""
    last = max(objects, default=0)
    return 0x80 | next(code for code, end in LAST_OF_CATEGORY.items() if last <= end)


def _text(text: str) -> bytes:
    return text.encode()[:_MAX_TEXT].decode(errors="ignore").encode()  # never half a character
