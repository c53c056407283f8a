"""Whether the files that the settings name can be used: asked before the settings are in force, so it must be quick.

A profile is read whole, a file to replay as far as takes little time; the role itself reads all of it.
"""

from collections.abc import Callable

from msgspec import UNSET

from shared.config.check import Problem
from shared.config.model import Config, Meter
from shared.errors import ConfigError


def verify(config: Config) -> list[Problem]:
    """What is wrong with them, each with the key that names it."""
    return [problem for index, meter in enumerate(config.meter) for problem in _of_meter(meter, index)]


def _of_meter(meter: Meter, index: int) -> list[Problem]:
    if meter.source == "modbus" and meter.modbus is not UNSET:
        from services.measurement.modbus.profile import load  # noqa: PLC0415  # only what the settings need

        profile = meter.modbus.profile
        return _problems(("meter", index, "modbus", "profile"), lambda: load(profile))
    if meter.source == "replay" and meter.replay is not UNSET:
        from services.measurement.replay.file import glance  # noqa: PLC0415  # as above

        settings = meter.replay
        return _problems(("meter", index, "replay", "file"), lambda: glance(settings))
    return []


def _problems(key: tuple[str | int, ...], look: Callable[[], object]) -> list[Problem]:
    try:
        look()
    except ConfigError as error:
        return [Problem(key, line) for line in str(error).removeprefix("meter.modbus.profile: ").splitlines()]
    return []
