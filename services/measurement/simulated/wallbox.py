"""A wallbox with a car: who is there, what its settings allow, what it takes."""

from enum import IntEnum
from math import exp
from typing import Final

import msgspec

from services.measurement.simulated.loads import DAY_S, HOUR_S
from services.measurement.simulated.noise import Channel, unit

PHASE_SWITCH_W: Final = 4_140.0
"""6 A on three phases: below it one phase is used."""
SMALLEST_W: Final = 1_380.0
"""6 A on one phase: no car charges with less."""
NIGHT_FROM_H: Final = 22.0
NIGHT_TO_H: Final = 6.0
"""The timetable of mode `TIME`: this household's cheap hours."""
_INERTIA_S: Final = 4.0
_LONGEST_STAY: Final = 14  # days at home in a row that are looked back


class Mode(IntEnum):
    """Charging modes, numbered as in registers 41168 and 40994; the latter is not known to show `TIME`."""

    OFF = 0
    LOCK = 1
    POWER = 2
    SOLAR_PURE = 3
    SOLAR_PLUS = 4
    TIME = 5


class Status(IntEnum):
    """Numbers of register 49206 that this wallbox shows."""

    OFFLINE = 1
    CONNECTED = 2
    PAUSED = 3
    CHARGING = 5


class WallboxControl(msgspec.Struct, frozen=True):
    """What an owner or a controller may set.

    Attributes:
        mode: see `Mode`.
        min_pv_quota: for solar plus, %: how much of the smallest power must come from surplus; 0 charges in any case.
        min_charging_quota: for solar plus, % of the largest power that is charged at least once charging is allowed.
    """

    mode: Mode = Mode.SOLAR_PLUS
    min_pv_quota: int = 0
    min_charging_quota: int = 0


def allowed(control: WallboxControl, surplus_w: float, largest_w: float, hour: float = 0.0) -> float:
    """Power that may be charged now, W; 0 is a pause.

    Args:
        control: settings.
        surplus_w: solar power that the home does not need.
        largest_w: of wallbox and car.
        hour: of the day, for the mode that goes by time.
    """
    smallest = min(SMALLEST_W, largest_w)
    match control.mode:
        case Mode.POWER:
            return largest_w
        case Mode.TIME:
            return largest_w if hour >= NIGHT_FROM_H or hour < NIGHT_TO_H else 0.0
        case Mode.SOLAR_PURE:
            return min(surplus_w, largest_w) if surplus_w >= smallest else 0.0
        case Mode.SOLAR_PLUS:
            floor = max(smallest, largest_w * control.min_charging_quota / 100)
            if max(surplus_w, 0.0) < floor * control.min_pv_quota / 100:
                return 0.0
            return min(max(surplus_w, floor), largest_w)
        case _:
            return 0.0


class Stay(msgspec.Struct, frozen=True):
    """A car that stands at the wallbox.

    Attributes:
        day: of its arrival; identifies the stay.
        need_wh: what it will take at most.
    """

    day: int
    need_wh: float


def stay(seed: int, t_s: float) -> Stay | None:
    """Whether a car stands there at `t_s` seconds after midnight of day 0: away on working days, at home on others."""
    today = int(t_s // DAY_S)
    if not _away_on(seed, today) or t_s < _leaves(seed, today):
        arrived = next((day for day in range(today - 1, today - _LONGEST_STAY, -1) if _away_on(seed, day)), today)
    elif t_s >= _arrives(seed, today):
        arrived = today
    else:
        return None
    return Stay(arrived, 6_000 + 16_000 * unit(seed, Channel.CAR, arrived, 3))


def _away_on(seed: int, day: int) -> bool:
    return unit(seed, Channel.CAR, day) < 5 / 7


def _leaves(seed: int, day: int) -> float:
    return day * DAY_S + (7.0 + unit(seed, Channel.CAR, day, 1)) * HOUR_S


def _arrives(seed: int, day: int) -> float:
    return day * DAY_S + (16.8 + 1.5 * unit(seed, Channel.CAR, day, 2)) * HOUR_S


class Wallbox:
    """State of one wallbox.

    Args:
        largest_kw: 0 for none.
        control: settings to begin with.

    Attributes:
        control: may be replaced at any time.
        power: W.
        phases: 1 or 3.
        status: see `Status`.
        session_wh, session_s: energy and time of this stay.
    """

    __slots__ = ("_day", "_largest_w", "control", "phases", "power", "session_s", "session_wh", "status")

    def __init__(self, largest_kw: float, control: WallboxControl) -> None:
        self._largest_w = largest_kw * 1000
        self._day: int | None = None
        self.control = control
        self.power = 0.0
        self.phases = 3
        self.status = Status.OFFLINE
        self.session_wh = 0.0
        self.session_s = 0.0

    def follow(self, car: Stay | None, surplus_w: float, seconds: float, hour: float = 0.0) -> None:
        """Charge for `seconds` as the settings allow at that hour of the day."""
        if car is None:
            self.power = 0.0  # whoever pulls the plug does not wait for a ramp
            self.status = Status.OFFLINE
            return
        if car.day != self._day:
            self._day, self.session_wh, self.session_s = car.day, 0.0, 0.0
        left_wh = car.need_wh - self.session_wh
        wanted = allowed(self.control, surplus_w, self._largest_w, hour) if left_wh > 0 else 0.0
        power = self.power + (wanted - self.power) * (1 - exp(-seconds / _INERTIA_S)) if wanted else 0.0
        self.power = min(power, left_wh * 3600 / seconds) if seconds > 0 else power
        self.phases = 3 if self._largest_w >= PHASE_SWITCH_W and self.power >= PHASE_SWITCH_W else 1
        self.session_wh += self.power * seconds / 3600
        self.session_s += seconds
        self.status = _status(wanted, left_wh)


def _status(wanted: float, left_wh: float) -> Status:
    if left_wh <= 0:
        return Status.CONNECTED
    return Status.CHARGING if wanted else Status.PAUSED
