"""The picture of the energy flow out of a sample: grid, house, solar, battery, wallbox. Pure."""

from collections.abc import Mapping
from typing import Final

from services.console.api.models.live import Flow

DIGITS: Final = 4
"""Behind the point of what is shown: more than any meter measures."""


def flow_of(values: Mapping[str, float]) -> Flow:
    """What is known of the flow; see `Flow` for signs. What the source gives itself is never computed.

    Balance at the house's connection, in W: grid + inverter's AC output = house + wallbox.
    """
    derived: list[str] = []
    grid = values.get("active_power")
    battery = values.get("battery_dc_power_total")
    wallbox = values.get("wallbox_charge_power_total", values.get("wallbox_active_power"))
    inverter = values.get("inverter_ac_output_total")
    solar = values.get("pv_dc_power_total")
    house = values.get("home_consumption")
    if solar is None and inverter is not None:
        solar = max(0.0, inverter + (battery or 0.0))  # losses of the inverter count as not produced
        derived.append("solar")
    if house is None and grid is not None and inverter is not None:
        house = max(0.0, grid + inverter - (wallbox or 0.0))
        derived.append("house")
    return Flow(
        grid=_shown(grid),
        house=_shown(house),
        solar=_shown(solar),
        battery=_shown(battery),
        battery_soc=_shown(values.get("system_state_of_charge")),
        wallbox=_shown(wallbox),
        derived=tuple(derived),
    )


def _shown(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)
