"""A battery at a hybrid inverter: follows what is wanted of it, within power, capacity and its own inertia."""

from math import exp
from typing import Final

_LOWEST: Final = 0.05  # never emptied further
_TAPER: Final = 0.95  # from here on it charges more and more slowly
_INERTIA_S: Final = 2.5
_EFFICIENCY: Final = 0.97


class Battery:
    """State of one battery.

    Args:
        capacity_kwh: 0 for none.
        charge: state of charge at the start, 0 to 1.

    Attributes:
        charge: state of charge, 0 to 1.
        power: DC, W; charging positive.
    """

    __slots__ = ("_capacity_ws", "_limit_w", "charge", "power")

    def __init__(self, capacity_kwh: float, charge: float) -> None:
        self._capacity_ws = capacity_kwh * 3.6e6
        self._limit_w = capacity_kwh * 500  # half the capacity in an hour
        self.charge = charge
        self.power = 0.0

    def follow(self, wanted_w: float, at_most_w: float, seconds: float) -> None:
        """Move towards `wanted_w` for `seconds`; charging takes no more than `at_most_w`."""
        if not self._capacity_ws or seconds <= 0:
            return
        power = self.power + (wanted_w - self.power) * (1 - exp(-seconds / _INERTIA_S))
        self.power = max(-self._most_discharge(seconds), min(power, self._most_charge(seconds), at_most_w))
        stored = self.power * seconds * (_EFFICIENCY if self.power > 0 else 1 / _EFFICIENCY)
        self.charge = min(1.0, max(0.0, self.charge + stored / self._capacity_ws))

    def settle(self, wanted_w: float, at_most_w: float) -> None:
        """Be where `follow` would have come to by now."""
        if self._capacity_ws:
            self.power = max(-self._most_discharge(1.0), min(wanted_w, self._most_charge(1.0), at_most_w))

    def _most_charge(self, seconds: float) -> float:
        room = (1 - self.charge) * self._capacity_ws / _EFFICIENCY / seconds
        taper = min(1.0, (1 - self.charge) / (1 - _TAPER))
        return min(self._limit_w * taper, room)

    def _most_discharge(self, seconds: float) -> float:
        left = max(0.0, self.charge - _LOWEST) * self._capacity_ws * _EFFICIENCY / seconds
        return min(self._limit_w, left)
