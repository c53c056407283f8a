"""What one set of images answers at one time: immutable but for its bounded memory of finished answers.

An image has two faces, fresh and stale. A view shows the right face of each meter and says until when that holds.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from shared.bus.messages import Block, Image
from shared.modbus.pdu import ADDRESSES, ExceptionCode, Read

MAX_ANSWERS: Final = 4096
"""A hostile client can ask 2**40 different reads; what is over the bound is computed each time."""
FOREVER: Final = 2**63 - 1

Range = tuple[int, int]


class Span(msgspec.Struct, frozen=True, gc=False):
    """Blocks that touch, so that one read may run across them: [start, end), and what in it gets exception 04."""

    start: int
    end: int
    data: bytes
    denied: tuple[Range, ...]


class Face:
    """How one meter looks now. Without an image, every legal request gets exception 04."""

    __slots__ = ("_blocks", "_spans", "_starts", "device", "meter")

    device: Mapping[int, str] | None
    """Objects for function 43/14; None without an image."""
    meter: str
    """Whose face it is; empty without an image."""

    def __init__(self, image: Image | None, *, stale: bool) -> None:
        """Compile one face.

        Raises:
            ValueError: the blocks overlap, are not ascending, or are not registers.
        """
        self._blocks = blocks = () if image is None else image.blocks
        self.device = None if image is None else image.device
        self.meter = "" if image is None else image.meter
        self._spans = _spans(blocks, stale=stale)
        self._starts = [span.start for span in self._spans]

    def read(self, request: Read) -> bytes | ExceptionCode:
        """The register bytes, if all of them exist and are known now."""
        if self.device is None:
            return ExceptionCode.SERVER_DEVICE_FAILURE
        first, end = request.start, request.end
        at = bisect_right(self._starts, first) - 1
        if at < 0 or end > self._spans[at].end:
            return ExceptionCode.ILLEGAL_DATA_ADDRESS
        span = self._spans[at]
        if any(low < end and first < high for low, high in span.denied):
            return ExceptionCode.SERVER_DEVICE_FAILURE
        return span.data[2 * (first - span.start) : 2 * (end - span.start)]

    def writable(self, start: int, end: int) -> bool:
        """Whether all registers of [start, end) may be written by a peer that may write."""
        areas = _merge(area for block in self._blocks for area in block.writable)
        return any(low <= start and end <= high for low, high in areas)


class View:
    """All meters at one time.

    Attributes:
        until_ns: CLOCK_BOOTTIME until which it holds; after it, some face has to turn.
        answers: frame of a read without its transaction id -> finished answer without it.
    """

    __slots__ = ("_default", "_faces", "answers", "until_ns")

    def __init__(self, faces: Mapping[int, Face], default: Face | None, until_ns: int) -> None:
        """Show the faces.

        Args:
            faces: unit id -> meter.
            default: who answers any other unit id; None where it has no meter.
            until_ns: see above.
        """
        self._faces = faces
        self._default = default
        self.until_ns = until_ns
        self.answers: dict[bytes, bytes] = {}

    def face(self, unit: int) -> Face | None:
        """The meter behind a unit id."""
        return self._faces.get(unit, self._default)

    def remember(self, request: bytes, answer: bytes) -> None:
        """Keep a finished answer for the next time, while there is room."""
        if len(self.answers) < MAX_ANSWERS:
            self.answers[request] = answer


def _spans(blocks: tuple[Block, ...], *, stale: bool) -> list[Span]:
    spans: list[Span] = []
    group: list[Block] = []
    end = 0
    for block in blocks:
        if block.start < end or len(block.data) % 2 or not block.data:
            raise ValueError(f"block {block.start}: overlaps the one before, or is not whole registers")
        if block.stale and len(block.stale) != len(block.data):
            raise ValueError(f"block {block.start}: {len(block.stale)} stale bytes for {len(block.data)} bytes")
        if group and block.start > end:
            spans.append(_span(group, stale=stale))
            group = []
        group.append(block)
        end = block.start + len(block.data) // 2
    if end > ADDRESSES:
        raise ValueError(f"block {blocks[-1].start}: ends behind address {ADDRESSES - 1}")
    if group:
        spans.append(_span(group, stale=stale))
    return spans


def _span(group: list[Block], *, stale: bool) -> Span:
    data = b"".join((block.stale or block.data) if stale else block.data for block in group)
    denied = _merge(area for block in group for area in (block.unknown + block.live if stale else block.unknown))
    return Span(group[0].start, group[0].start + len(data) // 2, data, denied)


def _merge(areas: Iterable[Range]) -> tuple[Range, ...]:
    """The same addresses in as few ranges as possible: 144 groups and sensors side by side are one."""
    merged: list[Range] = []
    for low, high in sorted(areas):
        if merged and low <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)
