"""What would be said at every turn is said at the 1st, 2nd, 4th, 8th ... time, and anew after a while of quiet."""

from collections.abc import Hashable
from typing import Final

QUIET_NS: Final = 3600 * 1_000_000_000


class Rarely:
    """Counts each kind of thing by itself; the kinds are few."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Hashable, tuple[int, int]] = {}

    def times(self, kind: Hashable, now_ns: int) -> int:
        """How often it has happened since it was quiet for an hour, with this time; 0 where it is not to be said."""
        times, last_ns = self._seen.get(kind, (0, now_ns))
        times = times + 1 if now_ns - last_ns < QUIET_NS else 1
        self._seen[kind] = (times, now_ns)
        return times if times.bit_count() == 1 else 0
