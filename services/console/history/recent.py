"""The last ten minutes at cycle resolution, in memory. Bounded: many meters share the room, with fewer rows each."""

from array import array
from typing import Final

from services.console.history.columns import POWERS, UNKNOWN

KEPT_NS: Final = 600 * 1_000_000_000
MOST_ROWS: Final = 50_000
"""Of all meters together: 2 MiB."""
_GAP_PERIODS: Final = 3
_GAP_NS: Final = 1_000_000_000


class Recent:
    """One meter's rows in a ring.

    Args:
        rows: room; where the cycle is shorter, the rows lie further apart.
    """

    __slots__ = ("_at", "_columns", "_count", "_least_ns", "_rows", "_t")

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._least_ns = KEPT_NS // rows
        self._t = array("q", bytes(8 * rows))
        self._columns = tuple(array("f", bytes(4 * rows)) for _ in POWERS)
        self._at = 0
        self._count = 0

    def add(self, t_ns: int, values: tuple[float, ...]) -> None:
        """A sample; one that is too close to the last for the room there is, is left out."""
        if self._count and t_ns - self._t[self._at - 1] < self._least_ns:
            return
        self._t[self._at] = t_ns
        for column, value in zip(self._columns, values, strict=True):
            column[self._at] = value
        self._at = (self._at + 1) % self._rows
        self._count = min(self._rows, self._count + 1)

    def since(self, t_ns: int, now_ns: int, period_ns: int) -> tuple[list[int], dict[str, list[float]]]:
        """Rows younger than `t_ns` and than ten minutes, with one of NaN where some are missing.

        Args:
            t_ns: local CLOCK_BOOTTIME.
            now_ns: the same.
            period_ns: usual distance of samples.

        Returns:
            Times, ns; and name of the column -> values in W.
        """
        first = max(t_ns, now_ns - KEPT_NS)
        gap_ns = max(_GAP_PERIODS * max(period_ns, self._least_ns), _GAP_NS)
        begin = self._at - self._count
        indexes: list[int] = []
        times: list[int] = []
        before = 0
        for index in range(begin, self._at):
            at = self._t[index]
            if at <= first:
                continue
            if before and at - before > gap_ns:
                indexes.append(self._rows)
                times.append(before + max(period_ns, 1))
            indexes.append(index)
            times.append(at)
            before = at
        return times, {
            name: [UNKNOWN if index == self._rows else round(column[index], 1) for index in indexes]
            for name, column in zip(POWERS, self._columns, strict=True)
        }


class AllRecent:
    """Those of all meters."""

    def __init__(self) -> None:
        self._by_meter: dict[str, Recent] = {}
        self._room = 0

    def fit(self, cycles_ms: dict[str, int]) -> None:
        """Make room for these meters; what is there of them stays only where the room stays the same."""
        room = MOST_ROWS // max(1, len(cycles_ms))
        if room != self._room:
            self._by_meter.clear()
            self._room = room
        for name in self._by_meter.keys() - cycles_ms.keys():
            del self._by_meter[name]
        for name, cycle_ms in cycles_ms.items():
            if name not in self._by_meter:
                self._by_meter[name] = Recent(max(2, min(room, KEPT_NS // (cycle_ms * 1_000_000) + 2)))

    def get(self, meter: str) -> Recent | None:
        """Of one meter; None where the settings do not name it."""
        return self._by_meter.get(meter)
