import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.register_store.counters import GLITCH_S, LARGEST_MJ, SLACK_MJ, STANDSTILL_S, Counted, Counters
from shared.registers.encode import MJ_PER_WH
from shared.registers.table import COUNTERS

S = 1_000_000_000
GAP = 5 * S
IMPORT, EXPORT = "active_energy_import", "active_energy_export"
KWH = 1000 * MJ_PER_WH


def counters(max_power_w: float = 1_000_000.0) -> Counters:
    return Counters({}, {}, max_power_w)


def at_reading(wh: float, max_power_w: float = 1_000_000.0) -> Counters:
    """A source whose own counter stands there."""
    made = counters(max_power_w)
    assert made.advance({IMPORT: wh}, S, GAP, 0.0) == []
    return made


# --- integrated from power


def test_all_24_counters() -> None:
    made = counters()
    made.advance({}, S, GAP, 0.0)
    assert made.unmeasured == set(COUNTERS)
    assert len(COUNTERS) == 24
    assert {"active_energy_import", "reactive_energy_export_l1", "apparent_energy_import_l3"} <= made.unmeasured


def test_constant_power_is_integrated_exactly() -> None:
    made = counters()
    for step in range(5 * 3600 + 1):
        made.advance({"active_power": 230.4}, S + step * S // 5, GAP, 0.2)
    assert made.values == {IMPORT: 230_400 * 3600, EXPORT: 0}  # 230.4 Wh


@given(st.integers(1, 1_000_000), st.lists(st.integers(1, GAP), min_size=1, max_size=50))
def test_constant_power_at_uneven_times_is_exact_to_half_a_millijoule_each(watts: int, gaps: list[int]) -> None:
    made = counters()
    t_ns = S
    made.advance({"active_power": float(watts)}, t_ns, GAP, 0.0)
    for gap in gaps:
        t_ns += gap
        made.advance({"active_power": float(watts)}, t_ns, GAP, 0.0)
    assert abs(made.values[IMPORT] - watts * 1000 * sum(gaps) / S) <= 0.5 * len(gaps) + 1e-6


def test_a_ramp_counts_by_its_mean_and_signs_go_their_own_ways() -> None:
    made = counters()
    for step, watts in enumerate((0.0, 1000.0, -1000.0, -1000.0)):
        made.advance({"active_power": watts}, S + step * S, GAP, 1.0)
    assert made.values == {IMPORT: 1_000_000, EXPORT: 1_500_000}


def test_a_gap_longer_than_allowed_is_not_integrated_and_counting_goes_on() -> None:
    made = counters()
    for t_ns in (S, S + GAP + 1, S + GAP + 1 + S):
        made.advance({"active_power": 1000.0}, t_ns, GAP, 0.0)
    assert made.values[IMPORT] == 1_000_000  # the last second alone


def test_a_restart_goes_on_from_the_last_sample() -> None:
    made = Counters({IMPORT: 7}, {}, 1e6, Counted(S, {"active_power": 1000.0}))
    made.advance({"active_power": 3000.0}, 2 * S, GAP, 1.0)
    assert made.values[IMPORT] == 7 + 2_000_000


def test_a_sample_that_is_not_later_counts_nothing() -> None:
    made = counters()
    for t_ns in (10 * S, 10 * S, 9 * S, 10 * S):
        made.advance({"active_power": 1000.0}, t_ns, GAP, 0.0)
    assert made.values[IMPORT] == 0
    made.advance({"active_power": 1000.0}, 11 * S, GAP, 0.0)
    assert made.values[IMPORT] == 1_000_000


def test_what_has_no_source_is_told_and_stays_unknown() -> None:
    made = counters()
    made.advance({"active_power_l1": 1.0, "active_energy_import": 5.0}, S, GAP, 0.0)
    assert made.unmeasured == set(COUNTERS) - {"active_energy_import_l1", "active_energy_export_l1", IMPORT}
    assert made.values.keys() == {"active_energy_import_l1", "active_energy_export_l1", IMPORT}


# --- given by the source


def test_the_first_reading_ever_is_where_counting_begins() -> None:
    assert at_reading(12_345.6).values == {IMPORT: 12_345_600 * MJ_PER_WH // 1000}


def test_a_counter_that_was_integrated_goes_on_from_there_when_the_source_begins_to_give_it() -> None:
    made = Counters({IMPORT: 5 * KWH}, {}, 1e6)
    made.advance({IMPORT: 900_000.0}, S, GAP, 0.0)
    made.advance({IMPORT: 900_001.0}, 2 * S, GAP, 1.0)
    assert made.values[IMPORT] == 5 * KWH + MJ_PER_WH


@pytest.mark.parametrize("away", [1, 20])
def test_a_counter_that_goes_away_and_comes_back_is_counted_once(away: int) -> None:
    """600 kW all the time; a counter of the source in an optional block is not there for some seconds."""
    made = counters()

    def sample(second: int, *, given: bool) -> list[str]:
        true_wh = 5e6 + 600_000 * second / 3600
        energies = {IMPORT: true_wh, EXPORT: 7.0} if given else {}
        return [each.kind for each in made.advance({"active_power": 600_000.0, **energies}, (1 + second) * S, GAP, 1.0)]

    for second in range(away + 10):
        assert sample(second, given=not 3 <= second < 3 + away) == []
        assert made.values[IMPORT] == pytest.approx((5e6 + 600_000 * second / 3600) * MJ_PER_WH, abs=2 * away)
    assert made.values[EXPORT] == 7 * MJ_PER_WH


def test_a_fault_before_a_counter_went_away_is_forgotten_with_it() -> None:
    made = at_reading(5_000_000.0)
    made.advance({IMPORT: 0.0}, 2 * S, GAP, 1.0)  # held: might come back
    made.advance({"active_power": 600_000.0}, 3 * S, GAP, 1.0)
    made.advance({"active_power": 600_000.0}, 6 * S, GAP, 3.0)
    assert made.values[IMPORT] == 5_000_000 * MJ_PER_WH + 2_400_000_000
    assert made.advance({IMPORT: 5_003_000.0}, 7 * S, GAP, 1.0) == []
    assert made.advance({IMPORT: 5_003_001.0}, 8 * S, GAP, 1.0) == []
    assert made.values[IMPORT] == 5_000_001 * MJ_PER_WH + 2_400_000_000


@given(
    st.lists(
        st.tuples(st.floats(-20_000, 20_000), st.integers(S // 10, 2 * GAP), st.booleans()), min_size=2, max_size=60
    )
)
@settings(max_examples=300)
def test_counters_that_come_and_go_count_what_flowed_and_never_more(steps: list[tuple[float, int, bool]]) -> None:
    """Power changes evenly from sample to sample; only what flowed in a gap too long to be integrated is missing."""
    made = counters(20_000.0)
    t_ns, before_w = S, 0.0
    true_mj = missing_mj = dict.fromkeys((IMPORT, EXPORT), 0.0)
    made.advance({IMPORT: 0.0, EXPORT: 0.0, "active_power": before_w}, t_ns, GAP, 0.0)
    was_given = True
    for number, (watts, gap_ns, is_given) in enumerate(steps, 1):
        t_ns += gap_ns
        flowed_mj = {
            name: (max(0.0, sign * before_w) + max(0.0, sign * watts)) * 500 * gap_ns / S
            for name, sign in ((IMPORT, 1), (EXPORT, -1))
        }
        true_mj = {name: mj + flowed_mj[name] for name, mj in true_mj.items()}
        if gap_ns > GAP and not (was_given and is_given):
            missing_mj = {name: mj + flowed_mj[name] for name, mj in missing_mj.items()}
        energies = {name: mj / MJ_PER_WH for name, mj in true_mj.items()} if is_given else {}
        assert made.advance({**energies, "active_power": watts}, t_ns, GAP, gap_ns / S) == []
        before_w, was_given = watts, is_given
        for name, mj in true_mj.items():
            assert made.values[name] == pytest.approx(mj - missing_mj[name], abs=number + 1e-3)


@pytest.mark.parametrize("start", [0.0, 3_000.0, 8_000.0, 50_000.0, 4_290_000.0 - 2_000_000.0])
@pytest.mark.parametrize("fault", [0.0, 4_294_967.295, 429_496_729.5, 1e15, 1e300, -5.0])
@pytest.mark.parametrize("lasts", [1, 3])
def test_a_fault_costs_nothing_when_the_source_comes_back(start: float, fault: float, lasts: int) -> None:
    made = at_reading(start)
    told = 0
    for step in range(lasts):
        told += len(made.advance({IMPORT: fault}, (2 + step) * S, GAP, 1.0))
        assert made.values[IMPORT] == round(start * MJ_PER_WH)
    assert told >= 1 or fault == start
    assert made.advance({IMPORT: start + 2.0}, 9 * S, GAP, 1.0) == []
    assert made.values[IMPORT] == round((start + 2.0) * MJ_PER_WH)


@pytest.mark.parametrize(("since_s", "rebooted"), [(86_400.0, False), (5.0, True)])
@pytest.mark.parametrize("fault", [0.0, 1e8])
def test_a_fault_after_a_long_pause_costs_nothing_of_what_the_source_counted_in_it(
    since_s: float, rebooted: bool, fault: float
) -> None:
    """A meter that has just got its power back may say zero at first."""
    made = at_reading(5e6, max_power_w=20_000)
    (held,) = made.advance({IMPORT: fault}, 2 * S, GAP, since_s, rebooted=rebooted)
    assert held.kind == "held"
    assert made.advance({IMPORT: 5_030_000.0}, 3 * S, GAP, 1.0) == []
    assert made.values[IMPORT] == 5_030_000 * MJ_PER_WH


def test_a_source_that_trembles_counts_up_only_once() -> None:
    made = at_reading(1000.0)
    for step in range(1000):
        made.advance({IMPORT: 1000.0 - step % 2}, (2 + step) * S, GAP, 1.0)
    assert made.values[IMPORT] == 1000 * MJ_PER_WH


@pytest.mark.parametrize("old", [8_000.0, 3_500_000.0])
def test_a_new_meter_goes_on_by_its_steps(old: float) -> None:
    made = at_reading(old, max_power_w=30_000)
    (held,) = made.advance({IMPORT: 0.5}, 2 * S, GAP, 4 * 3600.0)
    assert (held.kind, held.counter, held.value_mj) == ("held", IMPORT, round(old * MJ_PER_WH))
    assert (held.before_mj, held.reading_mj) == (round(old * MJ_PER_WH), MJ_PER_WH // 2)
    for step in range(1, 11):
        assert made.advance({IMPORT: 0.5 + step}, (2 + 200 * step) * S, GAP, 200.0) == []
    assert made.values[IMPORT] == round((old + 10) * MJ_PER_WH)


def test_the_new_meter_may_stand_higher_than_the_old_one() -> None:
    made = at_reading(1_000.0)
    (held,) = made.advance({IMPORT: 700_000.0}, 2 * S, GAP, 60.0)
    assert held.kind == "held"
    made.advance({IMPORT: 700_001.0}, 3 * S, GAP, 60.0)
    assert made.values[IMPORT] == 1_001 * MJ_PER_WH


def test_after_hours_without_a_reading_a_small_one_is_a_new_meter_not_a_rollover() -> None:
    size_wh = 2**32 / 1000
    downtime = 10 * 24 * 3600.0
    made = at_reading(size_wh - 1_500_000, max_power_w=100_000)  # ten days could carry it over, an hour could not
    (held,) = made.advance({IMPORT: 500.0}, 2 * S, GAP, downtime)
    assert held.kind == "held"
    assert made.values[IMPORT] == round((size_wh - 1_500_000) * MJ_PER_WH)


def test_across_a_boot_a_small_reading_is_a_new_meter_however_long_the_clock_may_have_stood_still() -> None:
    size_wh = 2**32 / 1000
    made = at_reading(size_wh - 50_000, max_power_w=100_000)  # an hour could carry it over, these seconds could not
    (held,) = made.advance({IMPORT: 500.0}, 2 * S, GAP, 30.0, rebooted=True)
    assert held.kind == "held"


@pytest.mark.parametrize(("since_s", "believed_s"), [(-3600.0, STANDSTILL_S), (5.0, STANDSTILL_S), (1e7, 1e7)])
def test_across_a_boot_the_clock_may_have_stood_still_for_a_month(since_s: float, believed_s: float) -> None:
    most_wh = 1_000 * believed_s / 3600
    for step_wh, kinds in ((most_wh, []), (most_wh + 10_001, ["held"])):
        made = at_reading(1e6, max_power_w=1_000)
        told = made.advance({IMPORT: 1e6 + step_wh}, 2 * S, GAP, since_s, rebooted=True)
        assert [each.kind for each in told] == kinds
        assert made.values[IMPORT] == pytest.approx((1e6 + (0 if kinds else step_wh)) * MJ_PER_WH, abs=1)


@pytest.mark.parametrize("unit_wh", [0.001, 0.01, 0.1, 1.0, 10.0, 100.0])
def test_32_bits_start_over_in_any_unit(unit_wh: float) -> None:
    before, after = 2**32 - 3, 2
    made = at_reading(before * unit_wh)
    (rollover,) = made.advance({IMPORT: after * unit_wh}, 2 * S, GAP, 1.0)
    assert rollover.kind == "rollover"
    assert made.values[IMPORT] == pytest.approx((before + 5) * unit_wh * MJ_PER_WH, rel=1e-12)
    assert made.advance({IMPORT: (after + 1) * unit_wh}, 3 * S, GAP, 1.0) == []
    assert made.values[IMPORT] == pytest.approx((before + 6) * unit_wh * MJ_PER_WH, rel=1e-12)


def test_downtime_of_any_length_is_counted_as_far_as_it_is_possible() -> None:
    made = at_reading(1_000.0, max_power_w=10_000)
    assert made.advance({IMPORT: 1_000.0 + 200_000}, 2 * S, GAP, 24 * 3600.0) == []
    assert made.values[IMPORT] == 201_000 * MJ_PER_WH


def test_the_end_of_the_numbers_is_the_end_of_counting() -> None:
    made = Counters({IMPORT: LARGEST_MJ - 1}, {IMPORT: 0}, 1e6)
    made.advance({IMPORT: 5.0}, S, GAP, 1.0)
    assert made.values[IMPORT] == LARGEST_MJ


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, GLITCH_S / 2), st.floats(0, GLITCH_S / 2))
@settings(max_examples=200)
def test_any_fault_and_return_counts_no_more_than_one_possible_step(
    start: float, fault: float, there_s: float, back_s: float
) -> None:
    made = at_reading(start, max_power_w=20_000)
    kinds = [one.kind for one in made.advance({IMPORT: fault}, 2 * S, GAP, there_s)]
    between = made.values[IMPORT]
    made.advance({IMPORT: start}, 3 * S, GAP, back_s)
    if kinds == ["held"]:
        assert made.values[IMPORT] == between == round(start * MJ_PER_WH)
    else:
        assert made.values[IMPORT] - round(start * MJ_PER_WH) <= 2 * SLACK_MJ + 20_000_000 * (there_s + back_s) + 2


any_number = st.floats(allow_nan=False, allow_infinity=False)
readings = st.floats(0, 2e7) | st.sampled_from([0.0, 2**32 / 1000 - 1, 2**32 / 1000, 2.0**32, 1e300, -1.0]) | any_number


class NeverBackwards(RuleBasedStateMachine):
    """Whatever a source says, no counter falls, and none rises by more than its source explains."""

    max_power_w = 1_000_000.0

    @initialize()
    def begin(self) -> None:
        """No counter is known yet."""
        self.counters = Counters({}, {}, self.max_power_w)
        self.t_ns = S
        self.seen: dict[str, int] = {}
        self.longest_s = 0.0

    def advance(self, sample: dict[str, float], gap_ns: int, since_s: float) -> None:
        """One sample."""
        self.t_ns += gap_ns
        self.counters.advance(sample, self.t_ns, GAP, since_s)

    @rule(reading=readings, gap_ns=st.integers(-S, 2 * GAP), since_s=st.floats(-10, 1e7))
    def read(self, reading: float, gap_ns: int, since_s: float) -> None:
        """The source gives its own counter."""
        known = self.counters.values.get(IMPORT)
        self.longest_s = max(self.longest_s, since_s)
        self.advance({IMPORT: reading, "active_power": 0.0}, gap_ns, since_s)
        value = self.counters.values.get(IMPORT)
        if known is not None:
            assert value is not None
            # a return to the old track counts what was missing since then, and in the pause before it left that track
            most = self.max_power_w * 1000 * (self.longest_s + GLITCH_S) + SLACK_MJ
            assert value - known <= most + 1

    @rule(watts=any_number, gap_ns=st.integers(-S, 2 * GAP))
    def integrate(self, watts: float, gap_ns: int) -> None:
        """The source gives power alone."""
        known = self.counters.values.get("active_energy_export", 0)
        self.advance({"active_power": watts}, gap_ns, 1.0)
        assert self.counters.values["active_energy_export"] - known <= self.max_power_w * 1000 * GAP / S + 1

    @rule()
    def restart(self) -> None:
        """The process dies; the journal keeps values, readings and the last sample."""
        self.counters = Counters(self.counters.values, self.counters.readings, self.max_power_w, self.counters.last)

    @rule(gap_ns=st.integers(0, GAP))
    def nothing_given(self, gap_ns: int) -> None:
        """A sample with neither."""
        before = dict(self.counters.values)
        self.advance({}, gap_ns, 1.0)
        assert self.counters.values == before

    @invariant()
    def never_backwards(self) -> None:
        """After every step."""
        if not hasattr(self, "counters"):
            return
        values = self.counters.values
        for name, value in self.seen.items():
            assert values[name] >= value
        assert all(isinstance(value, int) and 0 <= value <= LARGEST_MJ for value in values.values())
        assert all(0 <= reading <= LARGEST_MJ for reading in self.counters.readings.values())
        self.seen = dict(values)


TestNeverBackwards = NeverBackwards.TestCase
TestNeverBackwards.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_numbers_that_are_none_do_not_count() -> None:
    made = at_reading(5.0)
    (held,) = made.advance({IMPORT: math.nan}, 2 * S, GAP, 1.0)
    assert held.kind == "held"
    assert made.values[IMPORT] == 5 * MJ_PER_WH
