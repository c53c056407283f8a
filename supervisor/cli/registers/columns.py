"""Rows of the map as lines of aligned columns."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from shared.registers.decode import Reading, Value
from shared.registers.row import Row
from shared.tap.view import plain
from supervisor.cli.table import aligned

WORDS_SHOWN: Final = 4
_MAP: Final = ("ADDRESS", "HEX", "NAME", "TYPE", "UNIT", "SCALE", "ACCESS", "CLASS")
_LIVE: Final = ("WORDS", "VALUE")
_STATES: Final = {
    "stale": "(stale: exception 04)",
    "unknown": "(not known yet: exception 04)",
    "absent": "(not configured: exception 02)",
}


def select(rows: Iterable[Row], block: str = "", search: str = "") -> list[Row]:
    """The rows of that block of the map whose name, OBIS code, unit or note holds the searched text."""
    text = search.lower()
    return [
        row
        for row in rows
        if (not block or row.group == block)
        and (not text or any(text in field.lower() for field in (row.name, row.obis, row.note, row.unit)))
    ]


def table(
    rows: Sequence[Row], readings: Mapping[str, Reading] | None = None, unmeasured: Collection[str] = ()
) -> Iterator[str]:
    """A heading and one line per row; with `readings` also raw words and value. Reserved registers are left out.

    Args:
        rows: of the map.
        readings: by row name.
        unmeasured: names of rows whose value stands for nothing.
    """
    shown = [row for row in rows if row.type not in ("reserved", "pad")]
    lines = [_MAP if readings is None else (*_MAP, *_LIVE)]
    for row in shown:
        cells = (
            str(row.address), f"0x{row.address:04X}", row.name, _type(row), row.unit, row.scale, row.access,
            row.row_class,
        )  # fmt: skip
        lines.append(cells if readings is None else (*cells, *_live(readings.get(row.name), unmeasured)))
    return aligned(lines)


def with_unit(value: Value, unit: str) -> str:
    """A value for a person."""
    if value is None:
        return "not measured"
    text = plain(value) if isinstance(value, str) else str(value)
    return f"{text} {unit}".rstrip()


def words(reading: Reading) -> str:
    """Raw registers in hexadecimal, the first few of a long text."""
    shown = " ".join(f"{word:04X}" for word in reading.words[:WORDS_SHOWN])
    return shown + (" ..." if len(reading.words) > WORDS_SHOWN else "")


def _live(reading: Reading | None, unmeasured: Collection[str]) -> tuple[str, str]:
    if reading is None:
        return "", ""
    if reading.state != "ok":
        return "", _STATES[reading.state]
    value = with_unit(reading.value, reading.row.unit)
    if reading.row.name in unmeasured and reading.value is not None:
        value += " (not measured)"
    return words(reading), value


def _type(row: Row) -> str:
    return f"string[{2 * row.count}]" if row.type == "string" else row.type
