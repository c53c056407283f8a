import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.clock import LONG_AGO, ClockMap

TIMES = st.integers(0, 10**18)
SECOND = 1_000_000_000


def test_now_counts_also_while_the_machine_sleeps() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    now = clock.now_ns()
    assert before <= now <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def test_the_boot_has_an_identity() -> None:
    assert len(clock.BOOT_ID) == 36


def test_times_of_this_boot_are_taken_as_they_are() -> None:
    assert ClockMap("here").to_local("here", 90, 100) == 90
    assert ClockMap("here").to_local("here", 100, 100) == 100


def test_a_time_in_the_future_is_refused() -> None:
    assert ClockMap("here").to_local("here", 101, 100) is None


def test_what_a_newcomer_gets_first_from_a_foreign_boot_is_never_fresh() -> None:
    clocks = ClockMap("here")
    assert clocks.to_local("there", 1_000, 50) == LONG_AGO
    assert clocks.to_local("there", 1_000, 5_000) == LONG_AGO  # sent once more, for somebody else
    assert clocks.to_local("there", 1_001, 6_000) == 6_000  # a later one was sent while we listened
    assert clocks.to_local("there", 1_000, 6_000) == 5_999


def test_a_foreign_boot_is_mapped_by_the_least_delay_seen() -> None:
    clocks = ClockMap("here", repeated=False)
    assert clocks.to_local("there", 1_000, 50) == 50  # the first message counts as without delay
    assert clocks.to_local("there", 1_100, 170) == 150  # 20 later than the first one
    assert clocks.to_local("there", 1_200, 240) == 240  # faster than ever: a better offset
    assert clocks.to_local("there", 1_300, 345) == 340


@pytest.mark.parametrize("ppm", [-50, 0, 50])
def test_clocks_that_drift_apart_make_nothing_old(ppm: int) -> None:
    clocks = ClockMap("here")
    for hour in range(24 * 365):
        sent = hour * 3600 * SECOND
        now = sent + sent * ppm // 1_000_000 + 7
        mapped = clocks.to_local("there", sent, now)
        assert mapped is not None
        assert hour == 0 or now - SECOND < mapped <= now


@given(st.lists(st.tuples(TIMES, TIMES), min_size=1, max_size=20), TIMES)
def test_a_foreign_time_is_never_in_the_future(messages: list[tuple[int, int]], offset: int) -> None:
    clocks = ClockMap("here")
    for sent, delay in messages:
        now = sent + offset + delay
        mapped = clocks.to_local("there", sent, now)
        assert mapped is not None
        assert LONG_AGO <= mapped <= now


def test_only_so_many_boots_are_remembered_and_the_oldest_is_forgotten() -> None:
    clocks = ClockMap("here", limit=2, repeated=False)
    for name in ("a", "b"):
        clocks.to_local(name, 0, 100)
    clocks.to_local("a", 0, 100)  # used again: b is the oldest now
    clocks.to_local("c", 0, 100)
    assert clocks.to_local("a", 0, 150) == 100
    assert clocks.to_local("b", 0, 150) == 150  # forgotten, so mapped anew
