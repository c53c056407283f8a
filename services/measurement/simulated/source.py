"""The simulated household as a source: one reading a cycle. It announces itself as a simulation in every text."""

import time
from collections.abc import AsyncIterator
from typing import Final

from msgspec import UNSET

from services.measurement.pace import Clock, Pace
from services.measurement.simulated.household import Household
from services.measurement.simulated.wallbox import Mode, WallboxControl
from services.measurement.source import Link, Reading, Report
from shared.bus.messages import WallboxSettings
from shared.config.model import Simulated

TEXTS: Final = {
    "manufacturer": "metergate SIMULATION",
    "model": "SIMULATION three-phase home",
    "version": "SIMULATION",
    "serial_number": "SIMULATION",
}
_CATCH_UP: Final = 500
"""Missed cycles that are still computed one by one, so that the series stays the same."""
_AHEAD_NS: Final = 5_000_000
"""So long before its moment a reading is computed, so that it can be given at that moment, as a meter gives it."""


class SimulatedSource:
    """See `services.measurement.source.Source`.

    The series depends on seed, start, cycle and speed alone: cycle n is n * cycle * speed after the start, whenever it
    is computed. A reading's time is the moment at which it is given, after its cycle has begun.

    Args:
        settings: `[meter.simulated]`.
        cycle_ms: of the meter.
        report: told of each cycle.
        clock: time.
    """

    def __init__(self, settings: Simulated, cycle_ms: int, report: Report, clock: Clock) -> None:
        self._cycle_ns = cycle_ms * 1_000_000
        self._step_s = cycle_ms / 1000 * settings.speed
        self._start_s = _seconds_of_day(settings)
        self._household = Household(settings, self._start_s)
        self._done = 0
        self._report = report
        self._clock = clock

    @property
    def control(self) -> WallboxControl:
        """Settings of the household's wallbox."""
        return self._household.control

    @control.setter
    def control(self, control: WallboxControl) -> None:
        self._household.control = control

    def steer(self, settings: WallboxSettings) -> None:
        """Obey from the next cycle on. A mode that was never written stays as the household has it."""
        self.control = WallboxControl(
            mode=self.control.mode if settings.mode < 0 else Mode(settings.mode),
            min_pv_quota=settings.min_pv_power_quota,
            min_charging_quota=settings.min_charging_power_quota,
        )

    async def readings(self) -> AsyncIterator[Reading]:
        """One reading a cycle, for ever."""
        pace = Pace(self._clock, self._cycle_ns, _AHEAD_NS)
        polls = 0
        while True:
            cycle = await pace.cycle()
            values = self._values(cycle)
            if (begun := await pace.begin()) != cycle:  # this process was held up: they are old
                values = self._values(begun)
            polls += 1
            self._report(Link(connected=True, reason="SIMULATION: these values are invented", polls=polls))
            yield Reading(self._clock.now_ns(), values, TEXTS, simulated=True)

    def _values(self, cycle: int) -> dict[str, float]:
        for missed in range(self._done + 1 if cycle - self._done <= _CATCH_UP else cycle, cycle + 1):
            self._household.advance_to(self._start_s + missed * self._step_s)
        self._done = cycle
        return self._household.values()


def _seconds_of_day(settings: Simulated) -> float:
    if settings.start is not UNSET:
        hours, minutes = settings.start.split(":")
        return int(hours) * 3600 + int(minutes) * 60
    now = time.localtime()
    return now.tm_hour * 3600 + now.tm_min * 60 + now.tm_sec
