"""A clock that jumps to whatever is waited for."""

import asyncio


class FakeClock:
    """See module.

    Attributes:
        now: ns.
        late_ns: how much later than asked each sleep ends.
    """

    def __init__(self, now: int = 1_000_000_000) -> None:
        self.now = now
        self.late_ns = 0

    def now_ns(self) -> int:
        """The time."""
        return self.now

    async def sleep_until(self, t_ns: int) -> None:
        """Be there."""
        await asyncio.sleep(0)
        self.now = max(self.now, t_ns) + self.late_ns
