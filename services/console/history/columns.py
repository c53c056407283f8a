"""Which quantities the charts show, and how they come out of a sample. Pure."""

import math
from collections.abc import Mapping
from typing import Final

from services.console.hear.flow import flow_of

POWERS: Final = ("grid", "solar", "house", "battery", "wallbox", "l1", "l2", "l3")
"""W, as in the models' Series."""
UNKNOWN: Final = math.nan
"""Becomes null in JSON."""


def powers_of(values: Mapping[str, float]) -> tuple[float, ...]:
    """The values of `POWERS` of one sample."""
    flow = flow_of(values)
    known = (flow.grid, flow.solar, flow.house, flow.battery, flow.wallbox)
    phases = (values.get(f"active_power_l{phase}") for phase in (1, 2, 3))
    return tuple(UNKNOWN if value is None else value for value in (*known, *phases))
