"""When the owner is told that a meter's samples stay away, and that they come again. Pure: no clock, no bus.

A gap begins with the first attempt that gives no sample and ends with the next sample. It is told at once at the 1st,
2nd, 4th, 8th ... time; any other as soon as the values grow stale, which devices see: `BURST` in a row, then one a
minute. The end is told of each gap that was told.
"""

from collections.abc import Collection
from typing import Final, NamedTuple

from shared.rarely import Rarely

PAUSE_NS: Final = 60_000_000_000
"""Between two gaps that are told only because values are stale, once more came than `BURST`."""
BURST: Final = 10
COUNTERS: Final = ("active_energy_import", "active_energy_export")


class News(NamedTuple):
    """What the owner is told.

    Attributes:
        kind: of the event.
        level: `info` or `warning`.
        text: one sentence.
        data: the same for a machine; times in s.
    """

    kind: str
    level: str
    text: str
    data: dict[str, str | int | float | bool]


class Gaps:
    """Those of one meter. Times are CLOCK_BOOTTIME in ns.

    Args:
        meter: its id.
        stale_after_ms: of the settings.
    """

    def __init__(self, meter: str, stale_after_ms: int) -> None:
        self._meter = meter
        self._stale_ns = stale_after_ms * 1_000_000
        self._rarely = Rarely()
        self._last_ns = 0
        self._since_ns = 0
        self._free_ns = 0
        self._told: dict[str, bool] = {}

    @property
    def told(self) -> bool:
        """Whether there is a gap that was told."""
        return any(self._told.values())

    def miss(self, kind: str, text: str, now_ns: int, **data: str | int) -> News | None:
        """There is no sample; called at each attempt, so that a gap that lasts is told late rather than never.

        Args:
            kind: of the event; each is told once in a gap.
            text: what is missing, and why.
            now_ns: time.
            data: the same for a machine.
        """
        self._since_ns = self._since_ns or now_ns
        times = 0 if kind in self._told else self._rarely.times(kind, now_ns)
        if self._told.setdefault(kind, False) or not (times or self._is_stale(now_ns)):
            return None
        self._told[kind] = True
        text = f"meter {self._meter}: {text}"
        return News(
            kind, "warning", f"{text} ({times} times by now)" if times > 1 else text, {"meter": self._meter, **data}
        )

    def hit(self, t_ns: int, given: Collection[str]) -> News | None:
        """There is a sample.

        Args:
            t_ns: of the sample.
            given: names of its quantities.
        """
        last_ns, self._last_ns = self._last_ns, t_ns
        if not self._since_ns:
            return None
        since_ns, self._since_ns = self._since_ns, 0
        told = self.told
        self._told.clear()
        return self._ended(t_ns, last_ns, since_ns, given) if told else None

    def _is_stale(self, now_ns: int) -> bool:
        """Whether values are stale, and there is room to tell it."""
        stale = now_ns - (self._last_ns or self._since_ns) > self._stale_ns
        if not stale or now_ns < self._free_ns - (BURST - 1) * PAUSE_NS:
            return False
        self._free_ns = max(now_ns, self._free_ns) + PAUSE_NS
        return True

    def _ended(self, t_ns: int, last_ns: int, since_ns: int, given: Collection[str]) -> News:
        """Before the first sample of this process nobody here knows what the registers showed."""
        away_s = (t_ns - (last_ns or since_ns)) / 1e9
        stale_s = max(0.0, away_s - self._stale_ns / 1e9) if last_ns else 0.0
        parts = [
            f"meter {self._meter}: samples come again after {away_s:.1f} s"
            if last_ns
            else f"meter {self._meter}: first sample after {away_s:.1f} s"
        ]
        if stale_s:
            parts.append(f"its live registers were stale for {stale_s:.1f} s")
            if not set(COUNTERS).issubset(given):
                parts.append("energy that the meter does not count itself lacks this time")
        data: dict[str, str | int | float | bool] = {
            "meter": self._meter,
            "away_s": round(away_s, 3),
            "stale_s": round(stale_s, 3),
        }
        return News("measurement.back", "info", "; ".join(parts), data)
