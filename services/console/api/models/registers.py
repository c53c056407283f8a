"""The register map with what stands in it now."""

from typing import Literal

from services.console.api.models.common import Answer, Ask, MeterId

ExportFormat = Literal["json", "csv", "home-assistant", "iobroker"]


class Register(Answer, frozen=True, kw_only=True):
    """One value of the map.

    Attributes:
        address: wire address of the first register, from 0.
        count: registers.
        name: unique.
        obis: OBIS code, or empty.
        type: `uint32`, `int16`, `string`, ...
        unit: of `value`; empty for a number, ratio or text.
        scale: of the raw number, e.g. `0.1`, or the name of the register that holds the exponent.
        access: `R` or `RW`.
        group: block of the map.
        row_class: how age affects it: `live`, `counter`, `identity`, `setting`, `fixed`.
        words: raw registers, four hex digits each; empty where a slave would not answer.
        value: in its unit; null where it is not measured or would not be answered.
        state: `ok`; `stale` and `unknown` are answered with exception 04, `absent` with 02.
        note: what else is known.
    """

    address: int
    count: int
    name: str
    obis: str
    type: str
    unit: str
    scale: str
    access: str
    group: str
    row_class: str
    words: tuple[str, ...] = ()
    value: int | float | str | None = None
    state: Literal["ok", "stale", "unknown", "absent"] = "absent"
    note: str = ""


class Registers(Answer, frozen=True, kw_only=True):
    """GET /registers?meter=.

    Attributes:
        meter: whose.
        unit: Modbus unit id.
        age_ms: of the values; null where there are none.
        stale: too old.
        groups: names of the blocks, in the order of addresses.
        registers: in the order of addresses.
    """

    meter: str
    unit: int
    age_ms: int | None
    stale: bool
    groups: tuple[str, ...]
    registers: tuple[Register, ...]


class OfRegisters(Ask, frozen=True, kw_only=True):
    """Which meter; the first of the settings without."""

    meter: MeterId | None = None
