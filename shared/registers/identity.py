"""Who the meter says it is: in the identity block, in SunSpec model 1, and to function 43/14.

The owner's settings come first, then what the source tells of its meter, then ourselves. Invented values always say
SIMULATION in the model, whatever else is set: nobody shall control an inverter by them unknowingly.
"""

import re
from collections.abc import Mapping
from typing import Final

from msgspec import UNSET, Struct

from shared.config.model import Meter
from shared.registers.encode import text

SOFTWARE_VERSION: Final = "0.1.0"
"""As pyproject.toml has it; a test compares. Asking the installed distribution would take a third of a role's start."""
_SIMULATION: Final = "SIMULATION"
_NUMBERS: Final = re.compile(r"(\d+)(?:\.(\d+))?")


class Identity(Struct, frozen=True, kw_only=True):
    """Texts and numbers of the rows with `identity:` origin.

    Attributes:
        manufacturer, model, version, serial_number, options: texts, cut to their register's size.
        product_id: 0x4842, as seen on real devices, since clients may choose their map by it.
        product_version: revision of the hardware, major in the high byte.
        firmware_version: of `version`, major in the high byte, minor in the low one.
        unit: Modbus unit id.
        interval_ms: measuring cycle.
        meter: id of the settings.
    """

    manufacturer: str = "metergate"
    model: str = "metergate"
    version: str = SOFTWARE_VERSION
    serial_number: str = ""
    options: str = ""
    product_id: int = 0x4842
    product_version: int = 0x0200
    firmware_version: int = 0x0001
    unit: int = 1
    interval_ms: int = 200
    meter: str = ""


def identity_of(meter: Meter, texts: Mapping[str, str] | None = None, *, simulated: bool | None = None) -> Identity:
    """Identity of a meter.

    Args:
        meter: its settings.
        texts: `Sample.texts`, what the source says of itself.
        simulated: `Sample.simulated`; without a sample, whether the settings say so.
    """
    said = texts or {}
    own = meter.identity
    if simulated is None:
        simulated = meter.source == "simulated"
    model = own.model if own.model is not UNSET else said.get("model") or "metergate"
    version = own.version if own.version is not UNSET else said.get("version") or SOFTWARE_VERSION
    return Identity(
        manufacturer=own.manufacturer if own.manufacturer is not UNSET else said.get("manufacturer") or "metergate",
        model=_announced(model) if simulated else model,
        version=version,
        serial_number=own.serial_number if own.serial_number is not UNSET else said.get("serial_number") or meter.id,
        firmware_version=_coded(version) or _coded(SOFTWARE_VERSION) or 0,
        unit=meter.unit,
        interval_ms=meter.cycle_ms,
        meter=meter.id,
    )


def says_simulation(texts: Mapping[str, str]) -> bool:
    """Whether a meter, such as another gateway, says in its model that its values are invented."""
    return texts.get("model", "").startswith(_SIMULATION)


def _announced(model: str) -> str:
    """The word stands first, so that a text cut to its register still has it."""
    return model if model.startswith(_SIMULATION) else f"{_SIMULATION} {model}"


def _coded(version: str) -> int | None:
    """First two numbers of a version text as high and low byte."""
    found = _NUMBERS.search(version)
    return (min(int(found[1]), 255) << 8 | min(int(found[2] or 0), 255)) if found else None


def device_objects(identity: Identity) -> dict[int, str]:
    """Objects of function 43/14 by id: vendor, product code and revision are the basic ones that every device has."""
    objects = {
        0: identity.manufacturer,
        1: f"0x{identity.product_id:04X}",
        2: identity.version,
        4: identity.model,
        5: identity.model,
        6: identity.meter,
    }
    return {number: text(content, 32).rstrip(b"\0").decode() for number, content in objects.items()}
