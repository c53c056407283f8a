"""What a role may do (R-16 to R-31): a table that the owner edits, from role to functions and registers.

A certificate without a role has a row of its own, named "". A role that is not in the table, or is badly encoded, has
no rights. The table only narrows what Accept granted.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from shared.tls.certificate import Certificate

FIRST: Final = 0
LAST: Final = 65535
READS: Final = frozenset((3, 4))
WRITES: Final = frozenset((6, 16))
IDENTIFY: Final = 43
FUNCTIONS: Final = READS | WRITES | {IDENTIFY}

Address = Annotated[int, msgspec.Meta(ge=FIRST, le=LAST)]
Ranges = tuple[tuple[Address, Address], ...]
"""First and last register of each."""

EVERYTHING: Final[Ranges] = ((FIRST, LAST),)


class Grant(StrEnum):
    """What Accept granted."""

    READ_WRITE = "rw"
    READ = "r"


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One role.

    Attributes:
        role: as it stands in certificates; empty for certificates without one.
        functions: Modbus function codes it may use.
        read, write: registers, first and last of each range.
    """

    role: Annotated[str, msgspec.Meta(max_length=64)]
    functions: tuple[Annotated[int, msgspec.Meta(ge=1, le=127)], ...] = tuple(sorted(FUNCTIONS))
    read: Ranges = EVERYTHING
    write: Ranges = ()


class _Areas:
    """Ranges of registers, joined where they touch."""

    __slots__ = ("_ends", "_starts")

    def __init__(self, ranges: Ranges) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for first, last in sorted(ranges):
            if last < first:
                raise ValueError(f"{first}-{last} is no range of registers")
            if self._ends and first <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], last + 1)
            else:
                self._starts.append(first)
                self._ends.append(last + 1)

    def hold(self, start: int, end: int) -> bool:
        """Whether all from `start` up to `end` are in them."""
        at = bisect_right(self._starts, start) - 1
        return at >= 0 and end <= self._ends[at]


class Rights:
    """What one peer may do. Made once per verdict, asked once per request."""

    __slots__ = ("_functions", "_read", "_write")

    def __init__(self, functions: frozenset[int], read: Ranges, write: Ranges) -> None:
        self._functions = functions
        self._read, self._write = _Areas(read), _Areas(write)

    def allows(self, function: int, start: int = FIRST, end: int = FIRST + 1) -> bool:
        """Whether it may use `function` on the registers from `start` up to, not including, `end`."""
        if function not in self._functions:
            return False
        if function in READS:
            return self._read.hold(start, end)
        return function not in WRITES or self._write.hold(start, end)

    @property
    def all_reads(self) -> bool:
        """Whether every read is allowed, so that it need not be asked one by one."""
        return self._functions >= READS and self._read.hold(FIRST, LAST + 1)


NOTHING: Final = Rights(frozenset(), (), ())


class RoleTable:
    """The rights table."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Build from rows; of two with the same name the later one counts."""
        self._rows = {row.role: row for row in rows}

    def rights(self, certificate: Certificate, grant: Grant) -> Rights:
        """What the owner of this certificate may do."""
        row = None if certificate.role_fault else self._rows.get(certificate.role)
        if row is None:
            return NOTHING
        functions = frozenset(row.functions)
        return (
            Rights(functions, row.read, row.write)
            if grant is Grant.READ_WRITE
            else Rights(functions - WRITES, row.read, ())
        )

    def explain(self, certificate: Certificate) -> str:
        """Why it has no rights; empty where it has some."""
        if certificate.role_fault:
            return certificate.role_fault
        if certificate.role in self._rows:
            return ""
        return f"the role {certificate.role} is not in the table" if certificate.role else "it has no role"
