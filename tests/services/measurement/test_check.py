import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.measurement.check import impossible, incomplete

LIMIT_W = 1_000_000.0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"active_power": math.nan}, "active_power is nan"),
        ({"active_power": 1.0, "voltage_l1": math.inf}, "voltage_l1 is inf"),
        ({"active_power": 1_000_000.1}, "beyond max_power_kw of 1000"),
        ({"active_power_l2": -2e6}, "active_power_l2 is -2000000 W"),
        ({"reactive_power": 3e6}, "reactive_power is 3000000 var"),
        ({"apparent_power_l3": 3e6}, "apparent_power_l3"),
        ({"voltage_l1": -1.0}, "cannot be negative"),
        ({"current_l3": -0.001}, "current_l3 is -0.001 A"),
        ({"active_energy_import": -1.0}, "active_energy_import"),
        ({"supply_frequency": -50.0}, "supply_frequency"),
    ],
)
def test_impossible_values_are_named(values: dict[str, float], words: str) -> None:
    reason = impossible(values, LIMIT_W)
    assert reason is not None
    assert words in reason


@given(st.floats(-1e6, 1e6), st.floats(0, 1000), st.floats(0, 1e15))
def test_possible_values_pass(power: float, voltage: float, energy: float) -> None:
    values = {
        "active_power": power,
        "voltage_l2": voltage,
        "active_energy_export": energy,
        "battery_dc_power_total": -9,
    }
    assert impossible(values, LIMIT_W) is None


def test_without_active_power_there_is_no_sample() -> None:
    assert "active_power" in (incomplete({"voltage_l1": 230.0}) or "")
    assert incomplete({"active_power": 0.0}) is None
