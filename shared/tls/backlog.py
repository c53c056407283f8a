"""What was written and the socket has not taken yet: in order, counted; when its writer pauses and when it goes on."""

import asyncio
from collections import deque
from typing import Final

_HIGH: Final = 65536


class Backlog(deque[bytes]):
    """Oldest first. True while something waits.

    Attributes:
        size: bytes.
        high: above it the writer is told to pause.
        low: down to it the writer is told to go on.
    """

    __slots__ = ("_told_to_pause", "high", "low", "size")

    def __init__(self) -> None:
        super().__init__()
        self.size = 0
        self.high, self.low = _HIGH, _HIGH // 4
        self._told_to_pause = False

    def limit(self, high: int | None, low: int | None) -> None:
        """Set limits as `asyncio.WriteTransport.set_write_buffer_limits` has them.

        Raises:
            ValueError: they are not in order.
        """
        self.high = _HIGH if high is None and low is None else 4 * (low or 0) if high is None else high
        self.low = self.high // 4 if low is None else low
        if not 0 <= self.low <= self.high:
            raise ValueError(f"limits {self.low} and {self.high} are not in order")

    def keep(self, data: bytes) -> None:
        """Put it last."""
        self.append(data)
        self.size += len(data)

    def taken(self, count: int) -> None:
        """The socket took so many bytes of the oldest."""
        head = self[0]
        self.size -= count
        if count < len(head):
            self[0] = head[count:]
        else:
            self.popleft()

    def drop(self) -> None:
        """Nothing waits any more."""
        self.clear()
        self.size = 0

    def tell(self, writer: asyncio.BaseProtocol) -> None:
        """Tell it when to stop and when to go on, once each."""
        if not self._told_to_pause and self.size > self.high:
            self._told_to_pause = True
            writer.pause_writing()
        elif self._told_to_pause and self.size <= self.low:
            self._told_to_pause = False
            writer.resume_writing()
