from math import hypot, isclose

from hypothesis import given
from hypothesis import strategies as st

from services.measurement.derive import complete, shares
from shared.registers.quantities import UNITS

POWER = st.floats(-50_000, 50_000)
POSITIVE = st.floats(0, 50_000)


def test_sums_come_from_three_phases() -> None:
    values, derived = complete({"active_power_l1": 100, "active_power_l2": -30, "active_power_l3": 5.5})
    assert values["active_power"] == 75.5
    assert derived == ("active_power",)


def test_two_phases_make_no_sum_and_a_sum_makes_no_phases() -> None:
    assert "active_power" not in complete({"active_power_l1": 100, "active_power_l2": 1}).values
    assert complete({"active_power": 300}).values == {"active_power": 300}


def test_energies_are_never_summed() -> None:
    phases = {f"active_energy_import_l{phase}": 1000.0 for phase in (1, 2, 3)}
    assert "active_energy_import" not in complete(phases).values


def test_apparent_power_of_a_phase_is_voltage_times_current_with_the_sign_of_the_power() -> None:
    values = complete({"active_power_l1": -200, "voltage_l1": 230, "current_l1": 1, "reactive_power_l1": 10}).values
    assert values["apparent_power_l1"] == -230
    assert isclose(values["power_factor_l1"], -200 / 230)


def test_apparent_power_is_never_below_active_power() -> None:
    values = complete({"active_power_l1": 231, "voltage_l1": 230, "current_l1": 1}).values
    assert values["apparent_power_l1"] == 231
    assert values["power_factor_l1"] == 1


def test_without_active_power_the_sign_of_apparent_power_is_unknown_and_nothing_is_derived() -> None:
    assert complete({"voltage_l1": 230, "current_l1": 1}).values == {"voltage_l1": 230, "current_l1": 1}


def test_reactive_power_is_never_invented_since_its_sign_is_unknown() -> None:
    assert "reactive_power" not in complete({"active_power": 300, "apparent_power": 500}).values


def test_the_total_apparent_power_without_reactive_power_is_that_of_the_phases() -> None:
    phases = {f"{name}_l{n}": v for n in (1, 2, 3) for name, v in (("voltage", 230.0), ("current", 2.0))}
    powers = {"active_power_l1": 400.0, "active_power_l2": -100.0, "active_power_l3": 0.0}
    values = complete(phases | powers).values
    assert values["apparent_power"] == 3 * 460
    assert isclose(values["power_factor"], 300 / 1380)


def test_current_comes_from_apparent_power_and_voltage() -> None:
    values = complete({"active_power_l2": -300, "reactive_power_l2": 400, "voltage_l2": 250}).values
    assert values["current_l2"] == 2
    assert complete({"active_power_l2": 0, "reactive_power_l2": 0, "voltage_l2": 0}).values["current_l2"] == 0


def test_no_load_has_power_factor_one() -> None:
    assert complete({"active_power": 0, "reactive_power": 0}).values["power_factor"] == 1


def test_home_consumption_is_what_grid_and_inverter_give_without_the_wallbox() -> None:
    flow = {"active_power": 500.0, "inverter_ac_output_total": 3000.0, "wallbox_active_power": 1400.0}
    values = complete(flow).values
    assert values["home_consumption"] == 2100
    assert values["wallbox_charge_power_total"] == 1400
    assert "home_consumption_from_pv" not in values  # a battery may take part; nobody said that there is none


def test_a_given_share_is_not_mixed_with_derived_ones() -> None:
    flow = {"active_power": 0.0, "home_consumption": 900.0, "battery_dc_power_total": 0.0}
    assert complete(flow).values["home_consumption_from_pv"] == 900
    assert "home_consumption_from_grid" not in complete(flow | {"home_consumption_from_pv": 800.0}).values


@given(POSITIVE, POSITIVE, POWER, POWER)
def test_shares_add_up_and_none_is_negative(home: float, wallbox: float, grid: float, battery: float) -> None:
    split = shares(home, wallbox, grid, battery)
    assert min(split) >= -1e-9
    assert isclose(sum(split[:3]), home, abs_tol=1e-6)
    assert isclose(sum(split[3:]), wallbox, abs_tol=1e-6)
    assert split.home_from_grid + split.wallbox_from_grid <= max(grid, 0) + 1e-6
    assert split.home_from_battery + split.wallbox_from_battery <= max(-battery, 0) + 1e-6


@given(st.dictionaries(st.sampled_from(sorted(UNITS)), st.floats(-1e9, 1e9), max_size=30))
def test_given_values_stay_and_names_of_derived_ones_are_told(values: dict[str, float]) -> None:
    completed, derived = complete(values)
    assert {name: completed[name] for name in values} == values
    assert set(derived) == completed.keys() - values.keys()
    assert set(derived) <= UNITS.keys()
    assert complete(completed).derived == ()


@given(st.data(), st.sets(st.sampled_from(sorted(UNITS)), max_size=30))
def test_what_is_derived_is_a_matter_of_names_alone(data: st.DataObject, names: set[str]) -> None:
    """It is asked once for each set of names, see `_follows`."""
    values = st.fixed_dictionaries(dict.fromkeys(sorted(names), st.floats(-1e6, 1e6)))
    assert complete(data.draw(values)).derived == complete(data.draw(values)).derived


def test_once_everything_is_known_nothing_is_derived_and_nothing_changes() -> None:
    given = {f"{name}_l{phase}": 100.0 for phase in (1, 2, 3) for name in ("active_power", "reactive_power", "voltage")}
    known = complete(given).values
    assert complete(known) == (known, ())
    assert complete(known).values is not known


@given(POWER, POWER)
def test_power_triangle(active: float, reactive: float) -> None:
    values = complete({"active_power": active, "reactive_power": reactive}).values
    assert isclose(abs(values["apparent_power"]), hypot(active, reactive))
    assert values["apparent_power"] * active >= 0
    assert isclose(values["power_factor"] * abs(values["apparent_power"]), active, abs_tol=1e-6)
