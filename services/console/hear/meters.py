"""What is known of each meter: last sample, whether it answers, its register image. Age is counted by CLOCK_BOOTTIME.

A time from another boot is mapped as everywhere (`shared.clock.ClockMap`); one in the future is refused. A value that
is too old is told as stale and never dressed up, whoever stopped: the meter, its role, or the bus.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from services.console.api.models.live import Live
from services.console.hear.counters import counters_of
from services.console.hear.flow import DIGITS, flow_of
from services.console.times import NS_PER_MS, age_ms, iso, wall_of
from shared import clock
from shared.bus.messages import Image, Sample, SourceState
from shared.config.model import Meter
from shared.registers.quantities import PHASES, POWERS, RATIOS, SUMS_AND_PHASES

MOST: Final = 256
"""Meters that are remembered: as many as there are unit ids."""
USUAL: Final = (
    *(f"{name}{suffix}" for name in (*POWERS, *RATIOS) for suffix in SUMS_AND_PHASES),
    *(f"{name}_{phase}" for name in ("voltage", "current") for phase in PHASES),
    "supply_frequency",
)
"""Quantities of which the page says "not measured" where they are absent."""
COUNTERS_EVERY_NS: Final = 1_000_000_000


class Known:
    """One meter.

    Attributes:
        sample: the last one taken; None before the first.
        t_ns: local CLOCK_BOOTTIME at which the source had it.
        source: the last word about the source.
        image: the last register image.
        image_ns: local CLOCK_BOOTTIME at which the source had what is in it; None where that is not known.
    """

    __slots__ = ("_counted", "_counters", "image", "image_ns", "sample", "source", "t_ns")

    def __init__(self) -> None:
        self.sample: Sample | None = None
        self.t_ns = 0
        self.source: SourceState | None = None
        self.image: Image | None = None
        self.image_ns: int | None = None
        self._counters: dict[str, float] = {}
        self._counted: tuple[int, tuple[int, int]] = (0, (0, 0))

    def counters(self, now_ns: int) -> dict[str, float]:
        """Energy counters, decoded at most once a second."""
        at, version = self._counted
        if self.image is not None and self.image.version != version and not 0 <= now_ns - at < COUNTERS_EVERY_NS:
            self._counters = counters_of(self.image)
            self._counted = (now_ns, self.image.version)
        return self._counters


class Meters:
    """All of them.

    Args:
        now_ns: CLOCK_BOOTTIME.

    Attributes:
        on_sample: called with the meter's id after each sample that was taken.
        on_source: called with the meter's id once its source is in another state; counts that moved are none.
    """

    def __init__(self, now_ns: Callable[[], int] = clock.now_ns) -> None:
        self._now = now_ns
        self._known: dict[str, Known] = {}
        self._samples = clock.ClockMap()
        self._images = clock.ClockMap()
        self.on_sample: Callable[[str], None] = lambda _: None
        self.on_source: Callable[[str], None] = lambda _: None

    def __iter__(self) -> Iterator[tuple[str, Known]]:
        return iter(self._known.items())

    def get(self, meter: str) -> Known | None:
        """What is known of one."""
        return self._known.get(meter)

    def invented(self, meter: Meter) -> bool:
        """Whether its values are: by its settings, or because its samples say so."""
        known = self._known.get(meter.id)
        return meter.source == "simulated" or bool(known and known.sample and known.sample.simulated)

    def keep(self, meters: Iterable[str]) -> None:
        """Forget meters that are in the settings no more."""
        for name in self._known.keys() - set(meters):
            del self._known[name]

    def take_sample(self, sample: Sample) -> None:
        """A measurement."""
        known = self._of(sample.meter)
        if known is None:
            return
        if known.sample is not None and sample.version <= known.sample.version:
            return
        now = self._now()
        t_ns = self._samples.to_local(sample.boot, sample.t_ns, now)
        if t_ns is None or (t_ns < known.t_ns and sample.boot == clock.BOOT_ID):
            return
        known.sample, known.t_ns = sample, t_ns
        self.on_sample(sample.meter)

    def take_source(self, state: SourceState) -> None:
        """Whether it answers, and how often it was asked."""
        known = self._of(state.meter)
        if known is None or (known.source is not None and state.version <= known.source.version):
            return
        before, known.source = known.source, state
        if before is None or (before.connected, before.reason) != (state.connected, state.reason):
            self.on_source(state.meter)

    def take_image(self, image: Image) -> None:
        """What clients read."""
        known = self._of(image.meter)
        if known is not None and (known.image is None or image.version > known.image.version):
            known.image = image
            known.image_ns = self._images.to_local(image.boot, image.t_ns, self._now()) if image.t_ns else None

    def live(self, meter: Meter, trouble: str = "") -> Live:
        """One meter as it is known now.

        Args:
            meter: of the settings in force.
            trouble: why nothing can come, in words; empty where it can.
        """
        known, now = self._known.get(meter.id), self._now()
        simulated = self.invented(meter)
        if known is None:
            known = Known()
        connected = None if known.source is None else known.source.connected
        reason = "" if known.source is None or known.source.connected else known.source.reason
        if trouble:
            connected, reason = False, trouble
        sample = known.sample
        if sample is None:
            return Live(
                meter=meter.id,
                stale_after_ms=meter.stale_after_ms,
                connected=connected,
                reason=reason,
                source=meter.source,
                simulated=simulated,
                period_ms=meter.cycle_ms,
                counters=known.counters(now),
            )
        age = age_ms(known.t_ns, now)
        wall = wall_of(known.t_ns)
        return Live(
            meter=meter.id,
            time=iso(wall),
            time_ms=wall,
            age_ms=age,
            stale=now - known.t_ns > meter.stale_after_ms * NS_PER_MS,
            stale_after_ms=meter.stale_after_ms,
            connected=connected,
            reason=reason,
            source=sample.source or meter.source,
            simulated=simulated,
            period_ms=sample.period_ms or meter.cycle_ms,
            values={name: round(value, DIGITS) for name, value in sample.values.items()},
            unmeasured=tuple(name for name in USUAL if name not in sample.values),
            derived=sample.derived,
            counters=known.counters(now),
            flow=flow_of(sample.values),
            identity=sample.texts,
        )

    def _of(self, meter: str) -> Known | None:
        known = self._known.get(meter)
        if known is None and len(self._known) < MOST:
            known = self._known[meter] = Known()
        return known
