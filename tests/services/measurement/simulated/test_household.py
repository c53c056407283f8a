import re
from math import hypot, isclose

from hypothesis import given, settings
from hypothesis import strategies as st

from services.measurement.simulated.household import EFFICIENCY, Household
from services.measurement.simulated.wallbox import Mode, WallboxControl
from shared.config.load import load
from shared.config.model import Simulated
from shared.registers.quantities import PHASES, UNITS
from tests.support import ROOT

DAY_S = 86_400
SEEDS = st.integers(0, 2**32 - 1)
STARTS = st.integers(0, DAY_S - 60).map(float)


def day(seed: int = 1, step_s: int = 60, settings: Simulated | None = None) -> list[dict[str, float]]:
    """One day, a value set every `step_s`."""
    home = Household(settings or Simulated(seed=seed), 0.0)
    series = []
    for t_s in range(step_s, DAY_S + 1, step_s):
        home.advance_to(t_s)
        series.append(home.values())
    return series


@settings(max_examples=25, deadline=None)
@given(SEEDS, STARTS, st.floats(0.05, 600))
def test_every_moment_obeys_physics(seed: int, start: float, step_s: float) -> None:
    home = Household(Simulated(seed=seed), start)
    for number in range(4):
        home.advance_to(start + number * step_s)
        v = home.values()
        for phase in PHASES:
            p, q, s = (v[f"{name}_power_{phase}"] for name in ("active", "reactive", "apparent"))
            assert isclose(abs(s), v[f"voltage_{phase}"] * v[f"current_{phase}"], rel_tol=1e-9)
            assert isclose(abs(s), hypot(p, q), rel_tol=1e-9)
            assert s * p >= 0
            assert isclose(v[f"power_factor_{phase}"] * abs(s), p, abs_tol=1e-6)
            assert 200 < v[f"voltage_{phase}"] < 260
        for name in ("active_power", "reactive_power"):
            assert isclose(v[name], sum(v[f"{name}_{phase}"] for phase in PHASES), abs_tol=1e-6)
        assert isclose(abs(v["apparent_power"]), hypot(v["active_power"], v["reactive_power"]), rel_tol=1e-9)
        assert 49.9 < v["supply_frequency"] < 50.1


@settings(max_examples=25, deadline=None)
@given(SEEDS, STARTS, st.floats(0.05, 600))
def test_energy_flow_balances(seed: int, start: float, step_s: float) -> None:
    home = Household(Simulated(seed=seed), start)
    for number in range(4):
        home.advance_to(start + number * step_s)
        v = home.values()
        inverter, battery = v["inverter_ac_output_total"], v["battery_dc_power_total"]
        load = v["home_consumption"] + v["wallbox_charge_power_total"]
        assert isclose(v["active_power"], load - inverter, abs_tol=1e-6)
        assert isclose(inverter, EFFICIENCY * (v["pv_dc_power_total"] - battery), abs_tol=1e-6)
        for name in ("home_consumption", "wallbox_charge_power"):
            parts = [v[f"{name}_from_{origin}"] for origin in ("pv", "battery", "grid")]
            whole = v["wallbox_charge_power_total" if name.startswith("wallbox") else name]
            assert min(parts) >= 0
            assert isclose(sum(parts), whole, abs_tol=1e-6)
        assert 0 <= v["system_state_of_charge"] <= 100


@settings(max_examples=8, deadline=None)
@given(SEEDS, STARTS)
def test_same_seed_and_start_give_the_same_series(seed: int, start: float) -> None:
    one, two = (Household(Simulated(seed=seed), start) for _ in range(2))
    for number in range(1, 20):
        for home in (one, two):
            home.advance_to(start + 0.2 * number)
        assert one.values() == two.values()


def test_the_readme_shows_what_the_demo_has_from_its_first_value_on() -> None:
    shown = re.search(r"active_power_export +0000 [0-9A-F]{4} +([\d.]+) W", (ROOT / "README.md").read_text("utf-8"))
    assert shown is not None
    demo = load(ROOT / "demo" / "metergate.toml").meter[0].simulated
    assert isinstance(demo, Simulated)
    assert demo.start == "11:30"
    home = Household(demo, 11.5 * 3600)
    for number in range(120):
        assert isclose(-home.values()["active_power"], float(shown[1]), rel_tol=0.02), f"after {number} s"
        home.advance_to(11.5 * 3600 + number)


def test_another_seed_is_another_household() -> None:
    assert day(1, 3600) != day(2, 3600)


def test_a_day_is_believable() -> None:
    series = day(1)
    noon, night = series[12 * 60 - 1], series[3 * 60 - 1]
    assert noon["pv_dc_power_total"] > 1000
    assert night["pv_dc_power_total"] == 0
    evening = [v["home_consumption"] for v in series[18 * 60 : 21 * 60]]
    small_hours = [v["home_consumption"] for v in series[60 : 5 * 60]]
    assert sum(evening) / len(evening) > 2 * sum(small_hours) / len(small_hours)
    assert max(v["home_consumption"] for v in series) > 2000
    assert min(v["home_consumption"] for v in series) > 100
    assert 3_000 < sum(v["home_consumption"] for v in series) / 60 < 25_000  # Wh a day
    assert any(v["active_power"] < -500 for v in series)
    assert any(v["active_power"] > 500 for v in series)
    charges = [v["system_state_of_charge"] for v in series]
    assert max(charges) - min(charges) > 20


def test_load_lowers_the_voltage_and_feed_in_raises_it() -> None:
    series = day(settings=Simulated(seed=3, battery_kwh=0, wallbox_kw=0))
    feeding = [v["voltage_l3"] for v in series if v["active_power_l3"] < -1500]
    loaded = [v["voltage_l3"] for v in series if v["active_power_l3"] > 1000]
    assert sum(feeding) / len(feeding) > sum(loaded) / len(loaded) + 2


def test_the_battery_stays_within_its_capacity() -> None:
    series = day(5, 60)
    stored = 0.0
    for v in series:
        stored += v["battery_dc_power_total"] / 60
        assert abs(v["battery_dc_power_total"]) <= 5000 + 1e-6
        assert 4.9 <= v["system_state_of_charge"] <= 100
    assert abs(stored) < 12_000


def test_what_the_household_does_not_have_is_not_given() -> None:
    home = Household(Simulated(pv_kwp=0, battery_kwh=0, wallbox_kw=0), 43_200.0)
    v = home.values()
    assert not {"inverter_ac_output_total", "pv_dc_power_total", "system_state_of_charge"} & v.keys()
    assert not any(name.startswith("wallbox") or name == "active_charge_mode" for name in v)
    assert v["active_power"] == v["home_consumption"]


def test_every_name_is_a_quantity_and_there_are_no_energy_counters() -> None:
    v = Household(Simulated(), 0.0).values()
    assert v.keys() <= UNITS.keys()
    assert not any("energy" in name for name in v if name != "wallbox_session_energy")


def test_the_wallbox_obeys_settings_at_once() -> None:
    home = Household(Simulated(seed=1), 0.0)
    for t_s in range(0, 600, 10):
        home.advance_to(t_s)
    assert home.values()["wallbox_charge_power_total"] > 1000
    home.control = WallboxControl(Mode.LOCK)
    home.advance_to(601)
    locked = home.values()
    assert locked["wallbox_charge_power_total"] == 0
    assert locked["active_charge_mode"] == Mode.LOCK
    home.control = WallboxControl(Mode.POWER)
    home.advance_to(700)
    assert home.values()["wallbox_charge_power_total"] > 10_900
    assert home.values()["wallbox_current_l1"] > 15
