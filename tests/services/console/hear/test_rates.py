"""Counters as rates: over the last seconds, not before two looks, anew after a restart, forgotten with their owner."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.hear.rates import SPAN_NS, Rates

S = 1_000_000_000


def test_a_rate_needs_two_looks_and_follows_the_last_seconds() -> None:
    rates = Rates()
    rates.take("a", 100, 0)
    assert rates.per_second("a") is None
    rates.take("a", 110, S)
    assert rates.per_second("a") == 10
    for second in range(2, 30):
        rates.take("a", 110, second * S)
    assert rates.per_second("a") == 0, "what was long ago does not count"
    assert rates.per_second("b") is None


def test_a_counter_that_begins_anew_is_never_negative() -> None:
    rates = Rates()
    rates.take("a", 1000, 0)
    rates.take("a", 5, S)
    assert rates.per_second("a") is None
    rates.take("a", 15, 2 * S)
    assert rates.per_second("a") == 10


def test_only_those_that_are_there_are_kept() -> None:
    rates = Rates()
    for key in range(1000):
        rates.take(key, 1, 0)
    rates.keep([3, 4])
    rates.take(3, 2, S)
    assert rates.per_second(3) == 1
    assert len(rates._seen) == 2


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1000)), min_size=2, max_size=60))
def test_it_lies_between_the_slowest_and_the_fastest_it_ever_was(steps: list[tuple[int, int]]) -> None:
    rates = Rates()
    count, now, seen = 0, 0, []
    rates.take("a", count, now)
    for seconds, more in steps:
        count, now = count + more, now + (seconds + 1) * S
        rates.take("a", count, now)
        seen.append(more / (seconds + 1))
        rate = rates.per_second("a")
        assert rate is not None
        assert min(seen) <= rate * (1 + 1e-9)
        assert rate <= max(seen) * (1 + 1e-9)
    assert SPAN_NS > S


def test_the_same_moment_twice_divides_by_nothing() -> None:
    rates = Rates()
    rates.take("a", 1, 5)
    rates.take("a", 2, 5)
    assert rates.per_second("a") is None
    rates.take("a", 3, 5 + S)
    assert rates.per_second("a") == pytest.approx(2)
