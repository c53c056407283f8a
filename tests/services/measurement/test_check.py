"""What can be measured, and what cannot."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.measurement.check import RANGES, impossible, incomplete
from shared.registers.quantities import UNITS
from tests.support import ROOT

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
        ({"voltage_l1": 1e9}, "voltage_l1 is 1000000000 V, and no meter measures more than 1000000 V; are address"),
        ({"current_l2": 1.1e6}, "current_l2 is 1100000 A, and no meter measures more than 1000000 A"),
        ({"power_factor_l3": 98.0}, "power_factor_l3 is 98, and no meter measures more than 2;"),
        ({"power_factor": -2.1}, "power_factor is -2.1, and no meter measures less than -2;"),
        ({"supply_frequency": 49_987.0}, "supply_frequency is 49987 Hz, and no meter measures more than 1000 Hz"),
        ({"active_energy_export_l1": 1.1e15}, "no meter measures more than 1e+15 Wh"),
        ({"system_state_of_charge": 850.0}, "system_state_of_charge is 850 %, and no meter measures more than 110 %"),
        ({"battery_dc_power_total": -2e9}, "no meter measures less than -1000000000 W"),
        ({"wallbox_session_energy": -1.0}, "wallbox_session_energy is -1 Wh, which cannot be negative"),
        ({"active_charge_mode": 7e4}, "active_charge_mode is 70000, and no meter measures more than 65535;"),
        ({"group48_current": 2e6}, "group48_current is 2000000 A"),
        ({"sensor96_voltage": -1.0}, "sensor96_voltage is -1 V, which cannot be negative"),
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


@pytest.mark.parametrize("name", UNITS)
def test_every_quantity_has_ends_that_it_may_reach_and_not_pass(name: str) -> None:
    low, high = RANGES[name]
    assert impossible({name: low}, math.inf) is impossible({name: high}, math.inf) is None
    for beyond in (math.nextafter(low, -math.inf), math.nextafter(high, math.inf), math.nan, math.inf):
        assert (impossible({name: beyond}, math.inf) or "").startswith(f"{name} is ")


def test_the_page_tells_the_ends() -> None:
    page = (ROOT / "docs/profiles.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)`[^|]* \| (-?[\d ]+ to [\d ]+)", page, re.MULTILINE))
    shown = {name: tuple(float(end.replace(" ", "")) for end in ends.split(" to ")) for name, ends in rows.items()}
    stems = {name: _stem(name) for name in UNITS if not name.startswith(("group", "sensor"))}
    assert shown == {stem: RANGES[name] for name, stem in stems.items() if stem in shown}
    assert {RANGES[name] for name in stems} == set(shown.values())


def _stem(name: str) -> str:
    """`voltage` of `voltage_l1`; what is only there for a phase keeps its name."""
    return re.sub(r"^(voltage|current)_l[123]$", r"\1", name)


def test_a_quantity_that_nobody_knows_has_to_be_finite() -> None:
    assert impossible({"of_a_recording": 1e300}, LIMIT_W) is None
    assert impossible({"of_a_recording": math.inf}, LIMIT_W) == "of_a_recording is inf, not a finite number"


def test_without_active_power_there_is_no_sample() -> None:
    assert "active_power" in (incomplete({"voltage_l1": 230.0}) or "")
    assert incomplete({"active_power": 0.0}) is None
