"""The map compiled for one meter's settings: what is left to do for each sample, and where its result stands.

A block is packed at once from a list of whole numbers and texts, its *slots*. Everything that the settings alone decide
is already in the template of that list.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from math import inf
from typing import Final, NamedTuple

from shared.config.model import Group, Meter, Sensor
from shared.registers import encode
from shared.registers.blocks import blocks_of
from shared.registers.row import Row
from shared.registers.sunspec import ACC32_MARKER, INT16_MARKER

Ranges = tuple[tuple[int, int], ...]
"""[first, end) ranges of addresses."""


class Measured(NamedTuple):
    """A row that shows a quantity of the sample. `factor` is steps per unit, negative for export."""

    slot: int
    quantity: str
    factor: float
    low: int
    high: int


class Counted(NamedTuple):
    """A row that shows a counter. Where it was never known, `address` to `end` get exception 04."""

    slot: int
    counter: str
    high: int
    address: int
    end: int


class Named(NamedTuple):
    """A text (`size` bytes) or number (`size` 0, at most `high`) of the identity."""

    slot: int
    field: str
    size: int
    high: int


class Written(NamedTuple):
    """A register that a peer may write."""

    slot: int
    name: str
    high: int


class Scaled(NamedTuple):
    """SunSpec points that share a scale factor: their slots, quantities or counters, and the largest size they show."""

    slot: int
    nominal: int
    slots: tuple[int, ...]
    names: tuple[str, ...]
    limit: float


class BlockPlan:
    """One block: template, packer, and what fills the slots."""

    __slots__ = (
        "counted", "end", "live", "measured", "named", "pack", "rows", "scaled_counters", "scaled_points", "start",
        "summed", "template", "writable", "written",
    )  # fmt: skip

    def __init__(self, rows: Sequence[Row], config: dict[str, str | int]) -> None:
        self.rows: Final = tuple(rows)
        self.start: Final = rows[0].address
        self.end: Final = rows[-1].end
        self.pack: Final = struct.Struct(">" + "".join(_code(row) for row in rows)).pack
        slots = {row.name: slot for slot, row in enumerate(row for row in rows if row.type != "reserved")}
        self.template: Final[list[int | bytes]] = [_initial(row, config) for row in rows if row.type != "reserved"]
        plain = [row for row in rows if not row.scale_row]
        self.measured: Final = tuple(_measured(row, slots) for row in plain if row.origin.kind in _FACTOR)
        # a group or sensor counts its energy itself: it comes with the sample, but age does not make it wrong
        self.summed: Final = tuple(
            (row.address, row.end) for row in plain if row.origin.kind in _FACTOR and row.row_class == "counter"
        )
        self.counted: Final = tuple(
            Counted(slots[row.name], row.origin.name, row.kind.high, row.address, row.end)
            for row in plain
            if row.origin.kind == "counter"
        )
        self.named: Final = tuple(
            Named(slots[row.name], row.origin.name, 2 * row.count if row.type == "string" else 0, row.kind.high)
            for row in rows
            if row.origin.kind == "identity"
        )
        self.written: Final = tuple(
            Written(slots[row.name], row.origin.name, row.kind.high) for row in rows if row.row_class == "setting"
        )
        self.scaled_points: Final = tuple(_scaled(rows, slots, "quantity"))
        self.scaled_counters: Final = tuple(_scaled(rows, slots, "counter"))
        # SunSpec shows age by its markers, so that a scan still works
        self.live: Final = () if self.scaled_points else _merged(rows, "live")
        self.writable: Final = _merged([row for row in rows if row.type != "reserved"], "setting")


_FACTOR: Final = {"quantity": 1, "import": 1, "export": -1}
_LIMITS: Final = {"power_factor": 1.0}
"""SunSpec gives the power factor a range of its own: -1000 to 1000 at 0.001."""


def _code(row: Row) -> str:
    size = 2 * row.count
    return f"{size}{row.kind.code}" if row.kind.registers == 0 else row.kind.code


def _initial(row: Row, config: dict[str, str | int]) -> int | bytes:
    """What the slot holds before anything fills it: fixed contents, markers of SunSpec, else 0."""
    origin = row.origin
    if origin.kind == "config":
        content = config[row.name]
        return encode.text(content, 2 * row.count) if isinstance(content, str) else content
    if row.type == "string":
        return b""
    if row.scale_row or origin.kind == "marker":
        if row.scale_row and origin.kind != "marker":
            return INT16_MARKER if row.type == "int16" else ACC32_MARKER
        return origin.number - 2**16 if origin.number > row.kind.high else origin.number
    return origin.number


def _measured(row: Row, slots: dict[str, int]) -> Measured:
    factor = _FACTOR[row.origin.kind] * row.per_unit
    return Measured(slots[row.name], row.origin.name, factor, row.kind.low, row.kind.high)


def _scaled(rows: Sequence[Row], slots: dict[str, int], kind: str) -> list[Scaled]:
    points = [row for row in rows if row.scale_row and row.origin.kind == kind]
    nominal = {row.name: row.origin.number for row in rows if row.type == "sunssf"}
    shared: list[Scaled] = []
    for scale_row, members in groupby(points, key=lambda row: row.scale_row):
        group = list(members)
        names = tuple(row.origin.name for row in group)
        group_slots = tuple(slots[row.name] for row in group)
        shared.append(Scaled(slots[scale_row], nominal[scale_row], group_slots, names, _LIMITS.get(names[0], inf)))
    return shared


def _merged(rows: Sequence[Row], row_class: str) -> Ranges:
    """Ranges of the rows of a class, with the reserved rows between two of them."""
    ranges: list[list[int]] = []
    end = -1  # of the last range, with the reserved rows behind it
    for row in rows:
        if row.row_class == row_class:
            if row.address == end:
                ranges[-1][1] = row.end
            else:
                ranges.append([row.address, row.end])
            end = row.end
        elif row.type == "reserved" and row.address == end:
            end = row.end
    return tuple((first, end) for first, end in ranges)


class Plan:
    """All blocks of one meter, ascending, and their rows."""

    __slots__ = ("blocks", "rows")

    def __init__(self, blocks: Sequence[BlockPlan]) -> None:
        self.blocks: Final = tuple(blocks)
        self.rows: Final = tuple(row for block in blocks for row in block.rows)


def plan_for(meter: Meter, *, wallbox: bool = False) -> Plan:
    """Compile the map for a meter's settings, once for all meters that differ in nothing that it shows.

    Args:
        meter: its settings: SunSpec layout, groups, sensors.
        wallbox: `[wallbox] present`.
    """
    return _plan(meter.sunspec_layout, meter.group, meter.sensor, wallbox=wallbox)


@lru_cache(maxsize=8)
def _plan(layout: str, groups: tuple[Group, ...], sensors: tuple[Sensor, ...], *, wallbox: bool) -> Plan:
    config: dict[str, str | int] = {f"group{group.number}_label": group.label for group in groups}
    for sensor in sensors:
        config[f"sensor{sensor.number}_label"] = sensor.label
        config[f"sensor{sensor.number}_serial_and_index"] = sensor.serial_and_index
        config[f"sensor{sensor.number}_phase"] = sensor.phase
    return Plan([BlockPlan(rows, config) for rows in blocks_of(layout, groups, sensors, wallbox=wallbox)])
