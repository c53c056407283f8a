"""Who gets a place at the web server, and who has to leave for him. Pure.

A stranger can hold places for nothing: handshakes that never end, requests that trickle. So a newcomer never waits for
them: where there is no room the one goes who came without a key, does nothing, and has been there longest. Nobody who
came with a session or an API token is cut off within an answer. And a share of all places is kept for origins that came
with one before, and for this machine: however many strangers come from however many addresses, the owner gets in.
"""

import itertools
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

HERE: Final = frozenset({"127.0.0.1", "::/64"})
"""Origins of this machine."""
MOST_KNOWN: Final = 256


def _idle() -> bool:
    return False


def _nothing() -> None:
    return None


class Seat:
    """The place of one connection.

    Args:
        origin: of the other side, see `shared.tls.limits.origin_of`.
        number: the larger, the later it came.

    Attributes:
        origin: as given.
        number: as given.
        keyed: whether it came with a session or an API token.
        close: cuts it off.
        busy: whether it is within a request or an answer.
    """

    __slots__ = ("busy", "close", "keyed", "number", "origin")

    def __init__(self, origin: str, number: int) -> None:
        self.origin = origin
        self.number = number
        self.keyed = False
        self.close: Callable[[], object] = _nothing
        self.busy: Callable[[], bool] = _idle


class Room:
    """All places.

    Args:
        most: in all.
        most_per_origin: of one origin.
        reserve: of all, for known origins alone.
    """

    def __init__(self, most: int, most_per_origin: int, reserve: int) -> None:
        self._most = most
        self._most_per_origin = most_per_origin
        self._strangers = most - reserve
        self._numbers = itertools.count()
        self._seats: dict[Seat, None] = {}
        self._known: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._seats)

    def enter(self, origin: str) -> Seat | None:
        """A place, for which somebody else may have been cut off; None where there is none."""
        same = [each for each in self._seats if each.origin == origin]
        if len(same) >= self._most_per_origin and not self._make_room(same, origin):
            return None
        strangers = [each for each in self._seats if not self._knows(each.origin)]
        if not self._knows(origin) and len(strangers) >= self._strangers and not self._make_room(strangers, origin):
            return None
        if len(self._seats) >= self._most and not self._make_room(list(self._seats), origin):
            return None
        seat = Seat(origin, next(self._numbers))
        self._seats[seat] = None
        return seat

    def leave(self, seat: Seat) -> None:
        """It has ended; also if it has left already."""
        self._seats.pop(seat, None)

    def welcome(self, seat: Seat) -> None:
        """It came with a session or an API token."""
        seat.keyed = True
        self._known.pop(seat.origin, None)
        self._known[seat.origin] = None
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]

    def _knows(self, origin: str) -> bool:
        return origin in HERE or origin in self._known

    def _make_room(self, among: list[Seat], newcomer: str) -> bool:
        """Cut off the one who loses least by it; whether there was one."""
        known = self._knows(newcomer)
        movable = [
            each for each in among if not (each.keyed and each.busy()) and (known or not self._knows(each.origin))
        ]
        if not movable:
            return False
        gone = min(movable, key=lambda each: (self._knows(each.origin), each.keyed, each.busy(), each.number))
        self.leave(gone)
        gone.close()
        return True
