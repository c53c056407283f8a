import math

from hypothesis import given
from hypothesis import strategies as st

from services.console.history.columns import POWERS, powers_of
from services.console.history.recent import KEPT_NS, MOST_ROWS, AllRecent, Recent

S = 1_000_000_000
MS = 1_000_000


def row(value: float) -> tuple[float, ...]:
    return (value,) * len(POWERS)


def test_ten_minutes_stay_and_a_gap_is_a_row_of_nothing() -> None:
    recent = Recent(3002)
    for index in range(4000):
        recent.add(index * 200 * MS, row(float(index)))
    now = 3999 * 200 * MS
    times, columns = recent.since(0, now, 200 * MS)
    assert times[0] > now - KEPT_NS
    assert (times[-1], columns["grid"][-1]) == (now, 3999.0)
    assert len(times) == 3000
    recent.add(now + 10 * S, row(7.0))
    times, columns = recent.since(now - 1, now + 10 * S, 200 * MS)
    assert times == [now, now + 200 * MS, now + 10 * S]
    assert math.isnan(columns["l3"][1])
    assert columns["l3"][2] == 7.0


def test_only_what_was_missed_is_given() -> None:
    recent = Recent(100)
    for index in range(10):
        recent.add((index + 1) * 10 * S, row(1.0))
    assert recent.since(80 * S, 100 * S, 10 * S)[0] == [90 * S, 100 * S]
    assert recent.since(100 * S, 100 * S, 10 * S)[0] == []


@given(st.lists(st.integers(1, 10**9), max_size=200), st.integers(2, 50))
def test_room_is_never_exceeded_and_times_ascend(steps: list[int], rows: int) -> None:
    recent = Recent(rows)
    at = 0
    for step in steps:
        at += step
        recent.add(at, row(1.0))
    times, columns = recent.since(-1, at, 1)
    assert times == sorted(times)
    assert sum(1 for value in columns["grid"] if not math.isnan(value)) <= rows


def test_many_meters_share_the_room() -> None:
    recents = AllRecent()
    recents.fit({"house": 200})
    house = recents.get("house")
    assert house is not None
    house.add(1, row(1.0))
    recents.fit({f"m{number}": 100 for number in range(256)})
    assert recents.get("house") is None
    many = recents.get("m0")
    assert many is not None
    assert many._rows * 256 <= MOST_ROWS
    for index in range(10_000):
        many.add(index * 100 * MS, row(1.0))
    times, _ = many.since(0, 10_000 * 100 * MS, 100 * MS)
    assert times[-1] - times[0] > 0.9 * KEPT_NS, "fewer rows, but of the whole time"


def test_powers_come_in_the_order_of_the_columns() -> None:
    powers = powers_of({"active_power": 1.0, "active_power_l3": 3.0})
    assert (powers[0], powers[7]) == (1.0, 3.0)
    assert all(math.isnan(each) for each in powers[1:7])
