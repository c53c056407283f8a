"""Energy counters: never backwards, never anew from zero. Pure: no clock, no file, no logger.

A counter that the source gives itself passes a guard; any other is integrated from its power. Unit: mJ as an integer
(mW s, mvar s, mVA s), since 0.1 Wh, the register's resolution, is exactly 360,000 of them.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.registers.encode import MJ_PER_WH
from shared.registers.quantities import POWERS, SUMS_AND_PHASES

_NS_PER_S: Final = 1_000_000_000

SLACK_MJ: Final = 10_000 * MJ_PER_WH
"""A step of a source's counter that its resolution and a late poll explain, beside what its power explains: 10 kWh."""

_ROLLOVERS_MJ: Final = tuple(2**32 * MJ_PER_WH // 1000 * factor for factor in (1, 10, 100, 1000, 10_000, 100_000))
"""Where 32-bit counters start over: units of 1 mWh up to 100 Wh."""

LONGEST_ROLLOVER_S: Final = 3600.0
"""After a longer pause a small reading is a new meter, not the old one whose 32 bits started over."""

STANDSTILL_S: Final = 31 * 24 * 3600.0
"""Between two boots the wall clock may have stood still: no battery keeps it, and no time server has answered yet."""

GLITCH_S: Final = 900.0
"""A source that comes back to its old track within this time (a reboot, a torn read) only had a fault."""

LARGEST_MJ: Final = 2**63 - 1
"""2.56 TWh; a reading beyond it, or below zero, is no reading."""


class Way(NamedTuple):
    """Which power feeds a counter, and with which sign it counts."""

    power: str
    sign: int


_WAYS: Final = {
    f"{kind}_energy_{way}{suffix}": Way(f"{kind}_power{suffix}", sign)
    for kind in ("active", "reactive", "apparent")
    for way, sign in (("import", 1), ("export", -1))
    for suffix in SUMS_AND_PHASES
}
_POWERS: Final = tuple(f"{name}{suffix}" for name in POWERS for suffix in SUMS_AND_PHASES)


class Counted(NamedTuple):
    """The sample up to which the counters have counted.

    Attributes:
        t_ns: CLOCK_BOOTTIME, 0 before the first one.
        powers: power name -> W, var or VA.
    """

    t_ns: int
    powers: dict[str, float]


class _Track(NamedTuple):
    """Where a source's counter was before a step that was not counted as it came.

    Attributes:
        reading, value: of the source and ours, mJ.
        gap_s: how long before that step, at most.
        age_s: how long ago that step was.
    """

    reading: int
    value: int
    gap_s: float
    age_s: float


class Correction(NamedTuple):
    """Something that an owner must see: a step of the source that was not counted as it came.

    Attributes:
        counter: name.
        kind: `held` (decrease or impossible jump, not counted), `rollover` (32 bits started over, counted on).
        reading_mj, before_mj: of the source, now and before.
        value_mj: of our counter, after the correction.
    """

    counter: str
    kind: str
    reading_mj: int
    before_mj: int
    value_mj: int


class Counters:
    """The counters of one meter.

    Args:
        values: counter name -> mJ, from the journal. Absent: never known.
        readings: counter name -> last reading of the source's own counter, mJ. Absent: never read, or integrated since.
        max_power_w: what the meter's connection can carry at most.
        last: the last sample that was counted, so that a restart in between loses no energy.

    Attributes:
        unmeasured: counters that the source neither gives nor gives power for.
    """

    __slots__ = ("_max_power_w", "_tracks", "last", "readings", "unmeasured", "values")

    def __init__(
        self, values: Mapping[str, int], readings: Mapping[str, int], max_power_w: float, last: Counted | None = None
    ) -> None:
        self.values = dict(values)
        self.readings = dict(readings)
        self.unmeasured: frozenset[str] = frozenset()
        self._max_power_w = max_power_w
        self._tracks: dict[str, _Track] = {}
        self.last = last or Counted(0, {})

    def advance(
        self, sample: Mapping[str, float], t_ns: int, longest_gap_ns: int, since_s: float, *, rebooted: bool = False
    ) -> list[Correction]:
        """Count on to a sample.

        Args:
            sample: quantity name -> value (W, var, VA, Wh, varh, VAh).
            t_ns: CLOCK_BOOTTIME of the sample.
            longest_gap_ns: a longer gap since the last sample is not integrated: nobody knows what happened in it.
            since_s: seconds since the last sample, also across a restart.
            rebooted: `since_s` is the wall clock's; the true time may be as long as STANDSTILL_S.

        Returns:
            What did not go as the source said.
        """
        gap_ns = t_ns - self.last.t_ns if self.last.t_ns else 0
        step_ns = gap_ns if 0 < gap_ns <= longest_gap_ns else 0
        before = self.last.powers
        since_s = max(0.0, since_s)
        longest_s = max(since_s, STANDSTILL_S) if rebooted else since_s
        corrections = []
        unmeasured = []
        for name, (power, sign) in _WAYS.items():
            if name in sample:
                if power in sample and name in self.values and name not in self.readings:  # integrated until now
                    self._integrate(name, sign, before.get(power), sample[power], step_ns)
                correction = self._read(name, sample[name] * MJ_PER_WH, since_s, longest_s)
                if correction is not None:
                    corrections.append(correction)
            elif power in sample:  # the source's counter counts the same meanwhile: its steps begin anew afterwards
                self.readings.pop(name, None)
                self._tracks.pop(name, None)
                self._integrate(name, sign, before.get(power), sample[power], step_ns)
            else:
                unmeasured.append(name)
        self.unmeasured = frozenset(unmeasured)
        self.last = Counted(max(t_ns, self.last.t_ns), {power: sample[power] for power in _POWERS if power in sample})
        return corrections

    def _integrate(self, name: str, sign: int, before_w: float | None, now_w: float, step_ns: int) -> None:
        before_w, now_w = sign * (now_w if before_w is None else before_w), sign * now_w
        if before_w <= 0 and now_w <= 0:  # nothing flows this way, as in one of each two counters
            self.values.setdefault(name, 0)
            return
        mean_w = (max(0.0, before_w) + max(0.0, now_w)) / 2
        self._count(name, round(min(self._max_power_w, mean_w) * 1000 * step_ns / _NS_PER_S))

    def _read(self, name: str, given: float, since_s: float, longest_s: float) -> Correction | None:
        before = self.readings.get(name)
        if not 0 <= given <= LARGEST_MJ:
            limited = round(min(LARGEST_MJ, max(-LARGEST_MJ, given)))
            return Correction(name, "held", limited, before or 0, self.values.get(name, 0))
        self.readings[name] = reading = round(given)
        if before is None:  # the first reading, ever or after integrating, is where its steps begin
            self.values.setdefault(name, reading)
            return None
        if self._is_back(name, reading, since_s):
            return None
        step = reading - before
        kind = ""
        if step < 0:
            nearest = min(since_s, LONGEST_ROLLOVER_S)
            over = next((size for size in _ROLLOVERS_MJ if 0 <= step + size <= self._most(nearest)), None)
            step, kind = (step + over, "rollover") if over is not None else (0, "held")
        elif step > self._most(longest_s):
            step, kind = 0, "held"
        if kind == "held":
            self._tracks.setdefault(name, _Track(before, self.values.get(name, 0), longest_s, 0.0))
        value = self._count(name, step)
        return Correction(name, kind, reading, before, value) if kind else None

    def _is_back(self, name: str, reading: int, since_s: float) -> bool:
        """Whether the source goes on where it was before a fault; then the step back to there is no energy."""
        track = self._tracks.pop(name, None)
        if track is None or track.age_s + since_s > GLITCH_S:
            return False
        age_s = track.age_s + since_s
        if not 0 <= reading - track.reading <= self._most(track.gap_s + age_s):
            self._tracks[name] = track._replace(age_s=age_s)
            return False
        missing = track.value + reading - track.reading - self.values.get(name, 0)
        self._count(name, max(0, missing))
        return True

    def _most(self, since_s: float) -> int:
        """The largest step that is possible in this time."""
        return round(self._max_power_w * 1000 * since_s) + SLACK_MJ

    def _count(self, name: str, step: int) -> int:
        self.values[name] = value = min(LARGEST_MJ, self.values.get(name, 0) + step)
        return value
