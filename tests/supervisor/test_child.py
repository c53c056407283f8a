"""The life of a child, without a child."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.child import ALIVE, START_S, Lifecycle, State, Todo
from supervisor.policy import Limits


def life(budget: int = 10) -> Lifecycle:
    return Lifecycle(Limits(budget, "escalate"), beat_timeout_s=3.0, stop_timeout_s=5.0)


def ready(now: float = 0.0) -> Lifecycle:
    child = life()
    assert child.start(now) is Todo.LAUNCH
    child.launched(now, 4711)
    assert child.became_ready(now)
    return child


def test_a_start_waits_for_the_first_beat_and_then_for_each() -> None:
    child = life()
    assert child.start(100.0) is Todo.LAUNCH
    assert (child.state, child.deadline) == (State.STARTING, 100.0 + START_S)
    child.launched(100.5, 4711)
    child.beat(101.0)
    assert child.deadline == 104.0
    assert child.became_ready(102.0)
    assert not child.became_ready(102.5)
    assert (child.state, child.deadline) == (State.READY, 105.0)


def test_silence_kills_and_is_told_as_the_cause() -> None:
    child = ready()
    assert child.expired(3.0) is Todo.KILL
    assert child.killed_for == "no sign of life for 3 s"
    child.beat(3.1)
    assert child.deadline is None, "a beat that comes too late must not arm the next kill"
    assert child.exited(3.2, -9) is Todo.LAUNCH
    assert child.reason == "no sign of life for 3 s"
    assert child.killed_for == ""


def test_a_start_without_a_sign_of_life_is_killed_too() -> None:
    child = life()
    child.start(0.0)
    assert child.expired(START_S) is Todo.KILL
    assert child.killed_for == "no sign of life for 10 s"


def test_killed_by_command_it_starts_again_at_once_and_no_death_is_counted() -> None:
    child = ready()
    for turn in range(30):
        assert child.kill(turn, "it does not listen") is Todo.KILL
        assert child.killed_for == "it does not listen"
        child.beat(turn + 0.1)
        assert child.expired(turn + 5.0) is Todo.KILL, "a process that is still there after that is killed again"
        assert child.exited(turn + 5.1, -9) is Todo.LAUNCH
        child.launched(turn + 5.1, 4711)
        assert child.became_ready(turn + 5.2)
    assert child.exited(40.0, 1) is Todo.LAUNCH, "the first death of its own has the first pause"
    assert (child.starts, child.asked) == (32, 1), "nobody wanted any but the first"


def test_a_kill_does_not_bring_back_what_was_to_stop() -> None:
    child = ready()
    child.halt(1.0, State.STOPPED, "stopped by command")
    assert child.kill(1.1, "it does not listen") is Todo.KILL
    assert child.exited(1.2, -9) is Todo.NOTHING
    assert child.state is State.STOPPED
    assert child.kill(2.0, "it does not listen") is Todo.NOTHING


def test_deaths_pause_and_start_again() -> None:
    child = ready()
    assert child.exited(1.0, 1) is Todo.LAUNCH
    assert child.exited(2.0, 1) is Todo.NOTHING
    assert (child.state, child.deadline, child.reason) == (State.BACKOFF, 2.25, "exit code 1")
    assert child.expired(2.25) is Todo.LAUNCH
    assert (child.starts, child.asked) == (3, 1)


def test_over_budget_escalates() -> None:
    child = life(budget=1)
    child.start(0.0)
    assert child.exited(0.1, 3) is Todo.LAUNCH
    assert child.exited(0.2, 3) is Todo.ESCALATE
    assert child.state is State.STOPPED


def test_wrong_settings_park_until_asked() -> None:
    child = ready()
    assert child.exited(1.0, 78) is Todo.NOTHING
    assert child.state is State.PARKED
    assert child.start(2.0) is Todo.LAUNCH
    assert (child.starts, child.asked) == (2, 2)


def test_parked_for_what_is_missing_it_is_tried_again_with_its_reason_and_no_death_is_counted() -> None:
    child = life(budget=2)
    child.start(0.0)
    for number in range(5):
        assert child.exited(number * 30.0, 75, "the folder is full") is Todo.NOTHING
        assert (child.state, child.deadline) == (State.PARKED, (number + 1) * 30.0)
        assert child.expired((number + 1) * 30.0) is Todo.LAUNCH
        assert child.reason == "the folder is full; tried again every 30 s"
    assert (child.starts, child.asked) == (6, 1)
    assert [child.exited(150.1, 1), child.exited(150.2, 1), child.exited(150.3, 1)] == [
        Todo.LAUNCH,
        Todo.NOTHING,
        Todo.ESCALATE,
    ]


def test_parked_for_what_is_missing_and_stopped_by_command_it_stays_away() -> None:
    child = life()
    child.start(0.0)
    child.exited(0.1, 75)
    child.halt(1.0, State.STOPPED, "by command")
    assert (child.state, child.deadline) == (State.STOPPED, None)


def test_what_could_not_even_be_launched_was_no_start() -> None:
    child = life()
    assert child.start(0.0) is Todo.LAUNCH
    child.park("no place to listen")
    assert (child.state, child.starts, child.asked) == (State.PARKED, 0, 0)
    assert child.start(2.0) is Todo.LAUNCH
    child.launched(2.0, 4711)
    assert (child.starts, child.asked) == (1, 1)


def test_stopping_ends_in_order_or_by_force() -> None:
    child = ready()
    assert child.halt(1.0, State.STOPPED, "by command") is Todo.TERMINATE
    assert (child.state, child.deadline) == (State.STOPPING, 6.0)
    assert child.halt(1.5, State.STOPPED, "again") is Todo.NOTHING
    assert child.expired(6.0) is Todo.KILL
    assert child.killed_for == "did not end within 5 s"
    assert child.exited(6.1, -9) is Todo.NOTHING
    assert (child.state, child.reason) == (State.STOPPED, "again")


def test_a_restart_is_no_death() -> None:
    child = life(budget=1)
    child.start(0.0)
    child.launched(0.0, 1)
    for second in range(1, 20):
        assert child.restart(float(second)) is Todo.TERMINATE
        assert child.exited(second + 0.1, 0) is Todo.LAUNCH
        child.launched(second + 0.2, 1)
    assert (child.starts, child.asked) == (20, 20)
    assert child.exited(20.0, 1) is Todo.LAUNCH
    assert (child.starts, child.asked) == (21, 20), "a death is no wish of anybody"


def test_a_restart_that_has_to_be_forced_is_asked_for_all_the_same() -> None:
    child = ready()
    child.restart(1.0)
    assert child.expired(6.0) is Todo.KILL
    assert child.exited(6.1, -9) is Todo.LAUNCH
    assert (child.starts, child.asked) == (2, 2)


def test_stopped_before_its_process_is_known_it_is_ended_once_it_is() -> None:
    child = life()
    child.start(0.0)
    assert child.halt(0.1, State.DISABLED, "disabled in the settings") is Todo.NOTHING
    assert child.launched(0.2, 4711) is Todo.TERMINATE
    child.exited(0.3, -15)
    assert child.state is State.DISABLED


def test_wanted_again_while_stopping() -> None:
    child = ready()
    child.halt(1.0, State.STOPPED, "by command")
    assert child.start(1.1) is Todo.NOTHING
    assert child.exited(1.2, 0) is Todo.LAUNCH


def test_stopped_while_pausing_it_stays_away() -> None:
    child = ready()
    child.exited(1.0, 1)
    child.exited(1.1, 1)
    assert child.halt(1.2, State.STOPPED, "by command") is Todo.NOTHING
    assert (child.state, child.deadline) == (State.STOPPED, None)


CODES = {"exit": 1, "wrong": 78, "lacks": 75}
HAPPENINGS = st.lists(
    st.sampled_from(
        ["start", "restart", "stop", "disable", "launched", "beat", "ready", "exit", "wrong", "lacks", "expire"]
    ),
    max_size=60,
)


@given(HAPPENINGS, st.integers(1, 5))
def test_whatever_happens_there_is_one_process_at_most_and_never_a_wait_without_end(  # noqa: C901  # one branch each
    happenings: list[str], budget: int
) -> None:
    child = life(budget)
    asked, exists = False, False  # a process was ordered; it exists
    for number, what in enumerate(happenings):
        now, todo = number * 0.5, Todo.NOTHING
        if what == "start":
            todo = child.start(now)
        elif what == "restart":
            todo = child.restart(now)
        elif what in {"stop", "disable"}:
            todo = child.halt(now, State.STOPPED if what == "stop" else State.DISABLED, what)
        elif what == "launched" and asked and not exists:
            exists, todo = True, child.launched(now, 4711)
        elif what == "beat" and exists:
            child.beat(now)
        elif what == "ready" and exists:
            child.became_ready(now)
        elif what in CODES and asked:
            asked = exists = False
            todo = child.exited(now, CODES[what])
        elif what == "expire" and child.deadline is not None:
            todo = child.expired(now)
        if todo is Todo.LAUNCH:
            assert not asked, "a second process beside the first"
            asked = True
        if todo is Todo.TERMINATE:
            assert exists
        assert asked == (child.state in ALIVE)
        assert bool(child.pid) == exists
        assert child.asked <= child.starts
        assert not child.starts or child.asked, "the first is always asked for"
        if child.state in ALIVE | {State.BACKOFF} and todo is not Todo.KILL:
            assert child.deadline is not None or child.killed_for, "nothing would ever happen to it"
