"""The rights table as it is published: the owner's rows, or those shipped where the settings have none. Pure.

A role that has no row has no rights. The row "" is for certificates without a role. Rows only narrow what Accept
granted, so the shipped row "" leaves the decision about reading and writing to Accept alone.
"""

from typing import Final

import msgspec

from shared.bus.messages import RoleRights
from shared.config.model import Certificates, RoleRow
from shared.errors import ConfigError

READ: Final = (3, 4, 43)
WRITE: Final = (6, 16)
ALL: Final = ((0, 0x10000),)
WALLBOX: Final = ((41168, 41173),)
"""The wallbox registers that can be written at all."""
IDENTITY: Final = ((8192, 8245), (40000, 40070))
"""Who the device is: plug and play identification, and SunSpec's common model."""
LARGEST_BYTES: Final = 32 * 1024

SHIPPED: Final = (
    RoleRights("", READ + WRITE, ALL, WALLBOX),
    RoleRights("Operator", READ + WRITE, ALL, WALLBOX),
    RoleRights("Monitor", READ, ALL),
    RoleRights("ReadOnlySunSpec", READ, ALL),
    RoleRights("GridServiceSunSpec", READ + WRITE, ALL, WALLBOX),
    RoleRights("NetworkAdministratorSunSpec", READ, IDENTITY),
    RoleRights("SuperAdministratorSunSpec", READ + WRITE, ALL, WALLBOX),
)


def table(settings: Certificates) -> tuple[RoleRights, ...]:
    """The rows in force.

    Raises:
        ConfigError: more than fits into a message.
    """
    rows = tuple(map(_row, settings.role)) or SHIPPED
    if len(msgspec.msgpack.encode(rows)) > LARGEST_BYTES:
        raise ConfigError(f"certificates.role: the table is too large, {LARGEST_BYTES} bytes at most; join its ranges")
    return rows


def _row(row: RoleRow) -> RoleRights:
    return RoleRights(row.name, row.functions, _half_open(row.read), _half_open(row.write))


def _half_open(ranges: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((first, last + 1) for first, last in ranges)
