"""What a write to registers means: the settings that it changes, or the exception that it gets. Pure.

All or nothing: one wrong value, or one register that is no setting, and nothing is written.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from shared.audit.record import Who
from shared.errors import RefusedError
from shared.modbus.pdu import MAX_WRITE, ExceptionCode
from shared.registers.row import Row

ALLOWED: Final[Mapping[str, range]] = {
    "wallbox_charging_mode": range(6),
    "wallbox_min_pv_power_quota": range(0, 101, 10),
    "wallbox_min_charging_power_quota": range(101),
}
"""Values that each setting may have; docs/registers.md has their meaning."""

Register = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class WriteRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments of the command `write`.

    Attributes:
        meter: meter id of the settings.
        start: wire address of the first register.
        values: one number per register.
        who: asked for it.
    """

    meter: str
    start: Register
    values: Annotated[tuple[Register, ...], msgspec.Meta(min_length=1, max_length=MAX_WRITE)]
    who: Who


def target_of(request: WriteRequest) -> str:
    """What was to be written where, in words."""
    return f"{request.meter} {request.start}: {' '.join(map(str, request.values))}"


class RefusedWriteError(RefusedError):
    """A write that is not done.

    Attributes:
        code: the exception that its peer gets.
    """

    def __init__(self, code: ExceptionCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def settings_of(rows: Sequence[Row], start: int, values: Sequence[int]) -> dict[str, int]:
    """Setting -> value.

    Args:
        rows: of the meter's plan, ascending.
        start: wire address of the first register.
        values: one number per register.

    Raises:
        RefusedWriteError: 02 where something else is touched, 03 for a value that is not allowed.
    """
    end = start + len(values)
    settings: dict[str, int] = {}
    left = len(values)
    for row in rows:
        if row.row_class == "setting" and start <= row.address and row.end <= end:
            settings[row.name] = _number(values[row.address - start : row.end - start])
            left -= row.count
    if left:
        raise RefusedWriteError(
            ExceptionCode.ILLEGAL_DATA_ADDRESS, f"not all registers from {start} to {end - 1} are settings"
        )
    for name, value in settings.items():
        if value not in ALLOWED[name]:
            allowed = ALLOWED[name]
            steps = f" in steps of {allowed.step}" if allowed.step > 1 else ""
            raise RefusedWriteError(
                ExceptionCode.ILLEGAL_DATA_VALUE, f"{name} is {value}; it takes {allowed[0]} to {allowed[-1]}{steps}"
            )
    return settings


def _number(registers: Sequence[int]) -> int:
    number = 0
    for register in registers:
        number = number << 16 | register
    return number
