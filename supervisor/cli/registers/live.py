"""The registers as a slave would serve them now, from the last image that the register store published."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from shared import clock
from shared.bus.endpoints import Endpoints, is_held
from shared.bus.messages import Image, Sample
from shared.errors import PeerError
from shared.registers.decode import Reading, decode_image
from shared.registers.row import Row
from supervisor.cli.latest import latest

STORE: Final = "register-store"
MEASUREMENT: Final = "measurement"
MEASURED: Final = ("quantity", "import", "export")
PATIENCE_S: Final = 1.0


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


def last_image(endpoints: Endpoints, meter: str, timeout_s: float = PATIENCE_S) -> Image | None:
    """The image of that meter that is served now; None where none runs on this host.

    Raises:
        PeerError: it runs here or elsewhere, but no image of that meter comes.
        BusError: what came is malformed.
    """
    endpoint = endpoints.pub(STORE)
    if endpoint.curve is None and not is_held(endpoints.run_dir, STORE):
        return None
    return latest(endpoints, STORE, Image, meter, timeout_s)


def unmeasured(rows: Sequence[Row], endpoints: Endpoints, meter: str, timeout_s: float = PATIENCE_S) -> frozenset[str]:
    """Names of the rows that read 0 because the meter gives nothing for them; none where nobody says what it gives."""
    if endpoints.pub(MEASUREMENT).curve is None and not is_held(endpoints.run_dir, MEASUREMENT):
        return frozenset()
    try:
        given = latest(endpoints, MEASUREMENT, Sample, meter, timeout_s).values
    except PeerError:
        return frozenset()
    return frozenset(row.name for row in rows if row.origin.kind in MEASURED and row.origin.name not in given)


def live(rows: Sequence[Row], image: Image, now: int) -> Live:
    """What a slave would answer at `now` (CLOCK_BOOTTIME)."""
    taken = clock.ClockMap(repeated=False).to_local(image.boot, image.t_ns, now) if image.t_ns else None
    age_ns = None if taken is None else now - taken
    stale = age_ns is None or age_ns > image.stale_after_ms * 1_000_000
    return Live(decode_image(rows, image.blocks, stale=stale), None if age_ns is None else age_ns / 1e9, stale)
