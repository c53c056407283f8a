"""Which registers to ask for when a person names a value, and what the answer says."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from shared.errors import RefusedError
from shared.modbus.pdu import ADDRESSES, MAX_READ
from shared.registers.decode import Reading, decode_rows, words_of
from shared.registers.lookup import address_of, find
from shared.registers.row import Row
from supervisor.cli.registers.columns import with_unit, words
from supervisor.cli.table import aligned


class Question(Struct, frozen=True):
    """One read request, and the part of it that is shown.

    Attributes:
        start, count: of the request.
        first, end: registers that were asked for: [first, end).
    """

    start: int
    count: int
    first: int
    end: int

    def classes(self, rows: Iterable[Row]) -> set[str]:
        """Of the registers that the request touches."""
        return {row.row_class for row in rows if row.address < self.start + self.count and self.start < row.end}


def question(what: str, count: int | None, rows: Sequence[Row]) -> Question:
    """The request for a name or an address.

    Without `count` the whole value is read, and its scale factor in the same request: one read later it may be another.

    Raises:
        RefusedError: there is no such register, or the range leaves what a request can name.
    """
    first = address_of(what)
    if first is None:
        row: Row | None = find(what, rows)
        first = row.address if row else 0
    else:
        row = next((row for row in rows if row.address <= first < row.end), None)
    end = first + (count or (row.end - first if row else 1))
    if not 0 <= first < end <= ADDRESSES:
        raise RefusedError(f"registers {first} to {end - 1} are not all from 0 to {ADDRESSES - 1}")
    low, high = first, end
    if count is None and row and row.scale_row:
        scale = find(row.scale_row, rows)
        low, high = min(low, scale.address), max(high, scale.end)
        if high - low > MAX_READ:
            low, high = first, end
    return Question(low, high - low, first, end)


def readings(asked: Question, data: bytes, rows: Sequence[Row]) -> list[Reading]:
    """The values that stand completely in what was asked for."""
    return [
        reading
        for reading in decode_rows(rows, asked.start, data)
        if asked.first <= reading.row.address and reading.row.end <= asked.end
    ]


def lines(asked: Question, data: bytes, rows: Sequence[Row], stale_after_s: float | None) -> Iterator[str]:
    """The answer for a person: values with their age, and raw registers where no whole value stands."""
    cells = [("ADDRESS", "NAME", "WORDS", "VALUE", "AGE")]
    found = {reading.row.address: reading for reading in readings(asked, data, rows)}
    raw = words_of(data)
    address = asked.first
    while address < asked.end:
        if reading := found.get(address):
            value = (
                "reserved" if reading.row.type in ("reserved", "pad") else with_unit(reading.value, reading.row.unit)
            )
            cells.append((str(address), reading.row.name, words(reading), value, age_words(reading, stale_after_s)))
            address = reading.row.end
        else:
            word = raw[address - asked.start]
            cells.append((str(address), "-", f"{word:04X}", str(word), ""))
            address += 1
    return aligned(cells)


def as_object(asked: Question, data: bytes, rows: Sequence[Row], stale_after_s: float | None) -> Mapping[str, Any]:
    """The answer for a program."""
    return {
        "address": asked.first,
        "words": words_of(data)[asked.first - asked.start : asked.end - asked.start],
        "values": [
            {
                "name": reading.row.name,
                "address": reading.row.address,
                "value": reading.value,
                "unit": reading.row.unit,
                "age": age_words(reading, stale_after_s),
            }
            for reading in readings(asked, data, rows)
        ],
    }


def age_words(reading: Reading, stale_after_s: float | None) -> str:
    """What an answer says about the age of a value.

    Args:
        reading: from the answer.
        stale_after_s: age from which the slave refuses live registers; None where its settings are not known.
    """
    row = reading.row
    if row.row_class == "counter":
        return "counter, served at any age"
    if row.row_class != "live":
        return ""
    if row.scale_row and reading.value is None:
        return "not measured, or stale"
    return "live" if stale_after_s is None else f"fresh, younger than {stale_after_s:g} s"
