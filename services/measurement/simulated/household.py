"""The household at its grid connection: what flows, and what a meter there reads. Deterministic by seed and time.

    grid = home + wallbox - inverter,   inverter = efficiency * (pv - battery),   battery charging positive

The battery stores surplus and serves the home, not the car. Time only moves forward, in steps: the state of charge, the
wallbox's session and the inertia of both are the only memory; all else is a function of the moment.
"""

from math import copysign, hypot
from typing import Final

from services.measurement.derive import complete
from services.measurement.simulated.battery import Battery
from services.measurement.simulated.loads import DAY_S, HOUR_S, Power, home
from services.measurement.simulated.noise import Channel, swing, unit
from services.measurement.simulated.sun import pv_dc
from services.measurement.simulated.wallbox import Status, Wallbox, WallboxControl, stay
from shared.config.model import Simulated
from shared.registers.quantities import PHASES

EFFICIENCY: Final = 0.97
"""Of the inverter, both ways."""
LINE_OHM: Final = 0.22
"""From the transformer to the meter: load lowers the voltage, feed-in raises it."""
NOMINAL_V: Final = 230.0
LONGEST_STEP_S: Final = 30.0
_MOST_STEPS: Final = 400


class Household:
    """One household.

    Args:
        settings: seed and sizes.
        start_s: seconds since midnight at which it starts.
        control: settings of the wallbox.
    """

    def __init__(self, settings: Simulated, start_s: float, control: WallboxControl | None = None) -> None:
        self._settings = settings
        self._seed = settings.seed
        self._t_s = start_s
        self._battery = Battery(settings.battery_kwh, 0.25 + 0.5 * unit(self._seed, Channel.BATTERY, 0))
        self._wallbox = Wallbox(settings.wallbox_kw, control or WallboxControl())
        self._home = home(self._seed, start_s)
        self._pv_dc = 0.0
        self._battery.settle(self._step(0.0), self._pv_dc)  # it has been at work for long, whenever we begin to look

    @property
    def control(self) -> WallboxControl:
        """Settings of the wallbox; obeyed from the next step on."""
        return self._wallbox.control

    @control.setter
    def control(self, control: WallboxControl) -> None:
        self._wallbox.control = control

    def advance_to(self, t_s: float) -> None:
        """Let time pass until `t_s` seconds after midnight of day 0."""
        span = t_s - self._t_s
        steps = min(_MOST_STEPS, max(1, -int(-span // LONGEST_STEP_S)))
        begin = self._t_s
        for step in range(1, steps + 1):
            now = begin + span * step / steps
            seconds, self._t_s = now - self._t_s, now
            self._battery.follow(self._step(seconds), self._pv_dc, seconds)

    def _step(self, seconds: float) -> float:
        """Let all but the battery go on; what is wanted of that, DC, W."""
        settings = self._settings
        self._home = home(self._seed, self._t_s)
        self._pv_dc = pv_dc(self._seed, self._t_s, settings.pv_kwp)
        consumption = sum(phase.p for phase in self._home)
        surplus = EFFICIENCY * self._pv_dc - consumption
        if settings.wallbox_kw:
            hour = self._t_s % DAY_S / HOUR_S
            self._wallbox.follow(stay(self._seed, self._t_s), surplus, seconds, hour)
        rest = surplus - self._wallbox.power
        wanted = rest if rest > 0 else min(0.0, surplus)  # the battery does not discharge into the car
        wanted += 12 * swing(self._seed, Channel.BATTERY, self._t_s, 4)  # no controller hits zero exactly
        return wanted / EFFICIENCY

    @property
    def inverter_ac(self) -> float:
        """What the hybrid inverter gives to the house, W."""
        return EFFICIENCY * (self._pv_dc - self._battery.power)

    def values(self) -> dict[str, float]:
        """Everything that a meter, an inverter and a wallbox would tell at this moment."""
        values: dict[str, float] = {}
        box = self._wallbox
        for number, (phase, load) in enumerate(zip(PHASES, self._home, strict=True)):
            charging = box.power / 3 if box.phases == 3 else box.power * (number == 0)
            grid = Power(
                load.p + charging - self.inverter_ac / 3, load.q + 0.05 * charging + 0.02 * self.inverter_ac / 3
            )
            voltage = self._voltage(number, grid.p)
            apparent = hypot(*grid)
            values |= {
                f"active_power_{phase}": grid.p,
                f"reactive_power_{phase}": grid.q,
                f"apparent_power_{phase}": copysign(apparent, grid.p),
                f"voltage_{phase}": voltage,
                f"current_{phase}": apparent / voltage,
            }
        values["supply_frequency"] = (
            50
            + 0.025 * swing(self._seed, Channel.FREQUENCY, self._t_s, 240)
            + 0.008 * swing(self._seed, Channel.FREQUENCY, self._t_s, 7, 1)
        )
        return complete(values | self._flow(values["voltage_l1"])).values

    def _flow(self, voltage_l1: float) -> dict[str, float]:
        settings, box = self._settings, self._wallbox
        flow = {"home_consumption": sum(phase.p for phase in self._home)}
        if settings.pv_kwp or settings.battery_kwh:
            flow |= {"inverter_ac_output_total": self.inverter_ac, "pv_dc_power_total": self._pv_dc}
        flow["battery_dc_power_total"] = self._battery.power
        if settings.battery_kwh:
            flow["system_state_of_charge"] = 100 * self._battery.charge
        if settings.wallbox_kw:
            charging_l1 = box.power / box.phases
            flow |= {
                "active_charge_mode": float(box.control.mode),
                "wallbox_charge_power_total": box.power,
                "wallbox_active_power": box.power,
                "wallbox_status": float(box.status),
                "wallbox_current_l1": hypot(charging_l1, 0.05 * charging_l1) / voltage_l1,
                "wallbox_session_energy": box.session_wh,
                "wallbox_session_duration": box.session_s if box.status != Status.OFFLINE else 0.0,
            }
        return flow

    def _voltage(self, phase: int, active: float) -> float:
        grid = (
            NOMINAL_V
            + 2.5 * swing(self._seed, Channel.VOLTAGE, self._t_s, 1200, phase)
            + 0.15 * swing(self._seed, Channel.VOLTAGE, self._t_s, 1.5, 3 + phase)
        )
        return max(150.0, min(280.0, grid - LINE_OHM * active / NOMINAL_V))
