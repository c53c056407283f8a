"""Chance that is a pure function of seed, channel and time: the same at every run, from any start, without a state."""

from enum import IntEnum
from math import floor
from typing import Final

_MASK: Final = (1 << 64) - 1


class Channel(IntEnum):
    """What the chance is for; each has its own independent series."""

    EVENTS = 1
    LOAD = 2
    FREQUENCY = 3
    VOLTAGE = 4
    CLOUDINESS = 5
    CLOUD = 6
    CAR = 7
    BATTERY = 8


def unit(seed: int, channel: Channel, index: int, part: int = 0) -> float:
    """An evenly distributed number in [0, 1) (the mixing steps of SplitMix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + channel * 0xD1B54A32D192ED03 + index * 0x8CB92BA72F3D8DD7 + part) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / (1 << 53)


def smooth(seed: int, channel: Channel, t_s: float, period_s: float, part: int = 0) -> float:
    """A continuous series in [0, 1) that has a new random value every `period_s` and passes smoothly between them."""
    position = t_s / period_s
    index = floor(position)
    share = position - index
    weight = share * share * (3 - 2 * share)
    here = unit(seed, channel, index, part)
    return here + (unit(seed, channel, index + 1, part) - here) * weight


def swing(seed: int, channel: Channel, t_s: float, period_s: float, part: int = 0) -> float:
    """As `smooth`, in [-1, 1)."""
    return 2 * smooth(seed, channel, t_s, period_s, part) - 1
