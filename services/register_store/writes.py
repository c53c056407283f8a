"""What a write to registers means: the settings that it changes, or the exception that it gets. Pure.

All or nothing: one wrong value, and nothing is written. A reserved register between two settings takes 0 alone, so
that a client may write back a run of registers as it read it.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final

import msgspec

from shared.audit import Who
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
    touched = [row for row in rows if row.address < end and start < row.end]
    covered = sum(min(end, row.end) - max(start, row.address) for row in touched)
    names = [row for row in touched if row.row_class == "setting"]
    if covered < len(values) or not names:
        raise _address(f"registers {start} to {end - 1} are no settings")
    settings: dict[str, int] = {}
    for row in touched:
        if row.row_class == "setting" and start <= row.address and row.end <= end:
            settings[row.name] = _number(values[row.address - start : row.end - start])
        elif row.type != "reserved" or row.address < names[0].address or row.end > names[-1].end:
            raise _address(f"{row.name} at {row.address} cannot be written")
    for row in touched:
        if row.type == "reserved" and any(values[max(0, row.address - start) : row.end - start]):
            raise _value(f"register {row.address} is reserved and takes 0 alone")
    for name, value in settings.items():
        if value not in ALLOWED[name]:
            allowed = ALLOWED[name]
            steps = f" in steps of {allowed.step}" if allowed.step > 1 else ""
            raise _value(f"{name} is {value}; it takes {allowed[0]} to {allowed[-1]}{steps}")
    return settings


def _number(registers: Sequence[int]) -> int:
    number = 0
    for register in registers:
        number = number << 16 | register
    return number


def _address(reason: str) -> RefusedWriteError:
    return RefusedWriteError(ExceptionCode.ILLEGAL_DATA_ADDRESS, reason)


def _value(reason: str) -> RefusedWriteError:
    return RefusedWriteError(ExceptionCode.ILLEGAL_DATA_VALUE, reason)
