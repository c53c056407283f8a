"""The role: one task per meter, from source to published sample, and never a sample that is not whole and possible."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Final

from services.measurement.build import outward_of, source_of
from services.measurement.check import impossible, incomplete
from services.measurement.derive import complete
from services.measurement.gaps import Gaps, News
from services.measurement.source import Link, Reading, Source, Steered
from shared.actor import Actor, Life
from shared.bus.messages import Event, Sample, SourceState, WallboxSettings
from shared.clock import now_ns
from shared.config.model import Meter
from shared.errors import ConfigError

if TYPE_CHECKING:
    from shared.tls.outward import Outward

COUNTS_EVERY_S: Final = 5.0
"""So often the counts of attempts are told again while they move."""


class Gauge:
    """One meter: what becomes of its readings.

    Args:
        meter: settings.
        life: of the role.
        on_sample: called after each published sample.
        on_link: called when `note` may have changed.
        source: where readings come from; by default what the settings name.
        outward: which meters with TLS are trusted.

    Attributes:
        fresh_until_ns: CLOCK_BOOTTIME until which its last sample is fresh; 0 before the first.
        trouble: why the source gives no readings, or why they are dropped; empty while samples come.
    """

    def __init__(
        self,
        meter: Meter,
        life: Life,
        on_sample: Callable[[], None],
        on_link: Callable[[], None],
        *,
        source: Source | None = None,
        outward: "Outward | None" = None,
    ) -> None:
        self._meter = meter
        self._life = life
        self._on_sample = on_sample
        self._on_link = on_link
        self._log = life.log.bind(meter=meter.id)
        self._max_power_w = meter.max_power_kw * 1000
        self._source = source or source_of(meter, self.report, self._log.warning, outward=outward)
        self._invented = False
        self._dropped = 0
        self._dropping = False
        self._gaps = Gaps(meter.id, meter.stale_after_ms)
        self._link: Link | None = None
        self._published: Link | None = None
        self.fresh_until_ns = 0
        self.trouble = ""

    @property
    def meter_id(self) -> str:
        """Of the settings."""
        return self._meter.id

    @property
    def note(self) -> str:
        """What the owner should know: its trouble; else that what comes as from a real meter is invented."""
        if self.trouble or not self._invented or self._meter.source == "simulated":
            return self.trouble
        return f"meter {self.meter_id}: SIMULATION: its values are invented"

    async def run(self) -> None:
        """Publish what comes; ends with the source."""
        async for reading in self._source.readings():
            self.take(reading)

    def take(self, reading: Reading) -> None:
        """Publish one reading as a sample, or drop it and say why."""
        values, derived = complete(reading.values)
        reason = impossible(values, self._max_power_w) or incomplete(values)
        if reason is not None:
            self._drop(reason)
            return
        if reading.simulated != self._invented:
            self._announce(invented=reading.simulated)
        meter = self._meter
        stamp = self._life.bus.stamp(Sample, meter.id)
        sample = Sample(
            **stamp,
            t_ns=reading.t_ns,
            meter=meter.id,
            values=values,
            source=meter.source,
            simulated=reading.simulated,
            period_ms=meter.cycle_ms,
            derived=derived,
            texts=reading.texts,
        )
        self._life.bus.publish(sample, meter.id)
        if self._dropping:
            self._dropping = False
            self._trouble("")
        self.fresh_until_ns = reading.t_ns + meter.stale_after_ms * 1_000_000
        if (news := self._gaps.hit(reading.t_ns, values)) is not None:
            self._tell(news)
        self._on_sample()

    def obey(self, settings: WallboxSettings) -> None:
        """Have the meter's wallbox follow what was written, where its source has one that can be steered."""
        if isinstance(self._source, Steered):
            self._source.steer(settings)
            self._log.info(
                "wallbox settings obeyed",
                mode=settings.mode,
                min_pv_power_quota=settings.min_pv_power_quota,
                min_charging_power_quota=settings.min_charging_power_quota,
            )

    def report(self, link: Link) -> None:
        """Publish that the source began or ceased to give readings; what only counts on waits for `tell_counts`."""
        before, self._link = self._link, link
        if not link.connected:
            self._miss("measurement.lost", f"no readings: {link.reason}", reason=link.reason)
        if before is not None and (before.connected, before.reason) == (link.connected, link.reason):
            return
        self._trouble("" if link.connected else link.reason)
        if before is None and link.connected:
            self._log.info("source gives readings", reason=link.reason)
        elif before is not None and not before.connected and not link.connected and self._gaps.told:
            self._log.warning("measurement.lost", text=f"no readings: {link.reason}")
        self._publish(link)

    def tell_counts(self) -> None:
        """Publish what the source said last, where that has not been; nothing has happened, so nothing is logged."""
        if self._link is not None and self._link != self._published:
            self._publish(self._link)

    def _publish(self, link: Link) -> None:
        self._published = link
        stamp = self._life.bus.stamp(SourceState, self._meter.id)
        state = SourceState(
            **stamp,
            t_ns=now_ns(),
            meter=self._meter.id,
            connected=link.connected,
            reason=link.reason,
            polls=link.polls,
            failures=link.failures,
        )
        self._life.bus.publish(state, self._meter.id)

    def _trouble(self, reason: str) -> None:
        self.trouble = reason and f"meter {self._meter.id}: {reason}"
        self._on_link()

    def _announce(self, *, invented: bool) -> None:
        self._invented = invented
        if invented:
            self._log.warning("SIMULATION: the values of this meter are invented; never let them steer a real inverter")
        self._on_link()

    def _drop(self, reason: str) -> None:
        self._dropped += 1
        self._dropping = True
        self._trouble(f"a sample was dropped: {reason}")
        self._miss("measurement.dropped", f"a sample was dropped: {reason}", reason=reason, dropped=self._dropped)

    def _miss(self, kind: str, text: str, **data: str | int) -> None:
        if (news := self._gaps.miss(kind, text, now_ns(), **data)) is not None:
            self._tell(news)

    def _tell(self, news: News) -> None:
        """Log and publish that something happened."""
        log = self._log.info if news.level == "info" else self._log.warning
        log(news.kind, text=news.text)
        stamp = self._life.bus.stamp(Event)
        event = Event(**stamp, t_ns=now_ns(), kind=news.kind, level=news.level, text=news.text, data=news.data)
        self._life.bus.publish(event)


