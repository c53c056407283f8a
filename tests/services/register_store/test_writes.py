"""What a write means, and what it is refused for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.register_store.writes import ALLOWED, RefusedWriteError, settings_of
from shared.config.model import Meter
from shared.registers.plan import plan_for
from shared.registers.table import TABLE

ROWS = plan_for(Meter(id="house", source="simulated")).rows
MODE, PV, CHARGING = ALLOWED


@pytest.mark.parametrize(
    ("start", "values", "settings"),
    [
        (41168, (0,), {MODE: 0}),
        (41168, (5,), {MODE: 5}),
        (41170, (100,), {PV: 100}),
        (41172, (37,), {CHARGING: 37}),
        (41172, (0,), {CHARGING: 0}),
    ],
)
def test_what_a_write_changes(start: int, values: tuple[int, ...], settings: dict[str, int]) -> None:
    assert settings_of(ROWS, start, values) == settings


@pytest.mark.parametrize(
    ("start", "values", "code", "reason"),
    [
        (41168, (6,), 3, "wallbox_charging_mode is 6; it takes 0 to 5"),
        (41170, (101,), 3, "wallbox_min_pv_power_quota is 101; it takes 0 to 100 in steps of 10"),
        (41170, (55,), 3, "is 55"),
        (41172, (101,), 3, "is 101"),
        (41168, (65535,), 3, "is 65535"),
        (41168, (3, 0, 20), 2, "not all registers from 41168 to 41170 are settings"),
        (41169, (0,), 2, "from 41169 to 41169"),
        (41168, (3, 0), 2, "not all"),
        (41167, (0, 3), 2, "not all"),
        (41172, (5, 0), 2, "not all"),
        (0, (1,), 2, "not all"),
        (41189, (0, 0), 2, "not all"),
        (50000, (1,), 2, "not all"),
        (65535, (1,), 2, "not all"),
    ],
)
def test_what_is_refused(start: int, values: tuple[int, ...], code: int, reason: str) -> None:
    with pytest.raises(RefusedWriteError, match=reason) as refused:
        settings_of(ROWS, start, values)
    assert refused.value.code == code


@given(st.integers(41155, 41195), st.lists(st.integers(0, 110), min_size=1, max_size=12))
def test_what_is_accepted_is_allowed_and_whole(start: int, values: list[int]) -> None:
    try:
        settings = settings_of(ROWS, start, values)
    except RefusedWriteError:
        return
    assert settings
    for name, value in settings.items():
        row = next(row for row in ROWS if row.name == name)
        assert values[row.address - start] == value
        assert value in ALLOWED[name]


def test_every_setting_of_the_map_has_its_values() -> None:
    assert {row.name for row in TABLE if row.row_class == "setting"} == set(ALLOWED)
