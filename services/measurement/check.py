"""Whether a sample can be true. What cannot is dropped whole and told, never repaired and never replaced by a zero."""

from collections.abc import Mapping
from functools import lru_cache
from math import isfinite
from operator import ge, le
from sys import float_info
from typing import Final, NamedTuple

from shared.registers.quantities import MANDATORY, POWERS, SUMS_AND_PHASES, UNITS

_GRID_POWERS: Final = tuple(f"{name}{suffix}" for name in POWERS for suffix in SUMS_AND_PHASES)


class Range(NamedTuple):
    """What a quantity can be, in its unit; both ends can."""

    low: float
    high: float


_BY_UNIT: Final = {
    "V": Range(0, 1e6),
    "A": Range(-1e6, 1e6),
    "Hz": Range(0, 1e3),
    "W": Range(-1e9, 1e9),
    "var": Range(-1e9, 1e9),
    "VA": Range(-1e9, 1e9),
    "Wh": Range(0, 1e15),
    "varh": Range(0, 1e15),
    "VAh": Range(0, 1e15),
    "%": Range(0, 110),
    "s": Range(0, 1e10),
    "": Range(0, 65_535),
}
"""Wide, since also a substation has a meter: what lies beyond comes from a wrong address, scale or word order."""
_POWER_FACTOR: Final = Range(-2, 2)
"""Beyond 1 by rounding of small loads alone."""
_ANYTHING: Final = Range(-float_info.max, float_info.max)


def _range(name: str, unit: str) -> Range:
    if "power_factor" in name:
        return _POWER_FACTOR
    if name.startswith("current_"):  # of a phase: which way it flows says the power
        return Range(0, _BY_UNIT[unit].high)
    return _BY_UNIT[unit]


RANGES: Final = {name: _range(name, unit) for name, unit in UNITS.items()}
"""Of every quantity. Powers of the grid are also held against the meter's `max_power_kw`."""


def impossible(values: Mapping[str, float], max_power_w: float) -> str | None:
    """Why `values` cannot be a measurement, in words; None where they can.

    Args:
        values: as the source gave them, and what follows from them.
        max_power_w: a power beyond it is taken for a fault of the source.
    """
    lows, highs = _ends(tuple(values))
    if not (all(map(le, lows, values.values())) and all(map(ge, highs, values.values()))):
        return next(_why(name, value) for name, value in values.items() if not _fits(name, value))
    for name in _GRID_POWERS:
        if abs(values.get(name, 0.0)) > max_power_w:
            return (
                f"{name} is {values[name]:.10g} {UNITS[name]}, beyond max_power_kw of {max_power_w / 1000:g}; "
                "raise max_power_kw if the meter can really have it"
            )
    return None


@lru_cache(maxsize=16)
def _ends(names: tuple[str, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Lowest and highest of each; a source gives the same names each time, and so do meters of a kind."""
    ranges = [RANGES.get(name, _ANYTHING) for name in names]
    return tuple(each.low for each in ranges), tuple(each.high for each in ranges)


def _fits(name: str, value: float) -> bool:
    low, high = RANGES.get(name, _ANYTHING)
    return low <= value <= high


def _why(name: str, value: float) -> str:
    if not isfinite(value):
        return f"{name} is {value}, not a finite number"
    unit, (low, high) = UNITS[name], RANGES[name]
    if value < low == 0:
        return f"{name} is {value:.10g} {unit}".rstrip() + ", which cannot be negative"
    what, end = ("more", high) if value > high else ("less", low)
    return (
        f"{name} is {value:.10g} {unit}".rstrip()
        + f", and no meter measures {what} than {end:.10g} {unit}".rstrip()
        + "; are address, type and scale right?"
    )


def incomplete(values: Mapping[str, float]) -> str | None:
    """Why completed values are no sample; None where they are one."""
    return None if MANDATORY in values else f"{MANDATORY} is missing; without it there is no sample"
