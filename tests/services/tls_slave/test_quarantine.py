from hypothesis import given
from hypothesis import strategies as st

from services.tls_slave.quarantine import MOST, MOST_PER_ADDRESS, STAY_NS, Quarantine


def test_few_wait_and_fewer_from_one_address() -> None:
    quarantine: Quarantine[int] = Quarantine()
    for number in range(MOST_PER_ADDRESS):
        assert quarantine.room("a")
        quarantine.enter(number, "a", 0)
    assert not quarantine.room("a")
    for number in range(MOST_PER_ADDRESS, MOST):
        address = f"b{number}"
        assert quarantine.room(address)
        quarantine.enter(number, address, 0)
    assert not quarantine.room("c")
    quarantine.leave(0)
    assert quarantine.room("a")
    assert quarantine.waiting() == list(range(1, MOST))


def test_nobody_waits_longer_than_the_stay() -> None:
    quarantine: Quarantine[str] = Quarantine()
    quarantine.enter("first", "a", 100)
    quarantine.enter("second", "a", 200)
    assert quarantine.overdue(100 + STAY_NS - 1) == []
    assert quarantine.overdue(100 + STAY_NS) == ["first"]
    assert quarantine.overdue(200 + STAY_NS) == ["first", "second"]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12), st.sampled_from("abc"))))
def test_room_is_counted_right_whatever_comes_and_goes(steps: list[tuple[bool, int, str]]) -> None:
    quarantine: Quarantine[int] = Quarantine()
    model: dict[int, str] = {}
    for enters, who, address in steps:
        if enters and quarantine.room(address):
            quarantine.enter(who, address, 0)
            model[who] = address
        elif not enters:
            quarantine.leave(who)
            model.pop(who, None)
        assert len(quarantine) == len(model) <= MOST
        for each in "abc":
            here = sum(1 for where in model.values() if where == each)
            assert quarantine.room(each) == (len(model) < MOST and here < MOST_PER_ADDRESS)
            assert all((one in quarantine) == (one in model) for one in range(13))
