"""Which image counts: of each configured meter the newest by (gen, seq), never one from the future.

Holds the view that is compiled from them. Whoever answers asks for the view of a moment and never sees two mixed.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from shared.bus.messages import Image
from shared.clock import ClockMap
from shared.modbus.view import FOREVER, Face, View


class Verdict(Enum):
    """What became of an image."""

    TAKEN = "taken"
    OLDER = "older than the one held"
    FUTURE = "dated in the future"
    NOT_CONFIGURED = "of a meter that is not configured"
    MALFORMED = "malformed"


class _Held:
    """An image that counts. Its stale face is made once it is needed, which most images never live to see."""

    __slots__ = ("_image", "_stale", "deadline_ns", "fresh", "version")

    def __init__(self, image: Image, deadline_ns: int) -> None:
        self.version = image.version
        self.deadline_ns = deadline_ns
        self.fresh = Face(image, stale=False)  # refuses what is malformed in either face
        self._image = image
        self._stale: Face | None = None

    @property
    def stale(self) -> Face:
        if self._stale is None:
            self._stale = Face(self._image, stale=True)
        return self._stale


class Replica:
    """The newest image of each meter.

    Attributes:
        view: what is answered now; use it only up to its `until_ns`, then `turn`.
        counts: how often each verdict was given.
    """

    __slots__ = ("_clocks", "_held", "_units", "counts", "view")

    def __init__(self, units: Mapping[str, int]) -> None:
        """Start without any image.

        Args:
            units: meter id -> unit id of each configured meter. A single one answers any unit id.
        """
        self._units: Final = dict(units)
        self._clocks: Final = {meter: ClockMap() for meter in units}
        self._held: dict[str, _Held] = {}
        self.counts = dict.fromkeys(Verdict, 0)
        self.view = self._compile(0)

    def take(self, image: Image, now: int) -> Verdict:
        """Take `image` if it counts. `now` is CLOCK_BOOTTIME at its reception."""
        verdict = self._judge(image, now)
        self.counts[verdict] += 1
        if verdict is Verdict.TAKEN:
            self.view = self._compile(now)
        return verdict

    def turn(self, now: int) -> View:
        """The view of `now`, once the former one has ended: what was fresh may be stale."""
        self.view = self._compile(now)
        return self.view

    def holds(self, meter: str, version: tuple[int, int]) -> bool:
        """Whether the image of `meter` is of that version or newer."""
        held = self._held.get(meter)
        return held is not None and held.version >= version

    @property
    def complete(self) -> bool:
        """Whether there is an image of every configured meter, of whatever age."""
        return len(self._held) == len(self._units)

    @property
    def fresh_until_ns(self) -> int:
        """Until when every configured meter is fresh; 0 where one has no sample yet, or there is no meter."""
        if not self._units or not self.complete:
            return 0
        return max(0, min(held.deadline_ns for held in self._held.values()))

    def _judge(self, image: Image, now: int) -> Verdict:
        if image.meter not in self._units:
            return Verdict.NOT_CONFIGURED
        held = self._held.get(image.meter)
        if held is not None and image.version <= held.version:
            return Verdict.OLDER
        deadline = -1  # without a sample it is stale at any time
        if image.t_ns:
            taken_ns = self._clocks[image.meter].to_local(image.boot, image.t_ns, now)
            if taken_ns is None:
                return Verdict.FUTURE
            deadline = taken_ns + image.stale_after_ms * 1_000_000
        try:
            self._held[image.meter] = _Held(image, deadline)
        except ValueError:
            return Verdict.MALFORMED
        return Verdict.TAKEN

    def _compile(self, now: int) -> View:
        faces: dict[int, Face] = {}
        until = FOREVER
        for meter, unit in self._units.items():
            held = self._held.get(meter)
            if held is None:
                faces[unit] = _NO_IMAGE
            elif now > held.deadline_ns:
                faces[unit] = held.stale
            else:
                faces[unit] = held.fresh
                until = min(until, held.deadline_ns)
        if len(self._units) > 1:
            return View(faces, None, until)
        return View({}, next(iter(faces.values()), _NO_IMAGE), until)


_NO_IMAGE: Final = Face(None, stale=True)
