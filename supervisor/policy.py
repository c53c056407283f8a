"""What follows a death: start again after a pause, park, or give up. Pure: a function of the deaths and the limits.

- Exit 78 means that the settings are wrong for this role: starting again cannot help, so it is parked.
- Exit 75 means that something is missing that may come by itself, such as its folder: it is parked, and tried again.
- More deaths within a minute than the budget allows: the role is parked, or the supervisor escalates, by role.
- Otherwise it starts again, at once at first and then after a growing pause. A life that settled down begins anew.
"""

import signal
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from shared.errors import EXIT_CONFIG, EXIT_UNAVAILABLE
from supervisor.spec import OverBudget

PAUSES_S: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
WINDOW_S: Final = 60.0
SETTLED_S: Final = 10.0
AGAIN_S: Final = 30.0


class Death(Struct, frozen=True):
    """One end of a process that nobody asked for.

    Attributes:
        at: monotonic time, seconds.
        code: exit code, or the negative signal number.
        ready_s: how long the role had been ready; 0 where it never was.
        cause: in words where more is known than the code says, e.g. that it was killed for its silence.
    """

    at: float
    code: int
    ready_s: float = 0.0
    cause: str = ""

    def __str__(self) -> str:
        return self.cause or how_it_ended(self.code)


class Limits(Struct, frozen=True):
    """How much is forgiven.

    Attributes:
        deaths_per_minute: one more within a minute is over budget.
        over_budget: what happens then.
    """

    deaths_per_minute: int
    over_budget: OverBudget

    @property
    def settled_s(self) -> float:
        """A life ready for so long begins anew. Who forgives more deaths a minute than usual means shorter lives."""
        return min(SETTLED_S, 100.0 / self.deaths_per_minute)


class Restart(Struct, frozen=True):
    """Start it again after `pause_s`."""

    pause_s: float


class Park(Struct, frozen=True):
    """Leave it alone until a command or a change of the settings; where `again_s` is given, no longer than that."""

    reason: str
    again_s: float | None = None


class Escalate(Struct, frozen=True):
    """End the supervisor: what stands above it may know better."""

    reason: str


Decision = Restart | Park | Escalate


def decide(deaths: Sequence[Death], limits: Limits) -> Decision:
    """What follows the last of these deaths.

    Args:
        deaths: of this role since its last start by command, oldest first, at least one.
        limits: of this role.
    """
    last = deaths[-1]
    if last.code == EXIT_CONFIG:
        why = last.cause or "the role refused them, see its log"
        return Park(f"settings: {why}; once mended, it starts by itself, or by `metergate start`")
    if last.code == EXIT_UNAVAILABLE:
        lacks = last.cause or "something is missing, see its log"
        again = f"tried again every {AGAIN_S:g} s"
        return Park(f"{lacks}; {again}", AGAIN_S)
    recent = sum(death.at > last.at - WINDOW_S for death in deaths)
    if recent > limits.deaths_per_minute:
        reason = f"{recent} deaths within a minute, the last: {last}"
        return Escalate(reason) if limits.over_budget == "escalate" else Park(reason)
    unsettled = 0
    for death in reversed(deaths):
        if death.ready_s >= limits.settled_s:
            break
        unsettled += 1
    first = unsettled == len(deaths)  # the first death of all gets the first pause, as does one after a settled life
    step = unsettled - 1 if first else unsettled
    return Restart(PAUSES_S[min(step, len(PAUSES_S) - 1)])


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code} ({signal.Signals(-code).name})"
    except ValueError:
        return f"signal {-code}"
