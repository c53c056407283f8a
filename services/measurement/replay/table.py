"""Measurements from a CSV file: a column `t`, then quantities. An empty cell is a value that is missing.

`t` is seconds, or a date and time in ISO 8601, and rises from row to row. Lines that begin with # and empty ones are
skipped. The separator is a comma, or a semicolon where the header has one.
"""

import csv
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Final, TextIO

from services.measurement.derive import complete
from services.measurement.replay.frame import Frame
from shared.errors import ConfigError
from shared.registers.quantities import MANDATORY, UNITS, hint

TIME: Final = "t"
GLANCE_ROWS: Final = 1000
"""Enough to see that a file is what it should be."""


def frames(path: Path) -> Iterator[Frame]:
    """All rows, in their order; read as they are asked for.

    Raises:
        ConfigError: the file cannot be read, or a cell is wrong: `file:line: column: reason`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _rows(file, path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check meter.replay.file") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text ({error.reason}); save it as UTF-8") from error


def check(path: Path, most: int | None = None) -> None:
    """Read it once, so that a mistake in line 5000 shows at the start and not an hour later.

    Args:
        path: table.
        most: rows to read; all of them by default.

    Raises:
        ConfigError: as `frames`, or there is no row.
    """
    if sum(1 for _ in islice(frames(path), most)) == 0:
        raise ConfigError(f"{path}: has no row of measurements below its header; add at least one")


def _rows(file: TextIO, path: Path) -> Iterator[Frame]:
    lines = _Lines(file)
    header_line = next(lines, "")
    separator = ";" if ";" in header_line else ","
    header = next(_cells([header_line], separator, lambda: f"{path}:{lines.number or 1}"), [])
    names = [name.strip() for name in header]
    _check_header(names, f"{path}:{lines.number or 1}")
    last_ns: int | None = None
    for cells in _cells(lines, separator, lambda: f"{path}:{lines.number}"):
        place = f"{path}:{lines.number}"
        if len(cells) != len(names):
            raise ConfigError(f"{place}: has {len(cells)} cells, but the header has {len(names)} columns")
        row = dict(zip(names, (cell.strip() for cell in cells), strict=True))
        t_ns = _time(row.pop(TIME), f"{place}: {TIME}")
        if last_ns is not None and t_ns <= last_ns:
            raise ConfigError(f"{place}: {TIME}: is not later than in the row before; sort the rows by time")
        values = {name: _number(cell, f"{place}: {name}") for name, cell in row.items() if cell}
        yield Frame(0 if last_ns is None else t_ns - last_ns, values)
        last_ns = t_ns


def _cells(lines: Iterable[str], separator: str, place: Callable[[], str]) -> Iterator[list[str]]:
    reader = csv.reader(lines, delimiter=separator)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            raise ConfigError(f"{place()}: is no row of a table ({error}); check meter.replay.file") from error
        if cells is None:
            return
        yield cells


class _Lines:
    """Lines with content, and the number of the last one."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        for line in self._file:
            self.number += 1
            if line.strip() and not line.startswith("#"):
                return line
        raise StopIteration


def _check_header(names: list[str], place: str) -> None:
    if TIME not in names:
        raise ConfigError(f"{place}: there is no column {TIME!r} (seconds, or ISO 8601); name the columns in line 1")
    for name in names:
        if name != TIME and name not in UNITS:
            raise ConfigError(f"{place}: column {name!r} is no quantity; {hint(name)}")
        if names.count(name) > 1:
            raise ConfigError(f"{place}: column {name!r} is there twice; keep one")
    if MANDATORY not in complete(dict.fromkeys(names, 0.0)).values:
        raise ConfigError(f"{place}: there is no column {MANDATORY!r}; without it there is no measurement")


def _time(cell: str, place: str) -> int:
    try:
        return round(float(cell) * 1e9)
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(cell)
    except ValueError as error:
        raise ConfigError(
            f"{place}: {cell!r} is neither seconds nor a time such as 2026-06-01T12:00:00.2+02:00"
        ) from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)  # only distances count
    return round(moment.timestamp() * 1e6) * 1000


def _number(cell: str, place: str) -> float:
    try:
        value = float(cell)
    except ValueError as error:
        cure = "write the decimal point as a point" if "," in cell else "leave it empty where nothing was measured"
        raise ConfigError(f"{place}: {cell!r} is not a number; {cure}") from error
    if not isfinite(value):
        raise ConfigError(f"{place}: {cell!r} is not finite; leave it empty where nothing was measured")
    return value
