"""What follows from given quantities by physics. Pure. A given value is never overwritten, an unknown never guessed.

- P and Q in sum: of three phases. Phases are never made from sums, and a sum never from one or two phases.
- S of a phase: U * I, which is its definition; without U or I, sqrt(P^2 + Q^2). S in sum: sqrt(P^2 + Q^2) of the sums,
  as a meter that balances the phases has it; without Q, the arithmetic sum of the phases. S carries the sign of P, so
  without P there is no S. It is never below |P|, which rounding of U and I could make it.
- PF: P / S, and 1 where S is 0.
- I of a phase: |S| / U, and 0 where U is 0.
- Q is never made from P and S: its sign, inductive or capacitive, cannot be known. U, f and energies are never derived;
  the total of an energy is not the sum of its phases where import on one phase balances export on another.
- Home consumption: grid + inverter - wallbox, not below 0 (the three are not measured in the same instant). Where it
  comes from: solar power serves the home first, then the wallbox; so does the battery; the grid gives the rest.
"""

from collections.abc import Mapping
from functools import lru_cache
from math import copysign, hypot
from typing import NamedTuple

from shared.registers.quantities import PHASES


class Completed(NamedTuple):
    """All values, and the names of those that were derived."""

    values: dict[str, float]
    derived: tuple[str, ...]


class Shares(NamedTuple):
    """Where the power of the home and of the wallbox comes from, W."""

    home_from_pv: float
    home_from_battery: float
    home_from_grid: float
    wallbox_from_pv: float
    wallbox_from_battery: float
    wallbox_from_grid: float


def complete(given: Mapping[str, float]) -> Completed:
    """`given` and everything that follows from it."""
    if not _follows(tuple(given)):
        return Completed(dict(given), ())
    return _complete(given)


@lru_cache(maxsize=64)
def _follows(names: tuple[str, ...]) -> bool:
    """Whether anything follows from these quantities, whatever their values; a source gives the same ones each time."""
    return bool(_complete(dict.fromkeys(names, 1.0)).derived)


def _complete(given: Mapping[str, float]) -> Completed:
    known = dict(given)
    for phase in PHASES:
        _phase(known, f"_{phase}")
    for name in ("active_power", "reactive_power"):
        if name not in known:
            _put(known, name, _sum(known, name))
    if "apparent_power" not in known and "active_power" in known:
        _put(known, "apparent_power", _apparent_total(known))
    _power_factor(known, "")
    _flow(known)
    return Completed(known, tuple(name for name in known if name not in given))


def shares(home: float, wallbox: float, grid: float, battery: float) -> Shares:
    """Split the consumption by origin.

    Args:
        home: consumption of the home, W, not negative.
        wallbox: power of the wallbox, W, not negative.
        grid: import positive.
        battery: discharge negative.
    """
    load = home + wallbox
    from_grid = min(max(grid, 0.0), load)
    from_battery = min(max(-battery, 0.0), load - from_grid)
    from_pv = load - from_grid - from_battery
    home_pv = min(home, from_pv)
    home_battery = min(home - home_pv, from_battery)
    wallbox_pv = min(wallbox, from_pv - home_pv)
    wallbox_battery = min(wallbox - wallbox_pv, from_battery - home_battery)
    return Shares(
        home_pv,
        home_battery,
        home - home_pv - home_battery,
        wallbox_pv,
        wallbox_battery,
        wallbox - wallbox_pv - wallbox_battery,
    )


def _phase(known: dict[str, float], phase: str) -> None:
    voltage, current = known.get(f"voltage{phase}"), known.get(f"current{phase}")
    active, reactive = known.get(f"active_power{phase}"), known.get(f"reactive_power{phase}")
    apparent = known.get(f"apparent_power{phase}")
    if apparent is None and active is not None:
        if voltage is not None and current is not None:
            apparent = _signed(max(voltage * current, abs(active)), active)
        elif reactive is not None:
            apparent = _signed(hypot(active, reactive), active)
        _put(known, f"apparent_power{phase}", apparent)
    if current is None and voltage is not None and apparent is not None:
        known[f"current{phase}"] = abs(apparent) / voltage if voltage > 0 else 0.0
    _power_factor(known, phase)


def _apparent_total(known: Mapping[str, float]) -> float | None:
    active = known["active_power"]
    if (reactive := known.get("reactive_power")) is not None:
        return _signed(hypot(active, reactive), active)
    phases = [known.get(f"apparent_power_{phase}") for phase in PHASES]
    magnitudes = [abs(phase) for phase in phases if phase is not None]
    return _signed(max(sum(magnitudes), abs(active)), active) if len(magnitudes) == len(PHASES) else None


def _power_factor(known: dict[str, float], phase: str) -> None:
    active, apparent = known.get(f"active_power{phase}"), known.get(f"apparent_power{phase}")
    if f"power_factor{phase}" in known or active is None or apparent is None:
        return
    ratio = active / abs(apparent) if apparent else 1.0
    known[f"power_factor{phase}"] = min(1.0, max(-1.0, ratio))


def _flow(known: dict[str, float]) -> None:
    if "wallbox_charge_power_total" not in known:
        _put(known, "wallbox_charge_power_total", known.get("wallbox_active_power"))
    grid, wallbox = known.get("active_power"), known.get("wallbox_charge_power_total")
    inverter, battery = known.get("inverter_ac_output_total"), known.get("battery_dc_power_total")
    if "home_consumption" not in known and grid is not None and inverter is not None:
        known["home_consumption"] = max(0.0, grid + inverter - (wallbox or 0.0))
    home = known.get("home_consumption")
    if home is None or grid is None or battery is None:
        return
    split = shares(max(home, 0.0), max(wallbox or 0.0, 0.0), grid, battery)
    _split(known, "home_consumption", split[:3])
    if wallbox is not None:
        _split(known, "wallbox_charge_power", split[3:])


def _split(known: dict[str, float], name: str, parts: tuple[float, ...]) -> None:
    """All three parts or none: one given part would not add up with two of ours."""
    names = [f"{name}_from_{origin}" for origin in ("pv", "battery", "grid")]
    if not any(part in known for part in names):
        known.update(zip(names, (max(0.0, part) for part in parts), strict=True))


def _sum(known: Mapping[str, float], name: str) -> float | None:
    phases = [known[f"{name}_{phase}"] for phase in PHASES if f"{name}_{phase}" in known]
    return sum(phases) if len(phases) == len(PHASES) else None


def _put(known: dict[str, float], name: str, value: float | None) -> None:
    if value is not None:
        known[name] = value


def _signed(magnitude: float, like: float) -> float:
    return copysign(magnitude, like) if like else magnitude
