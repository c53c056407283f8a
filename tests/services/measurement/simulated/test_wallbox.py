from itertools import pairwise
from math import isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.measurement.simulated.wallbox import Mode, Status, Stay, Wallbox, WallboxControl, allowed, stay

DAY_S = 86_400


@pytest.mark.parametrize(
    ("control", "surplus", "watts"),
    [
        (WallboxControl(Mode.OFF), 9000, 0),
        (WallboxControl(Mode.LOCK), 9000, 0),
        (WallboxControl(Mode.POWER), -500, 11_000),
        (WallboxControl(Mode.SOLAR_PURE), 1379, 0),
        (WallboxControl(Mode.SOLAR_PURE), 1380, 1380),
        (WallboxControl(Mode.SOLAR_PURE), 20_000, 11_000),
        (WallboxControl(Mode.SOLAR_PLUS), -900, 1380),
        (WallboxControl(Mode.SOLAR_PLUS), 4000, 4000),
        (WallboxControl(Mode.SOLAR_PLUS, min_pv_quota=50), 689, 0),
        (WallboxControl(Mode.SOLAR_PLUS, min_pv_quota=50), 690, 1380),
        (WallboxControl(Mode.SOLAR_PLUS, min_pv_quota=100), 1379, 0),
        (WallboxControl(Mode.SOLAR_PLUS, min_charging_quota=50), 0, 5500),
    ],
)
def test_settings_decide_what_may_be_charged(control: WallboxControl, surplus: float, watts: float) -> None:
    assert allowed(control, surplus, 11_000) == watts


@given(
    st.sampled_from(Mode), st.integers(0, 100), st.integers(0, 100), st.floats(-50_000, 50_000), st.floats(100, 22_000)
)
def test_never_more_than_the_wallbox_can(mode: Mode, pv: int, charging: int, surplus: float, largest: float) -> None:
    assert 0 <= allowed(WallboxControl(mode, pv, charging), surplus, largest) <= largest


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 20))
def test_a_stay_keeps_its_identity_until_the_car_leaves(seed: int, day: int) -> None:
    stays = [stay(seed, day * DAY_S + minute * 600) for minute in range(144)]
    for before, after in pairwise(stays):
        if before is not None and after is not None:
            assert before == after


def test_a_session_counts_energy_and_ends_with_what_the_car_needs() -> None:
    box = Wallbox(11, WallboxControl(Mode.POWER))
    car = Stay(day=0, need_wh=3000)
    charged = 0.0
    for _ in range(3600):
        box.follow(car, 0, 1.0)
        charged += box.power / 3600
        assert box.phases == (3 if box.power >= 4140 else 1)
    assert isclose(box.session_wh, charged)
    assert isclose(box.session_wh, 3000, rel_tol=1e-6)
    assert (box.power, box.status, box.session_s) == (0, Status.CONNECTED, 3600)
    box.follow(Stay(day=1, need_wh=3000), 0, 1.0)
    assert (box.status, box.session_s) == (Status.CHARGING, 1)
    box.follow(None, 0, 1.0)
    assert (box.power, box.status) == (0, Status.OFFLINE)


def test_a_small_wallbox_uses_one_phase() -> None:
    box = Wallbox(3.7, WallboxControl(Mode.POWER))
    for _ in range(60):
        box.follow(Stay(0, 9000), 0, 1.0)
    assert box.phases == 1
    assert isclose(box.power, 3700, rel_tol=0.01)


@pytest.mark.parametrize(("hour", "watts"), [(21.99, 0), (22, 11_000), (0, 11_000), (5.99, 11_000), (6, 0), (12, 0)])
def test_the_mode_by_time_charges_at_night(hour: float, watts: float) -> None:
    assert allowed(WallboxControl(Mode.TIME), 9000, 11_000, hour) == watts
    box = Wallbox(11, WallboxControl(Mode.TIME))
    box.follow(Stay(0, 9000), 9000, 60.0, hour)
    assert (box.status == Status.CHARGING) is (watts > 0)
