"""Recordings as CSV files: every value is known, so that what stands on the wire can be judged exactly."""

from collections.abc import Mapping
from pathlib import Path

from shared.registers.quantities import UNITS
from tests.system.ksem_map import PHASES

REPLAY = '[[meter]]\nid = "house"\nsource = "replay"\n{more}\n[meter.replay]\nfile = "{file}"\nloop = {loop}\n'


def replay(file: Path, *, loop: bool = True, more: str = "") -> str:
    """The [[meter]] table that replays a file."""
    return REPLAY.format(file=file, loop=str(loop).lower(), more=more)


def household(direction: int) -> dict[str, float]:
    """One fixed state, every quantity another number; `direction` 1 imports, -1 exports.

    The numbers end between two steps of their registers, so that rounding shows.
    """
    values: dict[str, float] = {"supply_frequency": 49.98766}
    for number, suffix in enumerate(PHASES, start=1):
        active = direction * (1000.04 * number + 0.16)
        values |= {
            f"active_power{suffix}": active,
            f"reactive_power{suffix}": -direction * 77.77 * number,
            f"apparent_power{suffix}": direction * (1003.14 * number + 0.27),
            f"power_factor{suffix}": direction * (0.9963 - number / 1000),
        }
        if suffix:
            values |= {f"voltage{suffix}": 229.0014 + number, f"current{suffix}": 4.3219 * number}
    energies = [name for name in UNITS if "_energy_" in name and name.endswith(tuple(PHASES)) and "group" not in name]
    energies = [name for name in energies if not name.startswith(("sensor", "wallbox"))]
    values |= {name: 1_234_567.89 + 100_000.07 * number for number, name in enumerate(energies)}
    return values | {
        "inverter_ac_output_total": 4321.4,
        "pv_dc_power_total": 4500.6,
        "home_consumption": 815.4,
        "battery_dc_power_total": -1234.4,
        "system_state_of_charge": 87.4,
        "home_consumption_from_pv": 300.6,
        "home_consumption_from_battery": 200.4,
        "home_consumption_from_grid": 314.4,
        "active_charge_mode": 3,
        "wallbox_charge_power_total": 11_000.4,
        "wallbox_charge_power_from_pv": 5000.4,
        "wallbox_charge_power_from_battery": 4000.0,
        "wallbox_charge_power_from_grid": 2000.0,
        "inverter_control_values_total": 7.0,
        "curtailment_active": 1,
    }


def constant(file: Path, values: Mapping[str, float], rows: int = 3, every_s: float = 0.2) -> None:
    """Write a recording in which nothing changes."""
    lines = [",".join(("t", *values))]
    lines += [",".join((f"{row * every_s:.3f}", *map(repr, values.values()))) for row in range(rows)]
    file.write_text("\n".join(lines) + "\n")
