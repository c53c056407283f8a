"""The life of one child as a state machine without I/O: what happened and what time it is, in; what to do, out.

    disabled <- settings -> starting -> ready        starting, ready -- silence --> killed --> death
                               ^          |          starting, ready -- stop ----> stopping --> stopped
                            backoff <-- death --> parked, or the supervisor gives up

One deadline at a time is enough: the next beat is due, the pause is over, what a parked one lacked may be there, or
patience with stopping has ended.
"""

from collections import deque
from enum import Enum, StrEnum
from typing import Final

from supervisor.policy import Death, Escalate, Limits, Park, decide

START_S: Final = 10.0
"""A process that imported, took its lock and entered its loop beats for the first time; far less on any machine."""
LAUNCH_FAILED: Final = 127
"""Stands for the exit code where no process came to be; what a shell says for a command that cannot be run."""


class State(StrEnum):
    """As `metergate ps` shows it."""

    STARTING = "starting"
    READY = "ready"
    BACKOFF = "backoff"
    STOPPING = "stopping"
    STOPPED = "stopped"
    PARKED = "parked"
    DISABLED = "disabled"


class Todo(Enum):
    """What the owner of the state machine has to do now."""

    NOTHING = "nothing"
    LAUNCH = "launch"
    TERMINATE = "terminate"
    KILL = "kill"
    ESCALATE = "escalate"


RUNNING: Final = frozenset({State.STARTING, State.READY})
ALIVE: Final = frozenset({State.STARTING, State.READY, State.STOPPING})
"""States in which there is a process, or one is on its way."""


