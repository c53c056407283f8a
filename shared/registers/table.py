"""The register map, read from `ksem.csv` and checked at import.

The file is the one place of the map's facts. Groups and sensors stand in it once, as the template of number 1 with
`{n}` in its names; the SunSpec rows stand in the layout of firmware 2.6. `shared.registers.blocks` moves both. A wrong
line ends the import with its number: a map that is wrong must never serve.
"""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

from shared.registers.quantities import ENERGIES, SUMS_AND_PHASES, UNITS
from shared.registers.row import PER_UNIT, TYPES, Access, Confidence, Origin, OriginKind, Row, RowClass


class Span(NamedTuple):
    """A block of the map: every address from `start` to before `end` belongs to exactly one row."""

    start: int
    end: int


class TableError(Exception):
    """`ksem.csv` contradicts itself or uses a word that nobody knows. A defect of the file, not of the settings."""


FILE: Final = Path(__file__).with_name("ksem.csv")
COLUMNS: Final = (
    "address", "count", "name", "obis", "type", "unit", "scale", "access", "group", "class", "value", "confidence",
    "source", "note",
)  # fmt: skip
SPANS: Final = (
    Span(0, 148), Span(512, 792), Span(8192, 8245), Span(40000, 40179), Span(40960, 41013), Span(41160, 41190),
    Span(49206, 49262), Span(59392, 59432), Span(61440, 61480),
)  # fmt: skip
"""The map's blocks; the last two are the templates of group 1 and sensor 1."""
COUNTERS: Final = {f"{name}{suffix}": unit for name, unit in ENERGIES.items() for suffix in SUMS_AND_PHASES}
"""Every energy counter's name -> its unit."""
IDENTITY_FIELDS: Final = frozenset(
    {
        "manufacturer", "model", "version", "serial_number", "options", "product_id", "product_version",
        "firmware_version", "unit", "interval_ms",
    }
)  # fmt: skip
_CONFIG_FIELDS: Final = frozenset({"label", "serial_and_index", "phase"})


def _origin(text: str) -> Origin:
    kind, colon, rest = text.partition(":")
    if not colon:
        sign: dict[str, OriginKind] = {"+": "import", "-": "export"}
        return Origin(sign[text[0]], text[1:]) if text[:1] in sign else Origin("quantity", text) if text else Origin()
    match kind:
        case "counter" | "identity" | "config" | "setting":
            return Origin(kind, rest)
        case "fixed" | "marker" | "sf":
            return Origin(kind, "", int(rest, 0) if rest else 0)
        case _:
            raise ValueError(f"unknown origin {text!r}")


def _row(cells: dict[str, str]) -> Row:
    scale = cells["scale"]
    row = Row(
        address=int(cells["address"]),
        count=int(cells["count"]),
        name=cells["name"],
        obis=cells["obis"],
        type=cells["type"],
        unit=cells["unit"],
        per_unit=PER_UNIT.get(scale, 1),
        scale_row=scale if scale.endswith("_sf") else "",
        access=_one_of(cells["access"], get_args(Access)),
        group=cells["group"],
        row_class=_one_of(cells["class"], get_args(RowClass)),
        origin=_origin(cells["value"]),
        confidence=_one_of(cells["confidence"], get_args(Confidence)),
        source=cells["source"],
        note=cells["note"],
    )
    if row.type not in TYPES:
        raise ValueError(f"unknown type {row.type!r}; known are {', '.join(TYPES)}")
    if scale not in PER_UNIT and not row.scale_row and scale != ("" if row.type == "reserved" else None):
        raise ValueError(
            f"unknown scale {scale!r}; known are {', '.join(PER_UNIT)} and the name of a scale factor's row"
        )
    _check_row(row)
    return row


def _one_of(word: str, words: tuple[str, ...]) -> Any:
    if word not in words:
        raise ValueError(f"{word!r} is none of {', '.join(words)}")
    return word


def _check_row(row: Row) -> None:
    if row.count < 1 or row.kind.registers not in (0, row.count):
        raise ValueError(f"{row.type} takes {row.kind.registers} registers, not {row.count}")
    if (row.access == "RW") != (row.row_class == "setting"):
        raise ValueError("a setting is RW, everything else R")
    if (row.origin.kind == "") != (row.type == "reserved"):
        raise ValueError("every row but a reserved one says where its value comes from")
    origin = row.origin
    if origin.kind in ("quantity", "import", "export") and UNITS.get(origin.name.replace("{n}", "1")) != row.unit:
        raise ValueError(f"quantity {origin.name!r} is unknown or not in {row.unit or 'no unit'}")
    if origin.kind == "counter" and COUNTERS.get(origin.name) != row.unit:
        raise ValueError(f"counter {origin.name!r} is unknown or not in {row.unit}")
    if origin.kind == "identity" and origin.name not in IDENTITY_FIELDS:
        raise ValueError(f"unknown identity field {origin.name!r}")
    if origin.kind == "config" and origin.name not in _CONFIG_FIELDS:
        raise ValueError(f"unknown field {origin.name!r} of a group or sensor")


def parse(lines: Iterable[str], spans: Iterable[Span] = SPANS) -> tuple[Row, ...]:
    """Rows of a file in the form of `ksem.csv`, ascending.

    Raises:
        TableError: naming the line, where a row is wrong, two overlap, or an address of a block belongs to none.
    """
    reader = csv.DictReader(lines)
    if tuple(reader.fieldnames or ()) != COLUMNS:
        raise TableError(f"ksem.csv line 1: columns are {', '.join(COLUMNS)}, not {', '.join(reader.fieldnames or ())}")
    rows: list[Row] = []
    for cells in reader:
        try:
            rows.append(_row(cells))
        except (ValueError, TypeError) as error:
            raise TableError(f"ksem.csv line {reader.line_num}, {cells['name']}: {error}") from error
    check(rows, spans)
    return tuple(rows)


def check(rows: Iterable[Row], spans: Iterable[Span]) -> None:
    """That the rows tile the spans: ascending, no overlap, no gap, no name twice, every scale factor there.

    Raises:
        TableError: naming the row.
    """
    rows = tuple(rows)
    names = {row.name for row in rows}
    if len(names) < len(rows):
        twice = next(row.name for index, row in enumerate(rows) if row.name in {other.name for other in rows[:index]})
        raise TableError(f"{twice}: name used twice")
    missing = next((row for row in rows if row.scale_row and row.scale_row not in names), None)
    if missing:
        raise TableError(f"{missing.name}: no row {missing.scale_row} for its scale")
    remaining: Iterator[Row] = iter(rows)
    for span in spans:
        address = span.start
        while address < span.end:
            row = next(remaining, None)
            if row is None or row.address != address or row.end > span.end:
                found = f"{row.name} at {row.address}-{row.end - 1}" if row else "the end"
                raise TableError(f"block {span.start}-{span.end - 1}: expected a row at {address}, found {found}")
            address = row.end
    surplus = next(remaining, None)
    if surplus:
        raise TableError(f"{surplus.name} at {surplus.address}: outside of all blocks")


with FILE.open(encoding="utf-8", newline="") as _file:
    TABLE: Final = parse(_file)
"""The file's rows: the layout of firmware 2.6, group 1 and sensor 1 as templates."""
