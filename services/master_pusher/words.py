"""What a slave's refusal means and what to do about it, in words. Pure."""

from typing import Final

from services.master_pusher.groups import GROUPS
from services.master_pusher.master import Refused
from shared.config.master import GroupName
from shared.modbus.pdu import Function

LASTING: Final = frozenset((1, 2, 3))
"""Exceptions that do not go away by themselves: what gets one is not sent again in every cycle."""


def refusal(refused: Refused, *, function: int, tls: bool) -> str:
    """One sentence about an exception, with its cure."""
    request, code = refused.request, refused.code
    last = request.address + request.size - 1
    span = f"{request.tag}: registers {request.address}-{last}"
    match code:
        case 1:
            other = 6 if function == Function.WRITE_MULTIPLE_REGISTERS else 16
            where = "does not let us write: accept this gateway's certificate there, or" if tls else "does not know"
            return f"the slave {where} function {function} ({span}): try function = {other}"
        case 2:
            return f"the slave has no register {request.address}: {_fewer(request.tag)}, or map it ({span})"
        case 3:
            return f"the slave does not take {request.size} registers at once, or not these values ({span})"
        case 4:
            return f"the slave failed while writing ({span}); look at the slave"
        case 5 | 6:
            return f"the slave is busy ({span}); it gets the next values"
        case 10 | 11:
            return f"the gateway on the way does not reach unit {request.frame[4]} ({span}); check unit"
        case _:
            return f"the slave answered with exception {code:02} ({span})"


def _fewer(tag: str) -> str:
    if tag == "instantaneous_total":
        return "set base_offset, switch this group off"
    return "enable only total values" if tag.endswith("_phases") or tag == "energy_total" else f"switch {tag} off"


def amount(names: tuple[GroupName, ...]) -> int:
    """Registers in these groups."""
    return sum(GROUPS[name].count for name in names)
