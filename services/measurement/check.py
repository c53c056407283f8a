"""Whether a sample can be true. What cannot is dropped whole and told, never repaired and never replaced by a zero."""

from collections.abc import Mapping
from math import isfinite
from typing import Final

from shared.registers.quantities import ENERGIES, MANDATORY, PHASE_ONLY, PHASES, POWERS, SUMS_AND_PHASES, UNITS

_GRID_POWERS: Final = tuple(f"{name}{suffix}" for name in POWERS for suffix in SUMS_AND_PHASES)
_NEVER_NEGATIVE: Final = (
    *(f"{name}_{phase}" for name in PHASE_ONLY for phase in PHASES),
    *(f"{name}{suffix}" for name in ENERGIES for suffix in SUMS_AND_PHASES),
    "supply_frequency",
)


def impossible(values: Mapping[str, float], max_power_w: float) -> str | None:
    """Why `values` cannot be a measurement, in words; None where they can.

    Args:
        values: as the source gave them.
        max_power_w: a power beyond it is taken for a fault of the source.
    """
    for name, value in values.items():
        if not isfinite(value):
            return f"{name} is {value}, not a finite number"
    for name in _GRID_POWERS:
        if abs(values.get(name, 0.0)) > max_power_w:
            return (
                f"{name} is {values[name]:.10g} {UNITS[name]}, beyond max_power_kw of {max_power_w / 1000:g}; "
                "raise max_power_kw if the meter can really have it"
            )
    for name in _NEVER_NEGATIVE:
        if values.get(name, 0.0) < 0:
            return f"{name} is {values[name]:.10g} {UNITS[name]}, which cannot be negative"
    return None


def incomplete(values: Mapping[str, float]) -> str | None:
    """Why completed values are no sample; None where they are one."""
    return None if MANDATORY in values else f"{MANDATORY} is missing; without it there is no sample"
