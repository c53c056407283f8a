"""From settings to a source. Only the chosen kind is imported: pymodbus and OpenSSL cost memory."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import UNSET

from services.measurement.pace import BootClock, Clock
from services.measurement.source import Report, Source
from shared.config.model import Meter, Modbus, Simulated
from shared.errors import ConfigError

if TYPE_CHECKING:
    from services.measurement.modbus.wire import Wire
    from shared.actor import Life
    from shared.tls.outward import Outward


def source_of(
    meter: Meter,
    report: Report,
    warn: Callable[[str], object],
    clock: Clock | None = None,
    outward: "Outward | None" = None,
) -> Source:
    """The source of `meter`.

    Args:
        meter: settings.
        report: told whether it gives readings.
        warn: told what its owner should know.
        clock: time; the real one by default.
        outward: which meters are trusted; needed for one with TLS.

    Raises:
        ConfigError: its settings, profile or file cannot be used.
    """
    clock = clock or BootClock()
    if meter.source == "simulated":
        from services.measurement.simulated.source import SimulatedSource  # noqa: PLC0415  # see module

        settings = Simulated() if meter.simulated is UNSET else meter.simulated
        return SimulatedSource(settings, meter.cycle_ms, report, clock)
    if meter.source == "modbus" and meter.modbus is not UNSET:
        from services.measurement.modbus.profile import load  # noqa: PLC0415  # see module
        from services.measurement.modbus.source import ModbusSource  # noqa: PLC0415  # see module

        profile = load(meter.modbus.profile)
        return ModbusSource(_wire(meter.modbus, outward), profile, meter.cycle_ms, report, clock)
    if meter.source == "replay" and meter.replay is not UNSET:
        from services.measurement.replay.source import ReplaySource  # noqa: PLC0415  # see module

        return ReplaySource(meter.replay, meter.cycle_ms, report, clock, warn)
    raise ConfigError(f"meter {meter.id}: source is {meter.source!r}, but there is no [meter.{meter.source}]; add it")


def outward_of(life: "Life") -> "Outward | None":
    """Who is trusted, as the certificate manager says; None where no meter has TLS."""
    meters = (meter.modbus for meter in life.config.meter if meter.source == "modbus")
    if not any(modbus is not UNSET and modbus.tls for modbus in meters):
        return None
    from shared.tls.outward import Outward  # noqa: PLC0415  # see module

    return Outward(life.bus, life.config.certificates.keys_dir, life.log)


def _wire(settings: Modbus, outward: "Outward | None") -> "Wire":
    if settings.tls:
        from services.measurement.modbus.tls_wire import TlsWire  # noqa: PLC0415  # see module

        if outward is None:
            raise RuntimeError("a meter with TLS needs to know whom to trust")
        return TlsWire(settings, outward)
    from services.measurement.modbus.plain_wire import PlainWire  # noqa: PLC0415  # see module

    return PlainWire(settings)
