"""From the images of one meter to what is pushed: which image counts, until when, and the means in between. Pure."""

from enum import Enum
from typing import Final

from services.master_pusher.batch import Batch
from services.master_pusher.groups import GROUPS
from services.master_pusher.mean import Mean
from shared.bus.messages import Image
from shared.clock import ClockMap
from shared.config.master import GroupName
from shared.modbus.pdu import Function, Read
from shared.modbus.view import Face


class Taken(Enum):
    """What became of an image."""

    CYCLE = "a new measuring cycle"
    SAME_CYCLE = "the cycle of the one before, with something else changed"
    NO_SAMPLE = "before the first sample"
    OLDER = "older than the one held"
    FUTURE = "dated in the future"
    MALFORMED = "malformed"


class Feed:
    """The images of one meter.

    Args:
        meter: its id.
        wanted: groups that any receiver gets.
        mean: whether means are pushed.
    """

    def __init__(self, meter: str, wanted: frozenset[GroupName], *, mean: bool = False) -> None:
        self.meter: Final = meter
        self._wanted: Final = tuple(name for name in GROUPS if name in wanted)
        self._clocks: Final = ClockMap()
        self._means = {name: Mean(GROUPS[name].rows) for name in self._wanted if mean and GROUPS[name].live}
        self._version = (-1, -1)
        self._face: Face | None = None
        self._t_ns = self._meant_ns = 0
        self._until_ns = -1
        self.counts = dict.fromkeys(Taken, 0)

    @property
    def until_ns(self) -> int:
        """Local time after which nothing of this meter is pushed; -1 before the first sample."""
        return self._until_ns

    def take(self, image: Image, now: int) -> Taken:
        """Take an image if it counts. `now` is CLOCK_BOOTTIME at its reception."""
        taken = self._take(image, now)
        self.counts[taken] += 1
        return taken

    def _take(self, image: Image, now: int) -> Taken:
        if image.version <= self._version:
            return Taken.OLDER
        if not image.t_ns:  # a store that has just started, and no meter that answers
            self._version, self._until_ns = image.version, -1
            return Taken.NO_SAMPLE
        t_ns = self._clocks.to_local(image.boot, image.t_ns, now)
        if t_ns is None:
            return Taken.FUTURE
        try:
            self._face = Face(image, stale=False)
        except ValueError:
            return Taken.MALFORMED
        known = self._t_ns
        self._version, self._t_ns = image.version, t_ns
        self._until_ns = t_ns + image.stale_after_ms * 1_000_000
        for name, mean in self._means.items():
            if (data := self._read(name)) is not None:
                mean.add(t_ns, data, image.stale_after_ms * 1_000_000)
        return Taken.SAME_CYCLE if t_ns == known else Taken.CYCLE

    def batch(self, mean_ms: int = 0) -> Batch | None:
        """What to push now; None before the first sample.

        Args:
            mean_ms: an interval: the means since the last such call, of a single measurement its values, and None where
                there was no new one: a mean was given already, and the last value is not another one.
        """
        if self._until_ns < 0:
            return None
        if mean_ms:
            if self._t_ns == self._meant_ns:
                return None
            self._meant_ns = self._t_ns
        over_ms = self._over_ms(mean_ms) if mean_ms else 0
        data: dict[GroupName, bytes] = {}
        for name in self._wanted:
            read = self._read(name)
            if read is not None:
                data[name] = self._means[name].take() if mean_ms and name in self._means else read
        return Batch(
            self.meter,
            self._version,
            self._t_ns,
            self._until_ns,
            data,
            withheld=tuple(name for name in self._wanted if name not in data),
            mean_ms=over_ms,
        )

    def _over_ms(self, interval_ms: int) -> int:
        """What the means of now are over, in whole intervals: several where cycles are longer than one."""
        covered_ns = max((mean.covered_ns for mean in self._means.values()), default=0)
        return covered_ns and interval_ms * max(1, round(covered_ns / (interval_ms * 1_000_000)))

    def _read(self, name: GroupName) -> bytes | None:
        """A group as the plain slave answers it; None where that is exception 02 or 04."""
        group = GROUPS[name]
        read = Read(Function.READ_HOLDING_REGISTERS, group.start, group.count)
        answer = self._face.read(read) if self._face is not None else None
        return answer if isinstance(answer, bytes) else None
