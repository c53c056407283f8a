"""Means: over time, over every image, signed, exact."""

import struct
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.master_pusher.groups import GROUPS
from services.master_pusher.mean import Mean, nearest

TOTAL = GROUPS["instantaneous_total"]
LONGEST = 5_000_000_000
MS = 1_000_000


def total(power: float, apparent: float | None = None, factor: float = 1.0, hertz: float = 50.0) -> bytes:
    """Registers 0-27 of one moment."""
    apparent = power if apparent is None else apparent
    data = bytearray(56)
    for place, value in ((0, max(power, 0)), (4, max(-power, 0)), (32, max(apparent, 0)), (36, max(-apparent, 0))):
        data[place : place + 4] = struct.pack(">I", round(value * 10))
    data[48:52] = struct.pack(">i", round(factor * 1000))
    data[52:56] = struct.pack(">I", round(hertz * 1000))
    return bytes(data)


def shown(data: bytes) -> tuple[float, float, float, float]:
    """Power signed, apparent power signed, power factor, frequency."""
    imported, exported = struct.unpack_from(">II", data, 0)
    s_in, s_out = struct.unpack_from(">II", data, 32)
    assert 0 in (imported, exported)
    (factor,) = struct.unpack_from(">i", data, 48)
    (hertz,) = struct.unpack_from(">I", data, 52)
    return (imported - exported) / 10, (s_in - s_out) / 10, factor / 1000, hertz / 1000


def taken(*images: tuple[int, bytes]) -> bytes:
    mean = Mean(TOTAL.rows)
    for t_ms, data in images:
        mean.add(t_ms * MS, data, LONGEST)
    return mean.take()


def test_import_and_export_cancel_before_they_are_split() -> None:
    power, *_ = shown(taken((0, total(1000)), (100, total(1000)), (101, total(-400)), (201, total(-400))))
    assert power == pytest.approx((100 * 1000 + 300 + 100 * -400) / 201, abs=0.05)


def test_time_counts_not_the_number_of_images() -> None:
    images = [(0, total(0)), *((1000 + n, total(1000)) for n in range(11))]
    power, *_ = shown(taken(*images))
    assert power == pytest.approx((500 * 1000 + 10 * 1000) / 1010, abs=0.05)


def test_the_power_factor_is_that_of_the_means() -> None:
    _, _, factor, _ = shown(taken((0, total(100, 100, 1.0)), (100, total(50, 100, 0.5))))
    assert factor == 0.75
    _, _, factor, _ = shown(taken((0, total(-100, -200, -0.5)), (100, total(-100, -200, -0.5))))
    assert factor == -0.5


def test_a_power_factor_beyond_one_is_cut() -> None:
    _, apparent, factor, _ = shown(taken((0, total(1000, 1000, 1.0)), (100, total(-500, -900, -0.55))))
    assert (apparent, factor) == (50.0, 1.0)


def test_without_apparent_power_the_factor_is_the_mean_of_what_was_shown() -> None:
    _, _, factor, _ = shown(taken((0, total(100, 0, 0.8)), (100, total(100, 0, 0.9))))
    assert factor == 0.85


def test_a_gap_that_was_not_measured_is_left_out() -> None:
    images = ((0, total(100)), (100, total(100)), (60_000, total(900)), (60_100, total(900)))
    assert shown(taken(*images))[0] == 500.0


def test_intervals_tile_time() -> None:
    mean = Mean(TOTAL.rows)
    mean.add(0, total(0), LONGEST)
    mean.add(100 * MS, total(100), LONGEST)
    assert shown(mean.take())[0] == 50.0
    mean.add(200 * MS, total(200), LONGEST)
    assert shown(mean.take())[0] == 150.0, "the way from the last image of the interval before counts"


def test_with_one_image_or_none_it_is_the_last_one() -> None:
    mean = Mean(TOTAL.rows)
    with pytest.raises(ValueError, match="no image"):
        mean.take()
    mean.add(1, total(123.4, 200, 0.6), LONGEST)
    assert mean.take() == mean.take() == total(123.4, 200, 0.6)


def test_the_same_moment_twice_counts_once() -> None:
    assert shown(taken((0, total(0)), (100, total(100)), (100, total(100)), (50, total(900))))[0] == 50.0


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4000), st.integers(-(2**31), 2**31), st.integers(0, 65_000)), min_size=2),
)
def test_it_is_the_exact_mean_rounded_once(steps: list[tuple[int, int, int]]) -> None:
    mean, t_ms = Mean(TOTAL.rows), 0
    area, length, before = Fraction(0), 0, None
    for step, power, hertz in steps:
        data = bytearray(56)
        data[0:8] = struct.pack(">II", max(power, 0), max(-power, 0))
        data[52:56] = struct.pack(">I", hertz)
        t_ms += step
        mean.add(t_ms * MS, bytes(data), LONGEST)
        if before is not None:
            area += Fraction(before + power, 2) * step
            length += step
        before = power
    imported, exported = struct.unpack_from(">II", mean.take(), 0)
    assert imported - exported == round(area / length)


@settings(deadline=None)
@given(st.integers(-(10**30), 10**30), st.integers(1, 10**15))
def test_nearest_is_python_s_own_rounding(number: int, divisor: int) -> None:
    assert nearest(number, divisor) == round(Fraction(number, divisor))


def test_a_group_with_something_that_has_no_mean_is_refused() -> None:
    with pytest.raises(ValueError, match="neither a quantity nor a signed pair"):
        Mean(GROUPS["energy_total"].rows)
