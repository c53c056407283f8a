"""A recording as a source: its frames at their old distances, at any speed, once or for ever.

A reading's time is the moment at which it was due, so that its age is right also where this process came late. At the
end without `loop` nothing more comes: the last value grows old, as it does with a meter that fell silent.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final

from services.measurement.given import Given
from services.measurement.pace import Clock
from services.measurement.replay.file import check, frames, glance
from services.measurement.source import Link, Reading, Report
from shared.config.model import Replay

_LATE_NS: Final = 1_000_000_000
"""From here on lost time is not made up: after a standstill the frames must not rush by."""


class ReplaySource:
    """See `services.measurement.source.Source`.

    Args:
        settings: `[meter.replay]`.
        cycle_ms: of the meter; the distance between end and start of a loop where the file has only one frame.
        report: told of each frame, and of the end.
        clock: time.
        warn: told what of the recording is left out.

    Raises:
        ConfigError: a glance shows that the file cannot be replayed; `readings` raises it where only all of it does.
    """

    def __init__(
        self, settings: Replay, cycle_ms: int, report: Report, clock: Clock, warn: Callable[[str], object]
    ) -> None:
        self._settings = settings
        self._cycle_ns = cycle_ms * 1_000_000
        self._report = report
        self._clock = clock
        self._warn = warn
        glance(settings)

    async def readings(self) -> AsyncIterator[Reading]:
        """Readings when they are due."""
        found = await asyncio.to_thread(check, self._settings)
        if found.left_out:
            self._warn(f"{found.left_out}; that is left out")
        given = Given()
        polls = failures = 0
        due_ns = self._clock.now_ns()
        wait_ns = 0
        while True:
            last_after_ns = self._cycle_ns
            for frame in frames(self._settings, found):
                due_ns += wait_ns + round(frame.after_ns / self._settings.speed)
                wait_ns = 0
                last_after_ns = frame.after_ns or last_after_ns
                await self._clock.sleep_until(due_ns)
                if self._clock.now_ns() - due_ns > _LATE_NS:
                    due_ns = self._clock.now_ns()
                polls += 1
                if missing := given.missing(frame.values):
                    failures += 1
                    reason = f"{', '.join(missing)}: missing here in {self._settings.file.name}, given before"
                    self._report(Link(connected=False, reason=reason, polls=polls, failures=failures))
                    continue
                self._report(Link(connected=True, polls=polls, failures=failures))
                yield Reading(due_ns, frame.values, frame.texts, frame.simulated)
            if not self._settings.loop:
                break
            wait_ns = round(last_after_ns / self._settings.speed)
        ended = f"{self._settings.file.name} has ended; set meter.replay.loop to begin again"
        self._report(Link(connected=False, reason=ended, polls=polls, failures=failures))
