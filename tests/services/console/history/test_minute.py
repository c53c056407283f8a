import math

from services.console.history.columns import POWERS, UNKNOWN
from services.console.history.minute import MINUTE_MS, Minute


def row(value: float) -> tuple[float, ...]:
    return (value, *(UNKNOWN,) * (len(POWERS) - 1))


def test_means_extremes_and_the_last_counters() -> None:
    minute = Minute("house")
    base = 10 * MINUTE_MS
    assert minute.add(base, row(1.0), 5.0, UNKNOWN) is None
    assert minute.add(base + 59_999, row(3.0), 6.0, UNKNOWN) is None
    assert not minute.is_over(base + 59_999)
    assert minute.is_over(base + 60_000)
    done = minute.add(base + 60_000, row(9.0), 7.0, UNKNOWN)
    assert done is not None
    assert (done.t_ms, done.samples, done.means[0], done.lowest, done.highest) == (base, 2, 2.0, 1.0, 3.0)
    assert done.imported == 6.0
    assert math.isnan(done.exported)
    assert math.isnan(done.means[1]), "not known is not 0"
    rest = minute.close()
    assert rest is not None
    assert (rest.t_ms, rest.samples) == (base + MINUTE_MS, 1)
    assert minute.close() is None


def test_a_minute_of_unknowns_is_unknown() -> None:
    minute = Minute("house")
    minute.add(0, (UNKNOWN,) * len(POWERS), UNKNOWN, UNKNOWN)
    done = minute.close()
    assert done is not None
    assert math.isnan(done.lowest)
    assert math.isnan(done.highest)


def test_a_wall_clock_that_is_set_back_begins_another_minute() -> None:
    minute = Minute("house")
    minute.add(10 * MINUTE_MS, row(1.0), 1.0, 1.0)
    done = minute.add(5 * MINUTE_MS, row(2.0), 1.0, 1.0)
    assert done is not None
    assert done.t_ms == 10 * MINUTE_MS
