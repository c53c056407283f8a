"""Has the disk take what stands in an audit log, now and then: for who must not wait for it, nor end because of it."""

import asyncio
from collections.abc import Callable
from typing import Final

from shared import clock
from shared.audit.log import AuditLog
from shared.rarely import Rarely

UNSAFE: Final = "the audit log is not on the disk yet; it is tried again"
LEFT: Final = "the audit log is not on the disk at the end; a power failure now would take its last lines"


class Keep:
    """Of one log.

    Args:
        log: that somebody writes.
        error: of a log; told ever more rarely that the disk refuses.

    Attributes:
        touched: whether there are lines that a power failure would take.
    """

    __slots__ = ("_error", "_log", "_rarely", "touched")

    def __init__(self, log: AuditLog, error: Callable[..., object]) -> None:
        self._log = log
        self._error = error
        self._rarely = Rarely()
        self.touched = False

    async def sync(self) -> None:
        """Once there is something, until the disk has taken it; the loop is not held up meanwhile."""
        if not self.touched:
            return
        self.touched = False
        try:
            await asyncio.to_thread(self._log.sync)
        except OSError as error:
            self.touched = True
            if times := self._rarely.times("sync", clock.now_ns()):
                self._error(UNSAFE, reason=error.strerror or str(error), times=times)

    def close(self) -> None:
        """Close the log. Blocks."""
        try:
            self._log.close()
        except OSError as error:
            self._error(LEFT, reason=error.strerror or str(error))
