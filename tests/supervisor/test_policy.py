import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.policy import PAUSES_S, WINDOW_S, Death, Escalate, Limits, Park, Restart, decide, how_it_ended

LIMITS = Limits(deaths_per_minute=10, over_budget="escalate")


def deaths(*ready_s: float, every_s: float = 30.0, code: int = 1) -> list[Death]:
    return [Death(at=number * every_s, code=code, ready_s=ready) for number, ready in enumerate(ready_s)]


def test_pauses_grow_from_nothing_to_eight_seconds_and_stay() -> None:
    pauses = [decide(deaths(*[0.0] * count), LIMITS) for count in range(1, 10)]
    assert pauses == [Restart(pause) for pause in (*PAUSES_S, 8.0, 8.0)]


def test_a_settled_life_begins_anew() -> None:
    assert decide(deaths(0, 0, 0, 10.0), LIMITS) == Restart(0.0)
    assert decide(deaths(0, 0, 0, 10.0, 9.9), LIMITS) == Restart(0.25)


def test_who_forgives_many_deaths_a_minute_means_short_lives() -> None:
    assert Limits(10, "park").settled_s == 10.0
    assert Limits(1, "park").settled_s == 10.0
    assert Limits(1000, "park").settled_s == 0.1


def test_wrong_settings_park_whatever_the_budget_says() -> None:
    assert isinstance(decide(deaths(0, code=78), LIMITS), Park)
    assert isinstance(decide(deaths(*[0.0] * 50, every_s=0.1, code=78), LIMITS), Park)


def test_what_is_missing_parks_and_is_tried_again_whatever_the_budget_says() -> None:
    assert decide([Death(0.0, 75, cause="the folder is full")], LIMITS) == Park(
        "the folder is full; tried again every 30 s", 30.0
    )
    assert isinstance(decide(deaths(*[0.0] * 50, every_s=0.1, code=75), LIMITS), Park)


@pytest.mark.parametrize(("over_budget", "kind"), [("escalate", Escalate), ("park", Park)])
def test_one_death_beyond_the_budget(over_budget: str, kind: type) -> None:
    limits = Limits(3, "escalate" if over_budget == "escalate" else "park")
    assert isinstance(decide(deaths(0, 0, 0, every_s=1.0), limits), Restart)
    decision = decide(deaths(0, 0, 0, 0, every_s=1.0, code=-11), limits)
    assert isinstance(decision, kind)
    assert "4 deaths within a minute, the last: signal 11 (SIGSEGV)" in str(decision)


def test_the_cause_known_is_told_rather_than_the_code() -> None:
    assert str(Death(0.0, -9, cause="no sign of life for 3 s")) == "no sign of life for 3 s"
    assert how_it_ended(-200) == "signal 200"
    assert how_it_ended(3) == "exit code 3"


histories = st.lists(
    st.tuples(st.floats(0, 100), st.integers(-15, 74), st.floats(0, 100)), min_size=1, max_size=40
).map(lambda rows: [Death(sum(row[0] for row in rows[: n + 1]), rows[n][1], rows[n][2]) for n in range(len(rows))])


@given(histories, st.integers(1, 50))
def test_over_budget_exactly_when_the_window_says_so(history: list[Death], budget: int) -> None:
    decision = decide(history, Limits(budget, "park"))
    within = [death for death in history if death.at > history[-1].at - WINDOW_S]
    assert isinstance(decision, Park) == (len(within) > budget)


@given(histories)
def test_a_shorter_memory_never_forgets_the_pause_that_the_last_deaths_earned(history: list[Death]) -> None:
    limits = Limits(100_000, "park")
    decision = decide(history, limits)
    assert isinstance(decision, Restart)
    unsettled = 0
    for death in reversed(history):
        if death.ready_s >= limits.settled_s:
            break
        unsettled += 1
    assert decision.pause_s <= PAUSES_S[min(unsettled, len(PAUSES_S) - 1)]
    assert (decision.pause_s == 0) == (unsettled == 0 or len(history) == 1)
