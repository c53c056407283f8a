"""What is pushed at once: the groups of one image of a meter, encoded once for all slaves that want it alike. Pure."""

from collections.abc import Mapping
from typing import NamedTuple

from services.master_pusher.groups import GROUPS, Group
from services.master_pusher.master import Request
from shared.config.master import GroupName
from shared.modbus.frame import wrap
from shared.modbus.pdu import Function


class Layout(NamedTuple):
    """How a slave wants its registers."""

    unit: int = 1
    function: int = Function.WRITE_MULTIPLE_REGISTERS
    base_offset: int = 0
    low_first: bool = False


class Batch:
    """The groups of one moment, or their means up to it.

    Attributes:
        meter: id of the settings.
        version: of the image, (gen, seq).
        t_ns: when the source had the newest values in it, on the local clock.
        until_ns: local time after which it must not be pushed any more.
        data: registers by group, exactly as the plain slave shows them.
        withheld: groups of which a value was never known so far, so that the slave has nothing to show either.
        mean_ms: what the means are over; 0 for the values of one moment.
        web: body for web services by the groups in it, made when the first of them wants it.
    """

    __slots__ = ("_frames", "data", "mean_ms", "meter", "t_ns", "until_ns", "version", "web", "withheld")

    def __init__(
        self,
        meter: str,
        version: tuple[int, int],
        t_ns: int,
        until_ns: int,
        data: Mapping[GroupName, bytes],
        *,
        withheld: tuple[GroupName, ...] = (),
        mean_ms: int = 0,
    ) -> None:
        self.meter = meter
        self.version = version
        self.t_ns = t_ns
        self.until_ns = until_ns
        self.data = data
        self.withheld = withheld
        self.mean_ms = mean_ms
        self._frames: dict[tuple[Layout, GroupName], tuple[Request, ...]] = {}
        self.web: dict[tuple[GroupName, ...], bytes] = {}

    @property
    def delivery(self) -> str:
        """Identifies it to web services. A mean and the values of one moment may end with the same image."""
        gen, seq = self.version
        return f"{self.meter}-{gen}-{seq}" + (f"-{self.mean_ms}" if self.mean_ms else "")

    def requests(self, layout: Layout, name: GroupName) -> tuple[Request, ...]:
        """The frames that write a group; the same objects for every slave of that layout."""
        frames = self._frames.get((layout, name))
        if frames is None:
            frames = self._frames[layout, name] = requests(GROUPS[name], self.data[name], layout)
        return frames


def requests(group: Group, data: bytes, layout: Layout) -> tuple[Request, ...]:
    """The frames that write the registers of a group."""
    if layout.low_first:
        data = b"".join([data[2 * index : 2 * index + 2] for index in group.low_first])
    if layout.function == Function.WRITE_SINGLE_REGISTER:
        pieces = [(start, 1) for start in range(group.start, group.end)]
    else:
        pieces = list(group.pieces)
    return tuple(
        write(layout, start, data[2 * (start - group.start) : 2 * (start - group.start + count)], group.name)
        for start, count in pieces
    )


def write(layout: Layout, start: int, data: bytes, tag: str) -> Request:
    """One request: function 16, or 6 where the slave wants that."""
    address, count = start + layout.base_offset, len(data) // 2
    where = address.to_bytes(2, "big")
    if layout.function == Function.WRITE_SINGLE_REGISTER:
        pdu = answer = b"%c%b%b" % (layout.function, where, data)
    else:
        answer = b"%c%b%b" % (layout.function, where, count.to_bytes(2, "big"))
        pdu = b"%b%c%b" % (answer, len(data), data)
    return Request(wrap(layout.unit, pdu), wrap(layout.unit, answer), tag, address, count)
