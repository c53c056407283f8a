"""The one interface between a kind of meter and the rest of this role.

A source hands over whole readings or none: a quantity that it gave before and that is missing this time means that
there is no reading, since a register would serve a zero for it (`services.measurement.given`).
"""

from collections.abc import AsyncIterator, Callable
from typing import Protocol, runtime_checkable

import msgspec

from shared.bus.messages import WallboxSettings


class Reading(msgspec.Struct, frozen=True, gc=False):
    """One measurement as its source gives it.

    Attributes:
        t_ns: CLOCK_BOOTTIME at which the source had it. Where only a bound is known, the earliest: a value may be
            younger than it says, never older.
        values: quantity name -> value, SI, import positive (`shared.registers.quantities`).
        texts: identity of the meter: manufacturer, model, version, serial_number.
        simulated: whether the values are invented.
    """

    t_ns: int
    values: dict[str, float]
    texts: dict[str, str] = {}
    simulated: bool = False


class Link(msgspec.Struct, frozen=True, gc=False):
    """Whether a source gives readings, and if not, why.

    Attributes:
        connected: True while readings come.
        reason: in words; constant while the cause is the same.
        polls: attempts to get a reading since the start.
        failures: how many of them gave none.
    """

    connected: bool
    reason: str = ""
    polls: int = 0
    failures: int = 0


Report = Callable[[Link], None]
"""Told by a source after each attempt, and when there will be no more."""


class Source(Protocol):
    """A meter that can be asked for readings."""

    def readings(self) -> AsyncIterator[Reading]:
        """Readings as they come. Ends only where there is nothing more to come, as at the end of a recording."""
        ...


@runtime_checkable
class Steered(Protocol):
    """A source whose wallbox obeys."""

    def steer(self, settings: WallboxSettings) -> None:
        """Follow these settings from now on."""
        ...
