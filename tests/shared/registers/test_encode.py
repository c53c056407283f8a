import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.registers import encode
from shared.registers.row import TYPES

NUMBERS = [name for name, kind in TYPES.items() if kind.high]


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(NUMBERS), st.sampled_from([1, 10, 1000, -10]))
def test_a_value_of_any_size_is_nearest_or_at_the_ranges_end_and_never_wrapped(
    value: float, type_: str, factor: int
) -> None:
    kind = TYPES[type_]
    number = encode.quantise(value, factor, kind.low, kind.high)
    exact = Fraction(value) * factor
    assert kind.low <= number <= kind.high
    if exact <= kind.low:
        assert number == kind.low
    elif exact >= kind.high:
        assert number == kind.high
    else:  # half a step, and what the product of two floats loses
        assert abs(number - exact) <= Fraction(1, 2) + abs(exact) / 2**52


@pytest.mark.parametrize(("value", "number"), [(0.5, 0), (1.5, 2), (2.5, 2), (-1.5, -2), (-2.5, -2), (2.4999, 2)])
def test_ties_go_to_the_even_step(value: float, number: int) -> None:
    assert encode.quantise(value, 1, -10, 10) == number


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not a finite number"):
        encode.quantise(value, 10, 0, 100)


def test_a_product_beyond_floating_point_saturates() -> None:
    assert encode.quantise(1e308, 1000, 0, 2**64 - 1) == 2**64 - 1
    assert encode.quantise(-1e308, 1000, -(2**31), 2**31 - 1) == -(2**31)


@given(st.integers(min_value=0, max_value=2**90))
def test_a_counter_is_cut_off_exactly_at_any_size(millijoules: int) -> None:
    shown = encode.tenth_wh(millijoules, 2**64 - 1)
    if shown < 2**64 - 1:
        assert 0 <= millijoules - shown * encode.MJ_PER_TENTH_WH < encode.MJ_PER_TENTH_WH
    else:
        assert millijoules >= (2**64 - 1) * encode.MJ_PER_TENTH_WH


def test_a_tenth_of_a_watt_hour_is_360_joules() -> None:
    assert encode.tenth_wh(359_999, 10) == 0
    assert encode.tenth_wh(360_000, 10) == 1
    assert encode.tenth_wh(10**9, 10) == 10


@given(st.text(), st.integers(min_value=2, max_value=32))
def test_a_text_fills_its_registers_and_is_cut_between_characters(content: str, size: int) -> None:
    data = encode.text(content, size)
    assert len(data) == size
    shown = data.rstrip(b"\0").decode("utf-8")
    whole = content.replace("\0", "").encode("utf-8", "replace").decode()
    assert whole.startswith(shown)
    assert shown == whole or len((shown + whole[len(shown)]).encode()) > size


def test_a_character_that_does_not_fit_leaves_no_half() -> None:
    assert encode.text("Zähler", 2) == b"Z\0"
    assert encode.text("Zähler", 3) == "Zä".encode()
    assert encode.text("a\0b", 4) == b"ab\0\0"


def test_clamp_keeps_to_the_range() -> None:
    assert [encode.clamp(number, 0, 5) for number in (-1, 3, 9)] == [0, 3, 5]
