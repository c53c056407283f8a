"""What the home consumes at a time of day, per phase: base load, fridge and freezer, light, and a day's events.

Everything is a pure function of seed and time, so that a household may start at any moment.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from services.measurement.simulated.noise import Channel, smooth, swing, unit

DAY_S: Final = 86_400
HOUR_S: Final = 3_600


class Power(NamedTuple):
    """Active and reactive power of one phase, W and var."""

    p: float
    q: float


class Event(NamedTuple):
    """An appliance that runs for a while.

    Attributes:
        start_s, end_s: seconds since midnight of day 0; an end of 0 is none.
        phase: 0 to 2.
        watts: while it is on.
        tangent: Q / P.
        period_s, duty: thermostat: on for the first part of each period.
    """

    start_s: float
    end_s: float
    phase: int
    watts: float
    tangent: float = 0.0
    period_s: float = DAY_S
    duty: float = 1.0


_BASE: Final = (Power(95, -35), Power(70, -20), Power(55, -15))
"""What is never off; power supplies in standby are capacitive."""
_STEADY: Final = (
    Event(0, 0, phase=1, watts=85, tangent=0.6, period_s=42 * 60, duty=0.35),
    Event(0, 0, phase=2, watts=110, tangent=0.6, period_s=71 * 60, duty=0.3),
)
"""Fridge and freezer."""


def home(seed: int, t_s: float) -> tuple[Power, Power, Power]:
    """Power of the three phases at `t_s` seconds after midnight of day 0."""
    active, reactive = [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]
    for phase, base in enumerate(_BASE):
        drift = 1 + 0.25 * swing(seed, Channel.LOAD, t_s, 900, phase) + 0.02 * swing(seed, Channel.LOAD, t_s, 2, phase)
        active[phase] += base.p * drift
        reactive[phase] += base.q * drift
    light = _light(t_s) * (0.7 + 0.6 * smooth(seed, Channel.LOAD, t_s, 1800, 7))
    active[0] += light
    reactive[0] += 0.1 * light
    day = int(t_s // DAY_S)
    for event in (*_STEADY, *_events(seed, day - 1), *_events(seed, day)):
        if (event.end_s == 0 or event.start_s <= t_s < event.end_s) and _on(event, t_s):
            watts = event.watts * (1 + 0.01 * swing(seed, Channel.LOAD, t_s, 3, 10 + event.phase))
            active[event.phase] += watts
            reactive[event.phase] += watts * event.tangent
    return (Power(active[0], reactive[0]), Power(active[1], reactive[1]), Power(active[2], reactive[2]))


def _on(event: Event, t_s: float) -> bool:
    return (t_s - event.start_s) % event.period_s < event.duty * event.period_s


def _light(t_s: float) -> float:
    """Light and television, W: a little in the morning, most in the evening."""
    hour = (t_s % DAY_S) / HOUR_S
    morning = max(0.0, 1 - abs(hour - 7) / 1.2)
    evening = max(0.0, 1 - (abs(hour - 20.5) / 3.2) ** 2)
    return 120 * morning + 420 * evening


@lru_cache(maxsize=8)
def _events(seed: int, day: int) -> tuple[Event, ...]:
    """What is switched on during that day."""
    part = 0

    def chance() -> float:
        nonlocal part
        part += 1
        return unit(seed, Channel.EVENTS, day, part)

    def at(hour: float, spread_h: float) -> float:
        return day * DAY_S + (hour + spread_h * (2 * chance() - 1)) * HOUR_S

    events = [_run(at(hour, spread), 150 + 60 * chance(), 0, 2000) for hour, spread in ((6.8, 0.5), (9.5, 1), (16, 1))]
    events.append(_run(at(6.9, 0.4), 180, 1, 900))  # toaster
    if chance() < 0.6:
        events.append(_run(at(12.3, 0.4), 1500 + 900 * chance(), 1, 1800, period_s=40, duty=0.55))  # hob, small lunch
    dinner = at(18.4, 0.6)
    events.append(_run(dinner, 2400 + 900 * chance(), 1, 2100, period_s=45, duty=0.6))  # hob
    if chance() < 0.7:
        events.append(_run(dinner - 600, 3000 + 1200 * chance(), 2, 2400, period_s=190, duty=0.5))  # oven
    events.append(_run(at(20.2, 0.5), 1200, 2, 2050))  # dishwasher heats, then pumps
    events.append(_run(events[-1].end_s, 3000, 2, 90, tangent=0.5))
    if chance() < 0.5:
        wash = at(10.5, 2)
        events.append(_run(wash, 1100, 1, 2050, tangent=0.05))
        events.append(_run(wash + 1100, 4200, 1, 260, tangent=0.7, period_s=95, duty=0.6))
    return tuple(events)


def _run(
    start_s: float,
    seconds: float,
    phase: int,
    watts: float,
    *,
    tangent: float = 0.0,
    period_s: float = DAY_S,
    duty: float = 1.0,
) -> Event:
    return Event(start_s, start_s + seconds, phase, watts, tangent, period_s, duty)
