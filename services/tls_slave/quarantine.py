"""Where peers wait that nobody has accepted yet: few, for a short time, told exception 01 to every request.

They may stay so that the owner finds them in the list, and so that a client which is refused does not come back in a
storm of handshakes. Once accepted they are served on the same connection.
"""

from collections import Counter
from typing import Final, Generic, TypeVar

K = TypeVar("K")

MOST: Final = 8
MOST_PER_ADDRESS: Final = 2
STAY_NS: Final = 30_000_000_000


class Quarantine(Generic[K]):
    """Bounded. Pure: the clock comes in."""

    __slots__ = ("_addresses", "_since")

    def __init__(self) -> None:
        self._since: dict[K, tuple[int, str]] = {}
        self._addresses: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._since)

    def __contains__(self, who: object) -> bool:
        """Whether this one waits."""
        return who in self._since

    def room(self, address: str) -> bool:
        """Whether one more from that address may wait."""
        return len(self._since) < MOST and self._addresses[address] < MOST_PER_ADDRESS

    def enter(self, who: K, address: str, now: int) -> None:
        """It waits from now on."""
        self.leave(who)
        self._since[who] = (now, address)
        self._addresses[address] += 1

    def leave(self, who: K) -> None:
        """It waits no longer, if it did."""
        entry = self._since.pop(who, None)
        if entry is not None:
            self._addresses[entry[1]] -= 1
            if not self._addresses[entry[1]]:
                del self._addresses[entry[1]]

    def overdue(self, now: int) -> list[K]:
        """Who has waited long enough."""
        return [who for who, (since, _) in self._since.items() if now - since >= STAY_NS]

    def waiting(self) -> list[K]:
        """All, the first one first."""
        return list(self._since)
