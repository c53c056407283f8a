"""Power of the solar roof: the sun's way over a day in spring, and clouds. Pure."""

from math import pi, sin
from typing import Final

from services.measurement.simulated.loads import DAY_S, HOUR_S
from services.measurement.simulated.noise import Channel, smooth, unit

RISE_H: Final = 5.75
SET_H: Final = 20.75
_BEST: Final = 0.86  # of the peak power: modules are warm and not quite at a right angle
_DIFFUSE: Final = 0.22  # what the densest cloud leaves


def pv_dc(seed: int, t_s: float, kwp: float) -> float:
    """DC power in W at `t_s` seconds after midnight of day 0."""
    hour = (t_s % DAY_S) / HOUR_S
    if not RISE_H < hour < SET_H:
        return 0.0
    height = sin(pi * (hour - RISE_H) / (SET_H - RISE_H))
    return float(kwp * 1000 * _BEST * height**1.3 * _clearness(seed, t_s))


def _clearness(seed: int, t_s: float) -> float:
    """Part of the light that passes: some days are clear, some are grey, most are in between."""
    cloudiness = unit(seed, Channel.CLOUDINESS, int(t_s // DAY_S))
    cover = 0.7 * smooth(seed, Channel.CLOUD, t_s, 1500) + 0.3 * smooth(seed, Channel.CLOUD, t_s, 70, 1)
    dense = min(1.0, max(0.0, 2.5 * (cover + cloudiness - 0.9)))
    return 1 - (1 - _DIFFUSE) * dense
