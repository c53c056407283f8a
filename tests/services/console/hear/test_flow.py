from hypothesis import given
from hypothesis import strategies as st

from services.console.hear.flow import flow_of

WATTS = st.floats(-50_000, 50_000)


def test_what_the_source_gives_is_taken_as_it_is() -> None:
    flow = flow_of(
        {
            "active_power": -500.0,
            "pv_dc_power_total": 3000.0,
            "home_consumption": 400.0,
            "battery_dc_power_total": 2000.0,
            "system_state_of_charge": 55.0,
            "wallbox_charge_power_total": 0.0,
        }
    )
    assert (flow.grid, flow.solar, flow.house, flow.battery, flow.battery_soc, flow.wallbox) == (
        -500.0, 3000.0, 400.0, 2000.0, 55.0, 0.0,
    )  # fmt: skip
    assert flow.derived == ()


def test_the_rest_is_the_balance_and_marked() -> None:
    flow = flow_of({"active_power": 300.0, "inverter_ac_output_total": 1000.0, "battery_dc_power_total": -200.0})
    assert (flow.solar, flow.house, flow.derived) == (800.0, 1300.0, ("solar", "house"))


def test_a_meter_alone_knows_the_grid_alone() -> None:
    flow = flow_of({"active_power": 300.0})
    assert (flow.grid, flow.solar, flow.house, flow.battery, flow.wallbox) == (300.0, None, None, None, None)


@given(st.dictionaries(st.sampled_from(["active_power", "inverter_ac_output_total", "battery_dc_power_total"]), WATTS))
def test_solar_and_house_are_never_negative(values: dict[str, float]) -> None:
    flow = flow_of(values)
    assert flow.solar is None or flow.solar >= 0
    assert flow.house is None or flow.house >= 0
