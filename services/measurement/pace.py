"""When the next reading is due: absolute deadlines, so that no delay adds up; missed ones are skipped."""

import asyncio
from typing import Protocol

from shared.clock import now_ns


class Clock(Protocol):
    """The time of a source; tests bring their own."""

    def now_ns(self) -> int:
        """CLOCK_BOOTTIME, ns."""
        ...

    async def sleep_until(self, t_ns: int) -> None:
        """Return once `t_ns` has come."""
        ...


class BootClock:
    """The real one."""

    def now_ns(self) -> int:
        """CLOCK_BOOTTIME, ns."""
        return now_ns()

    async def sleep_until(self, t_ns: int) -> None:
        """Return once `t_ns` has come; the loop's own clock may wake up early by its resolution.

        Also who is late lets the loop do what else waits: one who is late always must not hold up all others.
        """
        await asyncio.sleep(0)
        while (left := t_ns - now_ns()) > 0:  # noqa: ASYNC110  # the loop's clock is another one
            await asyncio.sleep(left / 1e9)


class Pace:
    """Cycles of one period, counted from the moment of construction.

    Args:
        clock: time.
        period_ns: length of a cycle.
        ahead_ns: how long before a cycle begins `cycle` returns, for those who have something to make ready.
    """

    __slots__ = ("_ahead_ns", "_clock", "_cycle", "_period_ns", "_start_ns")

    def __init__(self, clock: Clock, period_ns: int, ahead_ns: int = 0) -> None:
        self._clock = clock
        self._period_ns = period_ns
        self._ahead_ns = ahead_ns
        self._start_ns = clock.now_ns()
        self._cycle = -1

    async def cycle(self) -> int:
        """Wait for the next cycle and return its number. One that is already running is taken at once."""
        self._cycle = max(self._cycle + 1, self._running())
        await self._clock.sleep_until(self._begin_ns() - self._ahead_ns)
        return self._cycle

    async def begin(self) -> int:
        """Wait until the cycle that `cycle` gave has begun; the one that runs then, a later one after a hold-up."""
        await self._clock.sleep_until(self._begin_ns())
        self._cycle = self._running()
        return self._cycle

    def _running(self) -> int:
        return (self._clock.now_ns() - self._start_ns) // self._period_ns

    def _begin_ns(self) -> int:
        return self._start_ns + self._cycle * self._period_ns
