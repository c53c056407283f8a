"""How one receiver stands: its state with the reason, failures in a row with the pauses after them, and what is logged.

A receiver that comes and goes changes its state several times a second. Each kind of line is written once a minute,
with how many of it were left out.
"""

import random
from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from services.master_pusher.sender import BusyError
from shared import clock
from shared.errors import UntrustedError

LINE_EVERY_NS: Final = 60_000_000_000
FIRST_PAUSE_S: Final = 0.25
LONGEST_PAUSE_S: Final = 10.0


def pause_s(streak: int, chance: float) -> float:
    """How long to wait after so many failures in a row.

    The first one may be a connection that ended long ago: no pause. `chance`, 0 to 1, spreads the others.
    """
    if streak <= 1:
        return 0.0
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(streak - 2, 16)) * (0.5 + chance / 2)


class Standing:
    """See module.

    Args:
        state: at the beginning.
        log: for changes.
        changed: called when state or reason change.
        now_ns: CLOCK_BOOTTIME.

    Attributes:
        state, reason: as in `bus.messages.Push`.
        failures: since the start.
        streak: failures since the last success.
    """

    def __init__(
        self,
        state: str,
        log: FilteringBoundLogger,
        changed: Callable[[], None],
        now_ns: Callable[[], int] = clock.now_ns,
    ) -> None:
        self.state = state
        self.reason = ""
        self.failures = self.streak = 0
        self._log = log
        self._changed = changed
        self._now = now_ns
        self._lines: dict[tuple[str, int], tuple[int, int]] = {}

    def connecting(self) -> None:
        """A connection is opened; news only where nothing was confirmed so far."""
        if not self.streak and self.state not in ("ok", "partly"):
            self.become("connecting", "")

    def failed(self, error: Exception) -> float:
        """One failure more; returns for how many seconds the receiver is left alone."""
        self.failures += 1
        self.streak += 1
        self.become("untrusted" if isinstance(error, UntrustedError) else "failing", str(error))
        pause = pause_s(self.streak, random.random())  # noqa: S311  # spreads attempts
        return max(pause, error.pause_s) if isinstance(error, BusyError) else pause

    def become(self, state: str, reason: str) -> None:
        """Take over a state."""
        if (state, reason) == (self.state, self.reason):
            return
        self._changed()
        worth = state != self.state and not (state == "connecting" or (state == "ok" and not self.failures))
        self.state, self.reason = state, reason
        if worth or (state == "failing" and self.streak.bit_count() == 1):  # the 1st, 2nd, 4th, 8th ...
            self._tell()

    def _tell(self) -> None:
        now, kind = self._now(), (self.state, self.streak.bit_length())
        told_ns, left_out = self._lines.get(kind, (0, 0))
        if told_ns and now - told_ns < LINE_EVERY_NS:
            self._lines[kind] = told_ns, left_out + 1
            return
        self._lines[kind] = now, 0
        more = {"untold": left_out} if left_out else {}
        log = self._log.info if self.state == "ok" else self._log.warning
        log(f"push: {self.state}", reason=self.reason, streak=self.streak, **more)
