"""The ring of what was told lately: every reader has a place in it, none has a queue of its own.

So the memory is that of the ring, however many read and however slowly. Who fell out of it is told to begin anew.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from typing import Final, NamedTuple

from services.console.stream.response import COMMENT, DATA, END, QUIET_S, event

MOST_BYTES: Final = 1024 * 1024
MOST_ITEMS: Final = 4096
GATHER_S: Final = 0.02
"""What comes within so short a time wakes the readers once."""


Said = Callable[[str, bytes], bytes]


class Item(NamedTuple):
    """One event as it is sent; `meter` is empty where it concerns everybody."""

    number: int
    topic: str
    meter: str
    frame: bytes

    def told(self, said: Said) -> bytes:
        """The frame with what becomes of its JSON."""
        head, mark, data = self.frame.partition(DATA)
        return head + mark + said(self.topic, data.removesuffix(END)) + END


class Reader:
    """Somebody who follows.

    Args:
        topics: that he wants.
        meter: whose `live`.
        at: number of the last item that he has.

    Attributes:
        topics, meter: as given.
        at: as given, and rises.
        awake: set where there is more.
    """

    __slots__ = ("at", "awake", "meter", "topics")

    def __init__(self, topics: frozenset[str], meter: str, at: int) -> None:
        self.topics = topics
        self.meter = meter
        self.at = at
        self.awake = asyncio.Event()

    def wants(self, item: Item) -> bool:
        """Whether it is for him."""
        return item.topic in self.topics and item.meter in ("", self.meter)


class Hub:
    """All readers.

    Args:
        states: gives topic and JSON of each state as it is now, for a reader's topics and meter.
    """

    def __init__(self, states: Callable[[frozenset[str], str], Iterable[tuple[str, bytes]]]) -> None:
        self._states = states
        self._epoch = secrets.token_hex(4)
        self._ring: deque[Item] = deque()
        self._bytes = 0
        self._last = 0
        self._readers: set[Reader] = set()
        self._waking = False

    def __len__(self) -> int:
        return len(self._readers)

    def wanted(self, topic: str, meter: str = "") -> bool:
        """Whether anybody follows this."""
        return any(topic in each.topics and (not meter or each.meter == meter) for each in self._readers)

    def publish(self, topic: str, data: bytes, meter: str = "") -> None:
        """Tell everybody."""
        self._last += 1
        item = Item(self._last, topic, meter, event(topic, data, f"{self._epoch}-{self._last}"))
        self._ring.append(item)
        self._bytes += len(item.frame)
        while self._bytes > MOST_BYTES or len(self._ring) > MOST_ITEMS:
            self._bytes -= len(self._ring.popleft().frame)
        if not self._waking and self._readers:
            self._waking = True
            asyncio.get_running_loop().call_later(GATHER_S, self._wake)

    async def follow(
        self, topics: frozenset[str], meter: str, last_id: str, said: Said | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Events for one reader, from the states as they are, or from what he missed since `last_id`.

        Ends where he is too slow to be told everything.

        Args:
            topics: that he wants.
            meter: whose `live`.
            last_id: of the last event that he has; empty for none.
            said: makes of a topic's JSON what this reader is told; None: nothing else.
        """
        reader = Reader(topics, meter, self._last)
        known = self._place(last_id)
        first = b""
        if known is None:
            if last_id:
                first = event("reset", b"{}")
            first += b"".join(
                event(topic, said(topic, data) if said else data, f"{self._epoch}-{self._last}")
                for topic, data in self._states(topics, meter)
            )
        else:
            reader.at = known
        self._readers.add(reader)
        try:
            yield first or COMMENT
            while True:
                items = self._since(reader)
                if items is None:
                    return
                if items:
                    yield b"".join(item.frame if said is None else item.told(said) for item in items)
                    continue
                reader.awake.clear()
                try:
                    async with asyncio.timeout(QUIET_S):
                        await reader.awake.wait()
                except TimeoutError:
                    yield COMMENT
        finally:
            self._readers.discard(reader)

    def _since(self, reader: Reader) -> list[Item] | None:
        """What he has not got yet; None where some of it is gone."""
        count = self._last - reader.at
        if count > len(self._ring):
            return None
        reader.at = self._last
        newest = (self._ring[index] for index in range(len(self._ring) - count, len(self._ring)))
        return [item for item in newest if reader.wants(item)]

    def _place(self, last_id: str) -> int | None:
        """The number behind an id, where everything since is still there."""
        epoch, _, number = last_id.partition("-")
        if epoch != self._epoch or not (number.isascii() and number.isdigit()) or len(number) > 16:
            return None
        at = int(number)
        return at if self._last - len(self._ring) <= at <= self._last else None

    def _wake(self) -> None:
        self._waking = False
        for reader in self._readers:
            reader.awake.set()
