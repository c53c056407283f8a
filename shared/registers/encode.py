"""How a value becomes a register's whole number: rounding and saturation. A value that does not fit is never wrapped.

Measured values are rounded to the nearest step, ties to the even one, so that neither import nor export gains in the
long run. Counters are cut off, since a counter must not show what was not yet counted. What lies beyond a register's
range becomes the range's end.
"""

from functools import lru_cache
from math import isfinite
from typing import Final

MJ_PER_TENTH_WH: Final = 360_000
"""Counters are kept in whole millijoules (mW s, equally mvar s and mVA s), in which 0.1 Wh is exact."""
MJ_PER_WH: Final = 10 * MJ_PER_TENTH_WH


def quantise(value: float, factor: float, low: int, high: int) -> int:
    """Nearest whole number to `value * factor`, ties to even, at least `low` and at most `high`.

    Args:
        value: in units.
        factor: steps per unit; negative for a register that shows export.
        low: least the register holds.
        high: most it holds.

    Raises:
        ValueError: if the value is not finite. Samples are checked at the bus, so this is a defect of ours.
    """
    scaled = value * factor
    if low < scaled < high:  # the way of nearly every value; nan never takes it
        return round(scaled)
    if not isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return high if scaled >= high else low


def clamp(number: int, low: int, high: int) -> int:
    """`number`, at least `low` and at most `high`."""
    return low if number < low else min(number, high)


def tenth_wh(millijoules: int, high: int) -> int:
    """Complete steps of 0.1 Wh (varh, VAh) in a counter, at most `high`."""
    tenths = millijoules // MJ_PER_TENTH_WH
    return tenths if 0 <= tenths <= high else clamp(tenths, 0, high)


@lru_cache(maxsize=1024)
def text(content: str, size: int) -> bytes:
    """UTF-8 in exactly `size` bytes: cut at the end of a character, padded with NUL.

    A NUL inside would end the text for every client, so it is left out.
    """
    data = content.replace("\0", "").encode("utf-8", "replace")
    if len(data) > size:
        data = data[:size].decode("utf-8", "ignore").encode()
    return data.ljust(size, b"\0")
