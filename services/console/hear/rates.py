"""Counters as rates: requests per second of a client, processor time of a process. Pure; nothing grows for ever."""

from collections.abc import Hashable, Iterable
from typing import Final, NamedTuple

SPAN_NS: Final = 5_000_000_000
"""A rate is of the last five to ten seconds: one of a single second would jump with each message."""


class _Seen(NamedTuple):
    """A counter at two moments; a rate is of what lies between the older one and now."""

    old_ns: int
    old: int
    mid_ns: int
    mid: int
    new_ns: int
    new: int


class Rates:
    """Rates by key."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[Hashable, _Seen] = {}

    def take(self, key: Hashable, count: int, t_ns: int) -> None:
        """The counter's value at a time. One that went backwards begins anew."""
        seen = self._seen.get(key)
        if seen is None or count < seen.new:
            self._seen[key] = _Seen(t_ns, count, t_ns, count, t_ns, count)
        elif t_ns - seen.mid_ns >= SPAN_NS:
            self._seen[key] = _Seen(seen.mid_ns, seen.mid, t_ns, count, t_ns, count)
        elif t_ns > seen.new_ns:
            self._seen[key] = seen._replace(new_ns=t_ns, new=count)

    def per_second(self, key: Hashable) -> float | None:
        """How fast it rose lately; None before it was seen twice."""
        seen = self._seen.get(key)
        if seen is None or seen.new_ns == seen.old_ns:
            return None
        return (seen.new - seen.old) * 1e9 / (seen.new_ns - seen.old_ns)

    def keep(self, keys: Iterable[Hashable]) -> None:
        """Forget all others."""
        for key in self._seen.keys() - set(keys):
            del self._seen[key]
