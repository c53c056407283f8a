"""One minute in the making: means of powers, extremes, energy by the counters. Pure."""

import math
from typing import Final

from msgspec import Struct

from services.console.history.columns import POWERS, UNKNOWN

MINUTE_MS: Final = 60_000


class Row(Struct, frozen=True, kw_only=True):
    """A minute, or a part of one, that is over.

    Attributes:
        meter: whose.
        t_ms: its begin, Unix time.
        samples: that it is made of.
        means: of `POWERS`, W; NaN where not known.
        lowest, highest: of the grid's power, W.
        imported, exported: counters at its end, Wh; NaN where not known.
    """

    meter: str
    t_ms: int
    samples: int
    means: tuple[float, ...]
    lowest: float
    highest: float
    imported: float
    exported: float


class Minute:
    """Adds up.

    Args:
        meter: whose.
    """

    __slots__ = ("_counters", "_counts", "_highest", "_lowest", "_samples", "_sums", "_t_ms", "meter")

    def __init__(self, meter: str) -> None:
        self.meter = meter
        self._lowest: float
        self._highest: float
        self._begin(0)

    def add(self, wall_ms: int, powers: tuple[float, ...], imported: float, exported: float) -> Row | None:
        """A sample; returns the minute before where this one begins another.

        Args:
            wall_ms: Unix time.
            powers: as `columns.powers_of`.
            imported: counter, Wh; NaN where not known.
            exported: the same.
        """
        t_ms = wall_ms // MINUTE_MS * MINUTE_MS
        done = self.close() if t_ms != self._t_ms else None
        if t_ms != self._t_ms:
            self._begin(t_ms)
        self._samples += 1
        for index, value in enumerate(powers):
            if not math.isnan(value):
                self._sums[index] += value
                self._counts[index] += 1
        if not math.isnan(powers[0]):
            self._lowest = min(self._lowest, powers[0])
            self._highest = max(self._highest, powers[0])
        self._counters = (imported, exported)
        return done

    def is_over(self, wall_ms: int) -> bool:
        """Whether nothing more belongs to it."""
        return self._samples > 0 and wall_ms // MINUTE_MS * MINUTE_MS != self._t_ms

    def close(self) -> Row | None:
        """What there is of it; begins anew. None where there is nothing."""
        if not self._samples:
            return None
        row = Row(
            meter=self.meter,
            t_ms=self._t_ms,
            samples=self._samples,
            means=tuple(
                total / count if count else UNKNOWN for total, count in zip(self._sums, self._counts, strict=True)
            ),
            lowest=self._lowest if self._counts[0] else UNKNOWN,
            highest=self._highest if self._counts[0] else UNKNOWN,
            imported=self._counters[0],
            exported=self._counters[1],
        )
        self._begin(self._t_ms)
        return row

    def _begin(self, t_ms: int) -> None:
        self._t_ms = t_ms
        self._samples = 0
        self._sums = [0.0] * len(POWERS)
        self._counts = [0] * len(POWERS)
        self._lowest = math.inf
        self._highest = -math.inf
        self._counters = (UNKNOWN, UNKNOWN)
