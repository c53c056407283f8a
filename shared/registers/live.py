"""The registers as a slave would serve them now: an image, and how old it is."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from shared import clock
from shared.bus.messages import Image
from shared.registers.decode import Reading, decode_image
from shared.registers.row import Row


class Live(Struct, frozen=True):
    """One image as it stands.

    Attributes:
        readings: by row name.
        age_s: since the source had it; None before the first sample.
        stale: whether live registers are no longer served.
    """

    readings: Mapping[str, Reading]
    age_s: float | None
    stale: bool

    @property
    def words(self) -> str:
        """The age for a person."""
        if self.age_s is None:
            return "no sample yet: live registers get exception 04"
        return f"{self.age_s:.1f} s old" + (", stale: live registers get exception 04" if self.stale else "")


def live(rows: Sequence[Row], image: Image, now: int) -> Live:
    """What a slave would answer at `now` (CLOCK_BOOTTIME)."""
    taken = clock.ClockMap(repeated=False).to_local(image.boot, image.t_ns, now) if image.t_ns else None
    return standing(rows, image, taken, now)


def standing(rows: Sequence[Row], image: Image, taken: int | None, now: int) -> Live:
    """As `live`, where it is known when the source had it (local CLOCK_BOOTTIME; None before the first sample)."""
    age_ns = None if taken is None else now - taken
    stale = age_ns is None or age_ns > image.stale_after_ms * 1_000_000
    return Live(decode_image(rows, image.blocks, stale=stale), None if age_ns is None else age_ns / 1e9, stale)
