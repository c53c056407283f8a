"""Scale factors and addresses of SunSpec, held against the model definitions of pysunspec2, which nobody here wrote."""

import json
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.registers.blocks import all_rows
from shared.registers.encode import MJ_PER_WH
from shared.registers.sunspec import ACC32_LIMIT, ACC32_MARKER, INT16_LIMIT, INT16_MARKER, scale_counters, scale_points

MEASURED = st.none() | st.floats(min_value=-1e14, max_value=1e14) | st.floats(min_value=-50_000, max_value=50_000)


@given(st.lists(MEASURED, min_size=1, max_size=4), st.sampled_from([-3, -2, -1, 0, 1]))
def test_points_fit_and_are_as_fine_as_they_can_be(values: list[float | None], nominal: int) -> None:
    exponent, points = scale_points(values, nominal)
    assert nominal <= exponent <= 10
    step = 10.0**exponent
    for value, point in zip(values, points, strict=True):
        if value is None:
            assert point == INT16_MARKER
        else:
            assert abs(point) <= INT16_LIMIT
            assert abs(point * step - value) <= step / 2 * (1 + 1e-9)
    if exponent > nominal:
        finer = [abs(value) / 10.0 ** (exponent - 1) for value in values if value is not None]
        assert max(finer) >= INT16_LIMIT + 0.4999


def test_a_load_moves_the_scale_and_its_end_gives_it_back() -> None:
    assert scale_points([3276.7, None], -1) == (-1, [32767, INT16_MARKER])
    assert scale_points([3276.8, -0.4], -1) == (0, [3277, 0])
    assert scale_points([-3276.7], -1) == (-1, [-32767])
    assert scale_points([], -2) == (-2, [])


def test_beyond_the_last_scale_it_saturates() -> None:
    assert scale_points([1e300, -1e300, 1.0], 0) == (10, [INT16_LIMIT, -INT16_LIMIT, 0])


def test_the_power_factor_keeps_to_its_own_range() -> None:
    assert scale_points([1.0004, -1.2, 0.5, 40.0], -3, limit=1.0) == (-3, [1000, -1000, 500, 1000])


def test_what_is_not_finite_is_refused() -> None:
    for value in (float("nan"), float("inf"), float("-inf")):
        with pytest.raises(ValueError, match="not a finite number"):
            scale_points([1.0, value], -3, limit=1.0)


@given(st.lists(st.none() | st.integers(min_value=0, max_value=10**22), min_size=1, max_size=8))
def test_counters_fit_within_a_step(counters: list[int | None]) -> None:
    exponent, points = scale_counters(counters)
    step = MJ_PER_WH * 10**exponent
    for counter, point in zip(counters, points, strict=True):
        if counter is None:
            assert point == ACC32_MARKER
        else:
            assert 0 <= point <= ACC32_LIMIT
            assert abs(point * step - counter) < step


@given(
    st.lists(st.integers(min_value=0, max_value=10**17), min_size=2, max_size=4),
    st.lists(st.integers(min_value=0, max_value=10**17), min_size=2, max_size=12),
)
def test_counters_never_seem_to_run_backwards_across_a_change_of_scale(counters: list[int], steps: list[int]) -> None:
    shown = [0] * len(counters)
    for index, step in enumerate([0, *steps]):
        counters[index % len(counters)] += step
        exponent, points = scale_counters(counters)
        now = [point * 10**exponent for point in points]
        assert all(new >= old for new, old in zip(now, shown, strict=True))
        shown = now


def test_counters_saturate_beyond_the_last_scale() -> None:
    assert scale_counters([10**40, 0]) == (10, [ACC32_LIMIT, 0])


def _model(number: int) -> list[dict[str, Any]]:
    text = resources.files("sunspec2").joinpath(f"models/json/model_{number}.json").read_text(encoding="utf-8")
    points: list[dict[str, Any]] = json.loads(text)["group"]["points"]
    return points


@pytest.mark.parametrize(
    ("layout", "model", "start"), [("2.6", 1, 40002), ("2.6", 203, 40070), ("2.5", 1, 40002), ("2.5", 203, 40069)]
)
def test_addresses_types_and_scale_factors_are_those_of_the_model(layout: str, model: int, start: int) -> None:
    by_address = {row.address: row for row in all_rows(layout) if row.group == "sunspec"}
    point_of: dict[str, str] = {}
    rows = {}
    address = start
    for point in _model(model):
        if point["name"] == "Pad" and layout == "2.5":
            continue
        row = rows[point["name"]] = by_address[address]
        point_of[row.name] = point["name"]
        assert row.type == point["type"], point["name"]
        assert row.count == point["size"], point["name"]
        assert row.note.split("; ")[0] == point["name"]
        address += point["size"]
    for point in _model(model):
        if "sf" in point:
            assert point_of[rows[point["name"]].scale_row] == point["sf"]
    length = rows["L"].origin.number
    assert start + 2 + length == address
    assert rows["ID"].origin.number == model


@pytest.mark.parametrize(("layout", "end"), [("2.6", 40177), ("2.5", 40176)])
def test_the_chain_begins_with_the_marker_and_ends_with_the_end_model(layout: str, end: int) -> None:
    rows = [row for row in all_rows(layout) if row.group == "sunspec"]
    assert (rows[0].address, rows[0].origin.number) == (40000, int.from_bytes(b"SunS", "big"))
    assert [(row.address, row.origin.number) for row in rows[-2:]] == [(end, 0xFFFF), (end + 1, 0)]


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"known are 2\.6 and 2\.5"):
        all_rows("3.0")
