"""Who gets a place, who goes for him, and that the owner always gets in."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.console.room import Room, Seat

MOST, EACH, RESERVE = 12, 4, 3
HOME, ATTACKER = "192.0.2.1", "203.0.113.{}"


def enter(room: Room, origin: str, *, keyed: bool = False, busy: bool = False) -> tuple[Seat | None, list[str]]:
    """A newcomer, and a list that tells once it is cut off."""
    cut: list[str] = []
    seat = room.enter(origin)
    if seat is not None:
        seat.close = lambda: cut.append(origin)
        seat.busy = lambda: busy
        if keyed:
            room.welcome(seat)
    return seat, cut


def test_the_oldest_idle_stranger_goes_first() -> None:
    room = Room(MOST, EACH, RESERVE)
    first, second, third, fourth = (enter(room, HOME, busy=number == 0) for number in range(4))
    newcomer, _ = enter(room, HOME)
    assert newcomer is not None
    assert (first[1], second[1], third[1], fourth[1]) == ([], [HOME], [], [])
    assert len(room) == EACH


def test_who_came_with_a_key_and_is_busy_stays_whatever_comes() -> None:
    room = Room(MOST, EACH, RESERVE)
    streams = [enter(room, HOME, keyed=True, busy=True) for _ in range(EACH - 1)]
    for number in range(100):
        enter(room, HOME, busy=True)
        enter(room, ATTACKER.format(number), busy=True)
    assert not any(cut for _, cut in streams)
    page, _ = enter(room, HOME)
    assert page is not None, "and the owner gets another one beside the attacker at his own address"


def test_strangers_from_everywhere_leave_the_share_of_those_who_are_known() -> None:
    room = Room(MOST, EACH, RESERVE)
    seat, _ = enter(room, HOME, keyed=True)
    assert seat is not None
    room.leave(seat)
    strangers = [enter(room, ATTACKER.format(number), busy=True) for number in range(50)]
    assert len(room) == MOST - RESERVE
    assert sum(not cut for _, cut in strangers) == MOST - RESERVE, "they push out each other"
    for origin in (HOME, "127.0.0.1", "::/64"):
        assert enter(room, origin)[0] is not None
    assert len(room) == MOST
    assert enter(room, HOME)[0] is not None, "and beyond: a stranger goes"
    known = [seat for seat in room._seats if seat.origin in (HOME, "127.0.0.1", "::/64")]
    assert len(known) == 4
    enter(room, ATTACKER.format(99))
    assert all(seat in room._seats for seat in known), "no stranger pushes out who is known"


def test_where_nobody_can_go_nobody_comes() -> None:
    room = Room(4, 4, 0)
    for number in range(4):
        enter(room, ATTACKER.format(number), keyed=True, busy=True)
    assert enter(room, HOME)[0] is None
    assert enter(room, "127.0.0.1")[0] is None


class Machine(RuleBasedStateMachine):
    """Whatever happens, the bounds hold, and no one is cut off within an answer who has a key."""

    def __init__(self) -> None:
        super().__init__()
        self.room = Room(MOST, EACH, RESERVE)
        self.seats: list[tuple[Seat, list[str], bool]] = []

    @rule(origin=st.sampled_from([HOME, "127.0.0.1", *(ATTACKER.format(n) for n in range(6))]), keyed=st.booleans(),
          busy=st.booleans())  # fmt: skip
    def comes(self, origin: str, keyed: bool, busy: bool) -> None:  # of hypothesis
        seat, cut = enter(self.room, origin, keyed=keyed, busy=busy)
        if seat is not None:
            self.seats.append((seat, cut, keyed and busy))

    @rule(data=st.data())
    def goes(self, data: Any) -> None:
        if self.seats:
            seat, _, _ = self.seats.pop(data.draw(st.integers(0, len(self.seats) - 1)))
            self.room.leave(seat)
            self.room.leave(seat)

    @invariant()
    def bounds_hold(self) -> None:
        inside = list(self.room._seats)
        assert len(inside) <= MOST
        assert all(sum(each.origin == seat.origin for each in inside) <= EACH for seat in inside)
        for seat, cut, safe in self.seats:
            assert (seat in self.room._seats) is not bool(cut)
            assert not (safe and cut)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
