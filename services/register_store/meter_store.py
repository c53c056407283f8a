"""What the store knows of one meter, and the way from a sample to an image.

    sample -> refuse what is older, of another source, from the future or impossible -> counters -> journal -> image

The journal is written before the image leaves: a counter that somebody has seen is not forgotten by a death in between.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from services.register_store.counters import Correction, Counted, Counters
from services.register_store.findings import Finding
from services.register_store.journal import Journal, JournalDamagedError, Record
from services.register_store.upkeep import Upkeep
from services.register_store.writes import RefusedWriteError, settings_of
from shared import clock
from shared.bus.messages import Block, Sample
from shared.config.model import Meter
from shared.errors import PeerError
from shared.modbus.pdu import ExceptionCode
from shared.rarely import Rarely
from shared.registers.encode import MJ_PER_WH
from shared.registers.identity import device_objects, identity_of
from shared.registers.image import build_blocks, prepare
from shared.registers.plan import plan_for
from shared.registers.quantities import MANDATORY, POWERS, SUMS_AND_PHASES

SYNC_EVERY_NS: Final = 10 * 1_000_000_000
SYNC_EVERY_MJ: Final = 10 * MJ_PER_WH

_POWERS: Final = tuple(f"{name}{suffix}" for name in POWERS for suffix in SUMS_AND_PHASES)
_SYNCED: Final = ("active_energy_import", "active_energy_export")


class RejectedSampleError(PeerError):
    """A sample that must not reach the wire; the text says why."""


class Content(NamedTuple):
    """What an image shows.

    Attributes:
        t_ns: local time at which the source had it, 0 before the first sample.
        blocks: registers.
        device: objects of function 43/14.
    """

    t_ns: int
    blocks: tuple[Block, ...]
    device: dict[int, str]


class _Shown(NamedTuple):
    """What the last image showed of its sample."""

    t_ns: int
    values: Mapping[str, float] | None


class MeterStore:
    """One meter: its counters, its journal, its last sample, what was written to it.

    Args:
        meter: settings.
        wallbox: `[wallbox] present`.
        state_dir: where the journal is.

    Attributes:
        findings: what happened and was not yet told.
        damage: why counters are not known and nothing is kept; empty while the journal is whole.
    """

    def __init__(self, meter: Meter, state_dir: Path, *, wallbox: bool) -> None:
        self.meter = meter
        self.findings: list[Finding] = []
        self.damage = ""
        self._rarely = Rarely()
        self._plan = plan_for(meter, wallbox=wallbox)
        self._clocks = clock.ClockMap()
        self._version = (0, 0)
        self._other_source: str | None = None
        self._stale_ns = meter.stale_after_ms * 1_000_000
        self._journal, record = self._open(state_dir / f"counters-{journal_name(meter)}.journal")
        self._upkeep = None if self._journal is None else Upkeep(self._journal, self.findings, self._rarely)
        self._settings = record.settings
        self._given: set[str] = set()
        self._unsafe = False
        self._shown = _Shown(0, None)
        self._identify({}, simulated=meter.source == "simulated")
        self._wall_s = record.wall_s
        last = Counted(record.t_ns, record.powers) if record.boot == clock.BOOT_ID else None
        self._counters = Counters(record.values, record.readings, meter.max_power_kw * 1000, last)
        self._synced_ns = clock.now_ns()
        self._synced_mj = self._energy()

    @property
    def settings(self) -> Mapping[str, int]:
        """Row name of each register that was ever written -> value."""
        return self._settings

    def content(self) -> Content:
        """What an image shows now: the last sample; before the first, who we are and the counters, nothing live."""
        counters, shown = self._counters, self._shown
        blocks = build_blocks(self._prepared, shown.values, counters.values, counters.unmeasured)
        return Content(shown.t_ns, blocks, self._device)

    def take(self, sample: Sample, now_ns: int) -> Content | None:
        """Count the sample, keep the counters, make the image; None for one that is not newer than the last.

        None also for one of another source than the settings name: `journal_name` follows the settings.

        Raises:
            RejectedSampleError: it must not be shown.
        """
        if sample.version <= self._version:
            return None
        if sample.source != self.meter.source:
            self._leave(sample.source)
            return None
        t_ns = self._clocks.to_local(sample.boot, sample.t_ns, now_ns)
        if t_ns is None:
            ahead_ms = (sample.t_ns - now_ns) / 1e6
            raise RejectedSampleError(f"sample of {self.meter.id} lies {ahead_ms:.0f} ms in the future; not shown")
        if reason := self._impossible(sample):
            raise RejectedSampleError(f"sample of {self.meter.id}: {reason}")
        self._version = sample.version
        since_s, rebooted = self._since(t_ns, now_ns)
        for correction in self._counters.advance(sample.values, t_ns, self._stale_ns, since_s, rebooted=rebooted):
            if times := self._rarely.times((correction.counter, correction.kind), now_ns):
                self.findings.append(_told(self.meter.id, correction, times))
        self._wall_s = time.time()
        self._write()
        if (sample.texts, sample.simulated) != self._said:
            self._identify(sample.texts, simulated=sample.simulated)
        self._shown = _Shown(t_ns, sample.values)
        return self.content()

    def check(self, start: int, values: Sequence[int]) -> Mapping[str, int]:
        """The settings that a write means, not done yet.

        Args:
            start: wire address of the first register.
            values: one number per register.

        Raises:
            RefusedWriteError: says which exception the peer gets.
        """
        settings = settings_of(self._plan.rows, start, values)
        if self._journal is None:
            raise RefusedWriteError(
                ExceptionCode.SERVER_DEVICE_FAILURE, "the journal is damaged: what is written could not be kept"
            )
        return settings

    def write(self, settings: Mapping[str, int]) -> Content:
        """Keep what `check` gave, then show it."""
        self._settings = {**self._settings, **settings}
        self._write()
        self._prepared = prepare(self._plan, self._identity, self._settings)
        self._unsafe = True
        return self.content()

    @property
    def note(self) -> str:
        """What is wrong with the journal, for as long as it is; else empty."""
        return self.damage or ("" if self._upkeep is None else self._upkeep.note)

    def due(self, now_ns: int) -> bool:
        """Whether the journal is to be made safe against power loss: every 10 s or 10 Wh, after a write at once."""
        energy = self._energy()
        if not self._unsafe and now_ns - self._synced_ns < SYNC_EVERY_NS and energy - self._synced_mj < SYNC_EVERY_MJ:
            return False
        self._synced_ns, self._synced_mj, self._unsafe = now_ns, energy, False
        return True

    async def keep(self, now_ns: int) -> None:
        """Once a second: have the journal be in its place, and the disk take it when that is due."""
        if self._upkeep is None:
            return
        await self._upkeep.look(now_ns)
        if self.due(now_ns):
            await self._upkeep.sync(now_ns)

    def close(self) -> None:
        """Make the journal safe and close it."""
        if self._upkeep is not None:
            self._upkeep.close(clock.now_ns())

    def _identify(self, texts: Mapping[str, str], *, simulated: bool) -> None:
        """Take over who the meter says it is."""
        self._said = (texts, simulated)
        self._identity = identity_of(self.meter, texts, simulated=simulated)
        self._device = device_objects(self._identity)
        self._prepared = prepare(self._plan, self._identity, self._settings)

    def _open(self, path: Path) -> tuple[Journal | None, Record]:
        try:
            journal = Journal(path)
        except JournalDamagedError as error:
            self.damage = str(error)
            self.findings.append(Finding("journal.damaged", "error", self.damage))
            return None, Record()
        if journal.alarm:
            self.findings.append(Finding("journal.slot_damaged", "error", journal.alarm))
        return journal, journal.record

    def _write(self) -> None:
        if self._journal is None:  # integrating would start at zero: only what the meter counted itself is known
            self._given |= self._counters.readings.keys()
            known = {name: value for name, value in self._counters.values.items() if name in self._given}
            self._counters.values = known
            return
        self._journal.write(
            Record(
                values=self._counters.values,
                readings=self._counters.readings,
                settings=self._settings,
                wall_s=self._wall_s,
                t_ns=self._counters.last.t_ns,
                boot=clock.BOOT_ID,
                powers=self._counters.last.powers,
            )
        )

    def _leave(self, source: str) -> None:
        """Tell once that measurement still goes by other settings: it may do so for as long as it refuses ours."""
        if source != self._other_source:
            self._other_source = source
            text = (
                f"{self.meter.id}: measurement still runs by other settings: sample comes from source {source!r}, "
                f"settings say {self.meter.source!r}; neither shown nor counted. See `metergate ps`"
            )
            self.findings.append(Finding("sample.rejected", "warning", text))

    def _since(self, t_ns: int, now_ns: int) -> tuple[float, bool]:
        """Seconds since the sample before, and whether a boot lies between, so that only the wall clock tells them."""
        last_ns = self._counters.last.t_ns
        if not last_ns:
            return time.time() - self._wall_s, True
        until_ns = t_ns if t_ns > last_ns else now_ns  # of unknown age (clock.LONG_AGO): at most until now
        return (until_ns - last_ns) / 1e9, False

    def _impossible(self, sample: Sample) -> str:
        """Why it must not be shown, and the cure; empty where it may."""
        most = self.meter.max_power_kw * 1000
        if MANDATORY not in sample.values:
            return f"{MANDATORY} is missing; not shown. Its source must give it"
        for name in _POWERS:
            if abs(sample.values.get(name, 0.0)) > most:
                return f"{name} is {sample.values[name]}; not shown. Where it is true, raise meter.max_power_kw"
        return ""

    def _energy(self) -> int:
        return sum(self._counters.values.get(name, 0) for name in _SYNCED)


def journal_name(meter: Meter) -> str:
    """Invented or repeated energy is counted apart: it must never stay in the counters of the real meter."""
    return meter.id if meter.source == "modbus" else f"{meter.id}.{meter.source}"


def _told(meter: str, correction: Correction, times: int) -> Finding:
    before, reading, value = (
        each / MJ_PER_WH / 1000 for each in (correction.before_mj, correction.reading_mj, correction.value_mj)
    )
    step = f"{meter}: {correction.counter} of the source went from {before:.4f} to {reading:.4f} kWh"
    step += f" ({times} times by now)" if times > 1 else ""
    if correction.kind == "rollover":
        return Finding("counter.rollover", "info", f"{step}, where its 32 bits end; counted on to {value:.4f}")
    return Finding("counter.held", "warning", f"{step}; held at {value:.4f} and counting on from there")
