"""Which registers exist for given settings: the runs of rows that a slave answers. Elsewhere exception 02."""

from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import chain
from typing import Final

from msgspec.structs import replace

from shared.config.model import Group, Meter, Sensor
from shared.registers.row import Origin, Row
from shared.registers.sunspec import rows_of_layout
from shared.registers.table import SPANS, TABLE

STRIDE: Final = 40
"""Registers of one group or sensor."""
GROUP_COUNT: Final = 48
SENSOR_COUNT: Final = 96
_SUNSPEC, _WALLBOX, _GROUP, _SENSOR = (
    SPANS.index(span) for span in SPANS if span.start in (40000, 49206, 59392, 61440)
)
_PARTS: Final = tuple(tuple(row for row in TABLE if span.start <= row.address < span.end) for span in SPANS)


def _moved(row: Row, number: int) -> Row:
    """The row of group or sensor `number` from the template's."""
    return replace(
        row,
        address=row.address + STRIDE * (number - 1),
        name=row.name.replace("{n}", str(number)),
        origin=Origin(row.origin.kind, row.origin.name.replace("{n}", str(number)), row.origin.number),
    )


@cache
def group_rows(number: int) -> tuple[Row, ...]:
    """The 40 registers of one group, 1 to 48."""
    return tuple(_moved(row, number) for row in _PARTS[_GROUP])


@cache
def sensor_rows(number: int) -> tuple[Row, ...]:
    """The 40 registers of one sensor, 1 to 96."""
    return tuple(_moved(row, number) for row in _PARTS[_SENSOR])


def blocks_for(meter: Meter, *, wallbox: bool) -> tuple[tuple[Row, ...], ...]:
    """The rows of each block that exists, ascending. Blocks that touch each other are one, so that a request may cross.

    Args:
        meter: settings of the meter.
        wallbox: whether one is attached, so that its live values exist.
    """
    return blocks_of(meter.sunspec_layout, meter.group, meter.sensor, wallbox=wallbox)


def blocks_of(
    layout: str, groups: Iterable[Group], sensors: Iterable[Sensor], *, wallbox: bool
) -> tuple[tuple[Row, ...], ...]:
    """As `blocks_for`, of what it depends on alone."""
    return _blocks(layout, _numbers(groups), _numbers(sensors), wallbox=wallbox)


def _numbers(those: Iterable[Group] | Iterable[Sensor]) -> tuple[int, ...]:
    return tuple(sorted(each.number for each in those))


@lru_cache(maxsize=8)
def _blocks(
    layout: str, groups: tuple[int, ...], sensors: tuple[int, ...], *, wallbox: bool
) -> tuple[tuple[Row, ...], ...]:
    """Meters of a kind share their rows."""
    return _joined(_parts(layout, groups, sensors, wallbox=wallbox))


@cache
def all_rows(layout: str = "2.6") -> tuple[Row, ...]:
    """Every row of the map, whatever the settings: with wallbox, 48 groups and 96 sensors."""
    parts = _parts(layout, range(1, GROUP_COUNT + 1), range(1, SENSOR_COUNT + 1), wallbox=True)
    return tuple(chain.from_iterable(parts))


def _parts(layout: str, groups: Iterable[int], sensors: Iterable[int], *, wallbox: bool) -> list[tuple[Row, ...]]:
    parts = list(_PARTS[:_GROUP])
    parts[_SUNSPEC] = rows_of_layout(parts[_SUNSPEC], layout)
    if not wallbox:
        del parts[_WALLBOX]
    return [*parts, *map(group_rows, groups), *map(sensor_rows, sensors)]


def _joined(parts: Iterable[tuple[Row, ...]]) -> tuple[tuple[Row, ...], ...]:
    joined: list[tuple[Row, ...]] = []
    for part in parts:
        if joined and joined[-1][-1].end == part[0].address:
            joined[-1] += part
        else:
            joined.append(part)
    return tuple(joined)
