"""The four register groups, and how each is cut into legal requests. Pure.

The address ranges of the device's manual decide what belongs to a group; the register map says where its values end,
so that no request cuts one in two.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from shared.config.master import GROUP_RANGES, GroupName
from shared.modbus.pdu import MAX_WRITE
from shared.registers.row import Row
from shared.registers.table import TABLE


class Piece(NamedTuple):
    """A run of registers that one request carries."""

    start: int
    size: int


class Group(Struct, frozen=True):
    """A group of the manual.

    Attributes:
        name: key of `[master.groups]`.
        start, end: registers [start, end).
        rows: of the map, gapless over the range.
        pieces: one request each.
        low_first: for each of its registers, which one stands there where the low word of a value comes first.
    """

    name: GroupName
    start: int
    end: int
    rows: tuple[Row, ...]
    pieces: tuple[Piece, ...]
    low_first: tuple[int, ...]

    @property
    def count(self) -> int:
        """Registers."""
        return self.end - self.start

    @property
    def live(self) -> bool:
        """Whether these are values of the moment; energy counters are not."""
        return any(row.row_class == "live" for row in self.rows)


def split(rows: Iterable[Row], limit: int = MAX_WRITE) -> tuple[Piece, ...]:
    """The fewest runs of at most `limit` registers that hold gapless rows whole.

    Raises:
        ValueError: one row alone is longer than that.
    """
    pieces: list[Piece] = []
    for row in rows:
        if row.count > limit:
            raise ValueError(f"{row.name} has {row.count} registers, {limit} fit into a request")
        if pieces and pieces[-1].size + row.count <= limit:
            pieces[-1] = Piece(pieces[-1].start, pieces[-1].size + row.count)
        else:
            pieces.append(Piece(row.address, row.count))
    return tuple(pieces)


def low_first(rows: Sequence[Row]) -> tuple[int, ...]:
    """For each register of gapless rows, the index of the one that stands there with the words of values turned."""
    first = rows[0].address
    order: list[int] = []
    for row in rows:
        run = range(row.address - first, row.end - first)
        order.extend(reversed(run) if row.type not in ("reserved", "pad", "string") else run)
    return tuple(order)


def group(name: GroupName, table: Sequence[Row] = TABLE) -> Group:
    """A group over the rows of the map.

    Raises:
        ValueError: the range begins or ends inside a value.
    """
    start, end = GROUP_RANGES[name]
    rows = tuple(row for row in table if row.address < end and start < row.end)
    if not rows or rows[0].address != start or rows[-1].end != end:
        raise ValueError(f"{name}: {start}-{end - 1} does not begin and end with a value of the map")
    return Group(name, start, end, rows, split(rows), low_first(rows))


GROUPS: Final[dict[GroupName, Group]] = {name: group(name) for name in GROUP_RANGES}