class Lifecycle:
    """State of one child.

    Args:
        limits: for the policy.
        beat_timeout_s: silence that is taken for death.
        stop_timeout_s: patience with stopping.

    Attributes:
        state: see `State`.
        reason: why it is not ready, in words.
        deadline: when `expired` is to be called, monotonic seconds; None for never.
        pid: 0 while there is no process, or it is not known yet.
        starts: how often a process was started.
        asked: of these, how often since a command or the settings wanted it; the others follow a death or a kill.
    """

    __slots__ = (
        "_after",
        "_asked",
        "_beat_timeout_s",
        "_cause",
        "_deaths",
        "_limits",
        "_patience_s",
        "_ready_at",
        "_stop_timeout_s",
        "asked",
        "deadline",
        "pid",
        "reason",
        "starts",
        "state",
    )

    def __init__(self, limits: Limits, beat_timeout_s: float, stop_timeout_s: float) -> None:
        self._limits = limits
        self._beat_timeout_s = beat_timeout_s
        self._stop_timeout_s = stop_timeout_s
        self._deaths: deque[Death] = deque(maxlen=limits.deaths_per_minute + 8)
        self._after = State.STOPPED  # what follows stopping; STARTING for a restart
        self._asked = False  # whether somebody wants the next start
        self._cause = ""
        self._patience_s = START_S
        self._ready_at: float | None = None
        self.state = State.STOPPED
        self.reason = ""
        self.deadline: float | None = None
        self.pid = 0
        self.starts = 0
        self.asked = 0

    def start(self, now: float) -> Todo:
        """Asked for by command or settings: past deaths are forgiven."""
        self._deaths.clear()
        self._asked = True
        if self.state in RUNNING:
            return Todo.NOTHING
        if self.state is State.STOPPING:
            self._after = State.STARTING
            return Todo.NOTHING
        return self._begin(now)

    def restart(self, now: float) -> Todo:
        """Asked for: end the process in order, if there is one, and start it again."""
        self._deaths.clear()
        self._asked = True
        return self._end(now, State.STARTING, "restart was asked for") if self.state in ALIVE else self._begin(now)

    def halt(self, now: float, after: State, reason: str) -> Todo:
        """Asked for: end the process in order and be `after` (stopped, parked or disabled), for this reason."""
        if self.state in ALIVE:
            return self._end(now, after, reason)
        self._rest(after, reason)
        return Todo.NOTHING

    def kill(self, now: float, cause: str) -> Todo:
        """Asked for: end the process this instant and start it again at once, unless it was to stop anyway.

        No death of its own: the budget and the pauses of the policy stay as they are.
        """
        if not self.pid:
            return Todo.NOTHING
        if self.state in RUNNING:
            self._after = State.STARTING
            self._asked = False
            self.state = State.STOPPING
        self.reason = self._cause = cause
        self.deadline = now + self._stop_timeout_s
        return Todo.KILL

    def park(self, reason: str) -> None:
        """It could not even be launched, which was no start."""
        self.starts -= 1
        self.asked -= self._asked
        self._rest(State.PARKED, reason)

    def launched(self, now: float, pid: int) -> Todo:
        """The process exists. One that is not wanted any more is ended at once."""
        self.pid = pid
        if self.state is State.STOPPING:
            self.deadline = now + self._stop_timeout_s
            return Todo.TERMINATE
        return Todo.NOTHING

    def beat(self, now: float) -> None:
        """A sign of life from the loop that does the work."""
        if self.state in RUNNING and not self._cause:
            self._patience_s = self._beat_timeout_s
            self.deadline = now + self._beat_timeout_s

    def became_ready(self, now: float) -> bool:
        """The role says that it does its work; whether that is news."""
        if self.state is not State.STARTING or self._cause:
            return False
        self.state = State.READY
        self.reason = ""
        self._ready_at = now
        self.beat(now)
        return True

    def exited(self, now: float, code: int, cause: str = "") -> Todo:
        """The process is gone.

        Args:
            now: monotonic time.
            code: exit code, or the negative signal number.
            cause: in words, where the code does not say it.
        """
        self.pid = 0
        self.deadline = None
        if self.state is State.STOPPING:
            if self._after is State.STARTING:
                return self._begin(now)
            self._rest(self._after, self.reason)
            return Todo.NOTHING
        self._asked = False
        ready_s = 0.0 if self._ready_at is None else now - self._ready_at
        self._deaths.append(Death(now, code, ready_s, cause or self._cause))
        decision = decide(self._deaths, self._limits)
        if isinstance(decision, Escalate):
            self._rest(State.STOPPED, decision.reason)
            return Todo.ESCALATE
        if isinstance(decision, Park):
            self._rest(State.PARKED, decision.reason)
            if decision.again_s is not None:
                self.deadline = now + decision.again_s
            return Todo.NOTHING
        self.reason = str(self._deaths[-1])
        if decision.pause_s == 0:
            return self._begin(now, self.reason)
        self.state = State.BACKOFF
        self.deadline = now + decision.pause_s
        return Todo.NOTHING

    def expired(self, now: float) -> Todo:
        """The deadline has passed."""
        self.deadline = None
        if self.state is State.PARKED:
            self._deaths.clear()
        if self.state in {State.BACKOFF, State.PARKED}:
            return self._begin(now, self.reason)
        if self.state is State.STOPPING:
            self._cause = f"did not end within {self._stop_timeout_s:g} s"
            return Todo.KILL
        if self.state in RUNNING:
            self._cause = f"no sign of life for {self._patience_s:g} s"
            return Todo.KILL
        return Todo.NOTHING

    @property
    def killed_for(self) -> str:
        """Why the supervisor killed, or has to kill, this process; empty where it did not."""
        return self._cause

    def _begin(self, now: float, reason: str = "") -> Todo:
        self.state = State.STARTING
        self.reason = reason
        self.starts += 1
        self.asked += self._asked
        self._cause = ""
        self._ready_at = None
        self._patience_s = START_S
        self.deadline = now + START_S
        return Todo.LAUNCH

    def _end(self, now: float, after: State, reason: str) -> Todo:
        self._after = after
        self.reason = reason
        if self.state is State.STOPPING:
            return Todo.NOTHING
        self.state = State.STOPPING
        self.deadline = now + self._stop_timeout_s
        return Todo.TERMINATE if self.pid else Todo.NOTHING

    def _rest(self, state: State, reason: str) -> None:
        self.state = state
        self.reason = reason
        self.deadline = None
