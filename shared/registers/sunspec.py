"""SunSpec models 1 and 203: where they stand by firmware, and scale factors that follow the load so that all fits.

One scale factor serves a group of points (W_SF the sum and the three phases). It is the smallest one, not below the
nominal one, with which each point of the group fits. An int16 keeps off 0x8000 and an acc32 stays below 0x80000000,
since these are the device's markers for "not measured".
"""

from collections.abc import Iterable
from math import inf
from typing import Final

from msgspec.structs import replace

from shared.registers.encode import MJ_PER_WH, quantise
from shared.registers.row import Origin, Row

INT16_LIMIT: Final = 2**15 - 1
INT16_MARKER: Final = -(2**15)
ACC32_LIMIT: Final = 2**31 - 1
ACC32_MARKER: Final = 2**31
"""What the device shows in accumulators that it does not have; SunSpec's own marker is 0."""
LARGEST_SF: Final = 10
"""End of the specification's range for a scale factor."""

_SHIFTED_FROM: Final = 40070
_OLD_COMMON_LENGTH: Final = 65


def rows_of_layout(rows: Iterable[Row], layout: str) -> tuple[Row, ...]:
    """The SunSpec rows as a firmware has them: from 2.6 on as in the table, before without the pad of model 1.

    Args:
        rows: of the table's SunSpec block.
        layout: `2.6` or `2.5`.
    """
    if layout == "2.6":
        return tuple(rows)
    if layout != "2.5":
        raise ValueError(f"unknown SunSpec layout {layout!r}; known are 2.6 and 2.5")
    return tuple(_before_2_6(row) for row in rows if row.type != "pad")


def _before_2_6(row: Row) -> Row:
    if row.address >= _SHIFTED_FROM:
        return replace(row, address=row.address - 1)
    if row.name == "sunspec_common_model_length":
        return replace(row, origin=Origin("fixed", "", _OLD_COMMON_LENGTH))
    return row


def scale_points(values: Iterable[float | None], nominal: int, limit: float = inf) -> tuple[int, list[int]]:
    """Scale factor of a group of int16 points, and the points.

    Args:
        values: in units; None for what is not measured.
        nominal: scale factor while all fit.
        limit: largest size that is shown, in units.

    Raises:
        ValueError: if a value is not finite.
    """
    values = tuple(values)
    largest = min(limit, max([abs(value) for value in values if value is not None], default=0.0))
    exponent = nominal
    while exponent < LARGEST_SF and largest * _STEPS[exponent] >= INT16_LIMIT + 0.5:
        exponent += 1
    factor = _STEPS[exponent]
    high = min(INT16_LIMIT, round(limit * factor)) if limit < inf else INT16_LIMIT
    return exponent, [INT16_MARKER if value is None else quantise(value, factor, -high, high) for value in values]


def scale_counters(counters: Iterable[int | None], nominal: int = 0) -> tuple[int, list[int]]:
    """Scale factor of a group of acc32 points, and the points in Wh (VAh).

    At the nominal scale a counter is cut off as in the other registers. Beyond it is rounded up: cut off, the step
    to the coarser scale would let every counter of the group seem to run backwards.

    Args:
        counters: in mJ; None for what is not known or not measured.
        nominal: scale factor while all fit.
    """
    counters = tuple(counters)
    largest = max([counter for counter in counters if counter is not None], default=0)
    step = MJ_PER_WH * 10**nominal
    if largest // step <= ACC32_LIMIT:
        return nominal, [ACC32_MARKER if counter is None else counter // step for counter in counters]
    exponent = nominal
    while exponent < LARGEST_SF and _rounded_up(largest, step) > ACC32_LIMIT:
        exponent += 1
        step *= 10
    return exponent, [
        ACC32_MARKER if counter is None else min(_rounded_up(counter, step), ACC32_LIMIT) for counter in counters
    ]


def _rounded_up(counter: int, step: int) -> int:
    return -(-counter // step)


_STEPS: Final = {exponent: 10.0**-exponent for exponent in range(-LARGEST_SF, LARGEST_SF + 1)}
"""Scale factor -> steps per unit."""
