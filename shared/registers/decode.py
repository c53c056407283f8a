"""Back from registers to values: the inverse of `encode`, for reading an image or what a slave answered."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

from msgspec import Struct

from shared.bus.messages import Block
from shared.registers.row import Row
from shared.registers.sunspec import ACC32_MARKER, INT16_MARKER, LARGEST_SF

Value = int | float | str | None
"""A row's value in its unit; None where the register says "not measured" or has nothing to say."""
State = Literal["ok", "stale", "unknown", "absent"]
"""`stale` and `unknown` get exception 04 on the wire, `absent` gets 02."""


class Reading(Struct, frozen=True):
    """One row as it stands in an image or an answer.

    Attributes:
        row: of the map.
        words: raw registers, empty where there are none.
        value: in the row's unit.
        state: whether a slave would answer it now.
    """

    row: Row
    words: tuple[int, ...] = ()
    value: Value = None
    state: State = "ok"


_MARKERS: Final = {"int16": INT16_MARKER, "acc32": ACC32_MARKER}
_EXPONENTS: Final = range(-LARGEST_SF, LARGEST_SF + 1)


def words_of(data: bytes) -> tuple[int, ...]:
    """Registers of big-endian bytes."""
    return tuple(int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data) - 1, 2))


def bytes_of(words: Iterable[int]) -> bytes:
    """Big-endian bytes of registers."""
    return b"".join(word.to_bytes(2, "big") for word in words)


def raw(row: Row, data: bytes) -> int:
    """The whole number in a row's bytes.

    Raises:
        ValueError: if the bytes are not exactly the row's registers.
    """
    if len(data) != 2 * row.count:
        raise ValueError(f"{row.name} has {row.count} registers, so {2 * row.count} bytes, not {len(data)}")
    return int.from_bytes(data, "big", signed=row.kind.low < 0)


def decode(row: Row, data: bytes, exponent: int = 0) -> Value:
    """Value of a row in its unit.

    Args:
        row: of the map.
        data: its registers.
        exponent: content of the scale factor's row, for a row that has one.

    Raises:
        ValueError: if the bytes are not exactly the row's registers.
    """
    number = raw(row, data)
    if row.type == "string":
        return data.rstrip(b"\0 ").decode("utf-8", "replace")
    if row.type in ("reserved", "pad"):
        return None
    if row.type == "sunssf":
        return number if number in _EXPONENTS else None
    if row.scale_row:
        if number == _MARKERS.get(row.type) or exponent not in _EXPONENTS:
            return None
        return number * int(10**exponent) if exponent >= 0 else number / int(10**-exponent)
    return number / row.per_unit if row.per_unit > 1 else number


def decode_rows(rows: Sequence[Row], start: int, data: bytes) -> Iterator[Reading]:
    """The rows that stand completely in a run of registers. One whose scale factor does not is left out.

    Args:
        rows: of the map.
        start: address of the first register.
        data: registers.
    """
    end = start + len(data) // 2
    inside = [row for row in rows if start <= row.address and row.end <= end]
    exponents = {row.name: raw(row, _cut(row, start, data)) for row in inside if row.type == "sunssf"}
    for row in inside:
        if not row.scale_row or row.scale_row in exponents:
            piece = _cut(row, start, data)
            yield Reading(row, words_of(piece), decode(row, piece, exponents.get(row.scale_row, 0)))


def decode_image(rows: Sequence[Row], blocks: Sequence[Block], *, stale: bool) -> dict[str, Reading]:
    """Every row as a slave would serve it now, by name.

    Args:
        rows: of the map, also such that no block has.
        blocks: of the image.
        stale: whether the image is too old.
    """
    readings: dict[str, Reading] = {row.name: Reading(row, state="absent") for row in rows}
    for block in blocks:
        data = block.stale if stale and block.stale else block.data
        for reading in decode_rows(rows, block.start, data):
            row = reading.row
            if _touches(row, block.unknown):
                readings[row.name] = Reading(row, state="unknown")
            elif stale and _touches(row, block.live):
                readings[row.name] = Reading(row, state="stale")
            else:
                readings[row.name] = reading
    return readings


def _cut(row: Row, start: int, data: bytes) -> bytes:
    return data[2 * (row.address - start) : 2 * (row.end - start)]


def _touches(row: Row, ranges: Iterable[tuple[int, int]]) -> bool:
    return any(row.address < end and first < row.end for first, end in ranges)