class Measurement(Actor):
    """All meters of the settings."""

    role: ClassVar[str] = "measurement"

    async def run(self) -> None:
        """Ready once the sources run, whether or not a meter answers; without a meter ready and idle."""
        outward = outward_of(self.life)
        self._gauges = [
            Gauge(meter, self.life, self._on_sample, self._on_link, outward=outward) for meter in self.life.config.meter
        ]
        if not self._gauges:
            self.life.log.warning("no [[meter]] in the settings: nothing is measured; add one")
        try:
            async with asyncio.TaskGroup() as group:
                if outward is not None:
                    group.create_task(outward.run())
                for gauge in self._gauges:
                    group.create_task(gauge.run())
                self.life.bus.subscribe("register-store", WallboxSettings, self._obey)
                self.life.ready()
                while True:  # stays, with no meter or with replays that ended
                    await asyncio.sleep(COUNTS_EVERY_S)
                    for gauge in self._gauges:
                        gauge.tell_counts()
                        await asyncio.sleep(0)  # no reading waits for the counts of more than one meter
        except BaseExceptionGroup as errors:
            config, _ = errors.split(ConfigError)
            if config is not None:  # its own exit code: starting again cannot help
                raise config.exceptions[0] from None
            raise

    def _obey(self, settings: WallboxSettings) -> None:
        for gauge in self._gauges:
            if gauge.meter_id == settings.meter:
                gauge.obey(settings)

    def _on_sample(self) -> None:
        """What `health --fresh` asks for is the meter whose sample is the oldest."""
        self.life.status(fresh_until_ns=min(gauge.fresh_until_ns for gauge in self._gauges))

    def _on_link(self) -> None:
        """What `metergate ps` shows beside the state: which meters are away, and why; which are no real ones."""
        self.life.status(note="; ".join(gauge.note for gauge in self._gauges if gauge.note))


ACTOR: Final = Measurement
