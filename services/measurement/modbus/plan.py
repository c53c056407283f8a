"""Which requests a poll needs: as few as possible, no value cut in two, no wide gap read for nothing. Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.modbus.pdu import MAX_READ


class Span(NamedTuple):
    """Registers of one value, which only one answer keeps consistent."""

    address: int
    length: int


class Request(NamedTuple):
    """One read."""

    function: int
    address: int
    length: int


def plan(function: int, spans: Iterable[Span], max_gap: int, max_count: int = MAX_READ) -> tuple[Request, ...]:
    """Requests that cover all `spans`, ascending.

    Taking as much as possible from the left is optimal: any other plan's n-th request ends no further right.

    Args:
        function: 3 or 4.
        spans: each at most `max_count` long; may overlap.
        max_gap: most registers between two spans that are read along though nobody asked for them.
        max_count: most registers in one request.
    """
    requests: list[Request] = []
    first = last = -1  # of the request that grows, [first, last)
    for span in sorted(spans):
        end = span.address + span.length
        if first >= 0 and span.address - last <= max_gap and max(end, last) - first <= max_count:
            last = max(end, last)
            continue
        if first >= 0:
            requests.append(Request(function, first, last - first))
        first, last = span.address, end
    if first >= 0:
        requests.append(Request(function, first, last - first))
    return tuple(requests)
