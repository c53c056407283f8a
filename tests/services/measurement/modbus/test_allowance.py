from services.measurement.modbus.allowance import MOST_LATE, Allowance
from shared.modbus.frame import MAX_FRAME


def test_nothing_is_due_before_something_was_asked() -> None:
    allowance = Allowance()
    assert allowance.covers(0)
    assert not allowance.covers(1)


def test_each_question_allows_the_longest_answer() -> None:
    allowance = Allowance()
    for _ in range(100):
        allowance.asked()
        assert allowance.covers(MAX_FRAME - 200)
        assert allowance.covers(200)
    assert not allowance.covers(1)


def test_short_answers_save_up_for_no_flood() -> None:
    allowance = Allowance()
    for _ in range(1000):
        allowance.asked()
    assert allowance.covers(MOST_LATE * MAX_FRAME)
    assert not allowance.covers(1)
