"""Names of what a meter measures: the keys of `Sample.values`, of profiles, and of CSV columns.

Signed, import positive, SI base units. A phase quantity has the suffix `_l1`, `_l2` or `_l3`.
"""

from difflib import get_close_matches
from typing import Final

PHASES: Final = ("l1", "l2", "l3")
SUMS_AND_PHASES: Final = ("", "_l1", "_l2", "_l3")

POWERS: Final = {"active_power": "W", "reactive_power": "var", "apparent_power": "VA"}
"""With and without phase suffix. Apparent power carries the sign of the active power."""

RATIOS: Final = {"power_factor": ""}
"""With and without phase suffix. P / S, so negative for export."""

PHASE_ONLY: Final = {"voltage": "V", "current": "A"}
"""Line to neutral, only with phase suffix. Not negative."""

ENERGIES: Final = {
    f"{kind}_energy_{way}": unit
    for kind, unit in (("active", "Wh"), ("reactive", "varh"), ("apparent", "VAh"))
    for way in ("import", "export")
}
"""Counters of the source itself, with and without phase suffix. Absent: the register store integrates power."""

ENERGY_FLOW: Final = {
    "inverter_ac_output_total": "W",
    "pv_dc_power_total": "W",
    "home_consumption": "W",
    "battery_dc_power_total": "W",  # discharge negative
    "system_state_of_charge": "%",
    "home_consumption_from_pv": "W",
    "home_consumption_from_battery": "W",
    "home_consumption_from_grid": "W",
    "active_charge_mode": "",
    "wallbox_charge_power_total": "W",
    "wallbox_charge_power_from_pv": "W",
    "wallbox_charge_power_from_battery": "W",
    "wallbox_charge_power_from_grid": "W",
    "inverter_control_values_total": "W",
    "curtailment_active": "",
}
"""Optional inputs of the energy-flow block 40960-41012. `grid_power_total` is `active_power`."""

WALLBOX: Final = {
    "wallbox_status": "",
    "wallbox_current_l1": "A",
    "wallbox_active_power": "W",
    "wallbox_session_energy": "Wh",
    "wallbox_session_duration": "s",
}
"""Optional inputs of the wallbox block 49206-49261."""

_SUBMETER: Final = {"active_energy_import": "Wh", "apparent_energy_import": "VAh", "active_power_import": "W",
                    "apparent_power_import": "VA", "current": "A"}  # fmt: skip
GROUPS: Final = {f"group{n}_{name}": unit for n in range(1, 49) for name, unit in _SUBMETER.items()}
SENSORS: Final = {
    f"sensor{n}_{name}": unit
    for n in range(1, 97)
    for name, unit in (_SUBMETER | {"voltage": "V", "power_factor": ""}).items()
}

UNITS: Final[dict[str, str]] = (
    {f"{name}{suffix}": unit for name, unit in (POWERS | RATIOS | ENERGIES).items() for suffix in SUMS_AND_PHASES}
    | {f"{name}_{phase}": unit for name, unit in PHASE_ONLY.items() for phase in PHASES}
    | {"supply_frequency": "Hz"}
    | ENERGY_FLOW
    | WALLBOX
    | GROUPS
    | SENSORS
)
"""Every quantity name -> its unit."""

MANDATORY: Final = "active_power"
"""Without it there is no sample."""


def hint(name: str) -> str:
    """What to say to somebody whose `name` is no quantity."""
    close = get_close_matches(name, UNITS, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else "docs/profiles.md lists all of them"
