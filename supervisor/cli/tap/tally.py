"""What was seen in all: messages, bytes, rates and losses by topic. Bounded, however many topics somebody invents."""

from collections.abc import Iterator
from typing import Final

from shared.errors import BusError
from shared.tap.recording import Entry
from shared.tap.view import decode, plain

MOST_TOPICS: Final = 1000
OTHERS: Final = ("others", b"...")


class Count:
    """One topic of one instance.

    Attributes:
        messages, size: seen, and their bytes.
        lost: missing sequence numbers: the tap was slower than the writer.
        version: generation and sequence number of the last one.
    """

    __slots__ = ("lost", "messages", "size", "version")

    def __init__(self) -> None:
        self.messages = 0
        self.size = 0
        self.lost = 0
        self.version = (0, 0)


class Tally:
    """Counts by instance and topic.

    Attributes:
        messages: in all.
    """

    __slots__ = ("_counts", "messages")

    def __init__(self) -> None:
        self.messages = 0
        self._counts: dict[tuple[str, bytes], Count] = {}

    def add(self, instance: str, entry: Entry) -> None:
        """Count one message of that instance."""
        key = (instance, entry.topic)
        if key not in self._counts and len(self._counts) >= MOST_TOPICS:
            key = OTHERS
        count = self._counts.setdefault(key, Count())
        self.messages += 1
        count.messages += 1
        count.size += len(entry.topic) + len(entry.payload)
        try:
            message = decode(entry.payload)
        except BusError:
            return
        match message:
            case {"gen": int(generation), "seq": int(number)} if key != OTHERS:
                if generation == count.version[0]:
                    count.lost += max(0, number - count.version[1] - 1)
                count.version = (generation, number)

    def lines(self, seconds: float) -> Iterator[str]:
        """A table for people, busiest first."""
        yield f"{self.messages} messages in {seconds:.1f} s"
        for (instance, topic), count in sorted(self._counts.items(), key=lambda item: -item[1].messages):
            name = plain(topic.decode("utf-8", "backslashreplace"), 64)
            rate = count.messages / seconds if seconds > 0 else 0.0
            lost = f", {count.lost} lost" if count.lost else ""
            yield f"  {instance:<24} {name:<24} {count.messages:>8} {rate:>8.1f}/s {count.size:>10} bytes{lost}"
