"""What waits for a role, counted where it reads: it shows who cannot keep up, and what was lost by that.

ZeroMQ does not tell how much lies in its queues. But who reads until nothing is left knows how much there was: each
message of one topic that it finds behind another of the same topic is one cycle in which it was not there.
"""

from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

WINDOW_S: Final = 30.0
"""So long a peak is told: beats may get lost, and who watches looks every 15 s or more seldom."""


class Peak:
    """The most of the last `WINDOW_S`. Pure: the clock comes in."""

    __slots__ = ("_told", "most")

    def __init__(self) -> None:
        self.most = 0
        self._told: deque[tuple[float, int]] = deque()

    def told(self, now_s: float) -> int:
        """The most of the window; counting begins anew."""
        told, most = self._told, self.most
        self.most = 0
        while told and told[0][0] < now_s - WINDOW_S:
            told.popleft()
        while told and told[-1][1] <= most:  # older and not larger: it can never be the most again
            told.pop()
        if most:
            told.append((now_s, most))
        return told[0][1] if told else 0


class Load:
    """Of one instance.

    Attributes:
        queue: messages of one topic that it found behind the first of them.
        pending: what is under way: commands that it took and did not answer yet, commands of its own that wait for
            their answer; and what is due.
        missed: messages that never reached it, by the gaps in the numbers of their topics; since the start.
        due: how much else of its work is due and not done, by its role; asked at each beat.
    """

    __slots__ = ("_under_way", "due", "missed", "pending", "queue")

    def __init__(self) -> None:
        self.queue = Peak()
        self.pending = Peak()
        self.missed = 0
        self.due: Callable[[], int] = int
        self._under_way = 0

    def waited(self, count: int) -> None:
        """So many messages of a topic lay behind the first one."""
        self.queue.most = max(self.queue.most, count)

    def begun(self) -> None:
        """One command more is under way."""
        self._under_way += 1
        self.pending.most = max(self.pending.most, self._under_way)

    def ended(self) -> None:
        """One less."""
        self._under_way -= 1

    def told(self, now_s: float) -> dict[str, int]:
        """As it goes into a beat."""
        self.pending.most = max(self.pending.most, self._under_way + self.due())
        return {"queue": self.queue.told(now_s), "pending": self.pending.told(now_s), "missed": self.missed}


class Row:
    """The messages of one subscription that are read one after the other until none is left.

    Args:
        load: of the instance that reads.
    """

    __slots__ = ("_at", "_found", "_load")

    def __init__(self, load: Load) -> None:
        self._load = load
        self._at: dict[bytes, tuple[int, int]] = {}
        self._found: dict[bytes, int] = {}

    def read(self, name: bytes, generation: int, seq: int, overtaken: int) -> None:
        """One message more.

        Args:
            name: its topic.
            generation: of its writer.
            seq: its number.
            overtaken: frames of that topic that were read with it and skipped, being older.
        """
        before, last = self._at.get(name, (generation, seq - 1))
        self._at[name] = (generation, seq)
        gap = max(0, seq - last - 1) if generation == before else 0  # a new start begins to count anew
        behind = self._found.get(name, -1) + 1 + min(gap, overtaken)
        self._found[name] = behind
        self._load.waited(behind)
        self._load.missed += max(0, gap - overtaken)

    def end(self) -> None:
        """Nothing is left."""
        self._found.clear()

    def forget(self) -> None:
        """Topics that nobody speaks of any more."""
        self._at.clear()
