"""From settings to a source. Only the chosen kind is imported: pymodbus costs memory that others do without."""

from collections.abc import Callable

from msgspec import UNSET

from services.measurement.pace import BootClock, Clock
from services.measurement.source import Report, Source
from shared.config.model import Meter, Simulated
from shared.errors import ConfigError


def source_of(meter: Meter, report: Report, warn: Callable[[str], object], clock: Clock | None = None) -> Source:
    """The source of `meter`.

    Args:
        meter: settings.
        report: told whether it gives readings.
        warn: told what its owner should know.
        clock: time; the real one by default.

    Raises:
        ConfigError: its settings, profile or file cannot be used.
    """
    clock = clock or BootClock()
    if meter.source == "simulated":
        from services.measurement.simulated.source import SimulatedSource  # noqa: PLC0415  # see module

        settings = Simulated() if meter.simulated is UNSET else meter.simulated
        return SimulatedSource(settings, meter.cycle_ms, report, clock)
    if meter.source == "modbus" and meter.modbus is not UNSET:
        from services.measurement.modbus.source import ModbusSource  # noqa: PLC0415  # see module

        return ModbusSource(meter.modbus, meter.cycle_ms, report, clock)
    if meter.source == "replay" and meter.replay is not UNSET:
        from services.measurement.replay.source import ReplaySource  # noqa: PLC0415  # see module

        return ReplaySource(meter.replay, meter.cycle_ms, report, clock, warn)
    raise ConfigError(f"meter {meter.id}: source is {meter.source!r}, but there is no [meter.{meter.source}]; add it")
