"""Mean values over an interval, from every image of it. Pure.

Between two images a value is taken to go straight from the one to the other, as the energy counters are integrated:
mean power times time is what they counted. A gap in which nothing was measured is left out. Import and export are one
signed value until the mean is known, the power factor is that of mean active and mean apparent power. All sums are
whole numbers, so that nothing is lost however long the interval.
"""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.registers.row import Row

POWER_FACTOR_STEPS: Final = 1000


class _Signed(NamedTuple):
    """Places of a power's import and export among the values."""

    imported: int
    exported: int


class _Ratio(NamedTuple):
    """Place of a power factor, and of active and apparent power among the signals."""

    place: int
    active: int
    apparent: int


class Mean:
    """One group of current values. Its energy counterpart is never averaged.

    Args:
        rows: of the group, gapless.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._struct: Final = struct.Struct(
            ">" + "".join(f"{2 * row.count}x" if row.type == "reserved" else row.kind.code for row in rows)
        )
        values = [row for row in rows if row.type != "reserved"]
        places = {(row.origin.kind, row.origin.name): place for place, row in enumerate(values)}
        powers = [name for kind, name in places if kind == "import"]
        self._signed: Final = tuple(_Signed(places["import", name], places["export", name]) for name in powers)
        self._plain: Final = tuple(place for (kind, _), place in places.items() if kind == "quantity")
        paired = {place for signed in self._signed for place in signed}
        if paired | set(self._plain) != set(range(len(values))):
            raise ValueError("a group of current values has a row that is neither a quantity nor a signed pair")
        self._ratios: Final = tuple(
            _Ratio(place, powers.index(f"active_power{suffix}"), powers.index(f"apparent_power{suffix}"))
            for place, row in enumerate(values)
            if row.origin.name.startswith("power_factor")
            for suffix in [row.origin.name.removeprefix("power_factor")]
        )
        self._sums = [0] * (len(self._signed) + len(self._plain))
        self._total_ns = 0
        self._last_ns: int | None = None
        self._last_data = b""
        self._last: list[int] = []

    @property
    def covered_ns(self) -> int:
        """Time between the images of which `take` gives the means; 0 where there is none to take."""
        return self._total_ns

    def add(self, t_ns: int, data: bytes, longest_ns: int) -> None:
        """One more image.

        Args:
            t_ns: when the source had it.
            data: the group's registers.
            longest_ns: a longer gap to the image before was not measured.
        """
        values = self._struct.unpack(data)
        signals = [values[i] - values[e] for i, e in self._signed]
        signals += [values[place] for place in self._plain]
        if self._last_ns is not None and 0 < (step := t_ns - self._last_ns) <= longest_ns:
            self._sums = [
                total + (before + now) * step
                for total, before, now in zip(self._sums, self._last, signals, strict=True)
            ]
            self._total_ns += step
        self._last_ns, self._last, self._last_data = t_ns, signals, data

    def take(self) -> bytes:
        """Registers with the means since the last call, which ends the interval here.

        With one image, or none since then, those of the last one.

        Raises:
            ValueError: there was never an image.
        """
        if not self._last_data:
            raise ValueError("there was no image yet")
        total, sums = 2 * self._total_ns, self._sums
        self._total_ns, self._sums = 0, [0] * len(sums)
        if not total:
            return self._last_data
        values = [0] * (2 * len(self._signed) + len(self._plain))
        powers = [nearest(number, total) for number in sums[: len(self._signed)]]
        for (imported, exported), power in zip(self._signed, powers, strict=True):
            values[imported], values[exported] = max(power, 0), max(-power, 0)
        for place, number in zip(self._plain, sums[len(self._signed) :], strict=True):
            values[place] = nearest(number, total)
        for place, active, apparent in self._ratios:
            if powers[apparent]:  # a source that never gives it, or no load: the mean of what was shown
                ratio = nearest(POWER_FACTOR_STEPS * powers[active], abs(powers[apparent]))
                values[place] = max(-POWER_FACTOR_STEPS, min(POWER_FACTOR_STEPS, ratio))
        return self._struct.pack(*values)


def nearest(number: int, divisor: int) -> int:
    """The whole number nearest to `number / divisor`, ties to the even one, exact at any size; `divisor` > 0."""
    quotient, rest = divmod(number, divisor)
    twice = 2 * rest
    return quotient + (twice > divisor or (twice == divisor and quotient % 2 == 1))
