"""The one clock that ages data: CLOCK_BOOTTIME, which runs on while the machine sleeps.

CLOCK_MONOTONIC stands still during suspend, so that a value of yesterday would still look fresh after waking up;
the wall clock jumps. A time from another boot (another host, or a recording) is only comparable through `ClockMap`.
"""

import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

now_ns: Final = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
"""Nanoseconds since boot, including suspend."""


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


BOOT_ID: Final = _boot_id()
"""Identity of this boot: times under the same identity are comparable directly."""


RELEASED_S: Final = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
"""When this release was made, seconds since 1970. A wall clock before it has not been set: dates cannot be judged."""


def wall_is_set(now_s: float) -> bool:
    """Whether a wall clock, seconds since 1970, can be right: a machine without a battery begins long ago."""
    return now_s >= RELEASED_S


LONG_AGO: Final = -(10**15)
"""Local time of what may be of any age: never fresh, eleven days before the boot."""

DRIFT_PPM: Final = 200
"""By how much two clocks that nobody corrects may drift apart; crystals do at most a fifth of that."""


class _Known(NamedTuple):
    """What is known of a foreign boot: the first time seen, and the offset of a later one as of `at`."""

    first: int
    offset: int | None
    at: int


class ClockMap:
    """Maps times of other boots to local ones by the least delay seen, one offset per foreign boot id.

    Args:
        local: boot id of this host.
        limit: foreign boots that are remembered.
        repeated: whether these messages are sent again to newcomers. Then the first one may be of any age and counts
            as LONG_AGO; only one with a later time was sent while we listened. Use one map for each topic.
    """

    __slots__ = ("_known", "_limit", "_local", "_repeated")

    def __init__(self, local: str = BOOT_ID, limit: int = 64, *, repeated: bool = True) -> None:
        self._local = local
        self._limit = limit
        self._repeated = repeated
        self._known: dict[str, _Known] = {}

    def to_local(self, boot: str, t_ns: int, now: int) -> int | None:
        """Local time of `t_ns`, or None where it lies in the future and must be refused.

        The least delay is slowly forgotten, since clocks drift apart: otherwise all would seem too old after two days.

        Args:
            boot: boot id under which `t_ns` was read.
            t_ns: CLOCK_BOOTTIME of the sender, nanoseconds.
            now: local CLOCK_BOOTTIME at reception, nanoseconds.
        """
        if boot == self._local:
            return t_ns if t_ns <= now else None
        first, offset, at = self._known.pop(boot, _Known(t_ns, None, now))
        if offset is not None:
            offset = min(now - t_ns, offset + max(0, now - at) * DRIFT_PPM // 1_000_000)
        elif t_ns > first or not self._repeated:
            offset = now - t_ns
        self._known[boot] = _Known(first, offset, now)  # re-inserted as the most recent
        if len(self._known) > self._limit:
            del self._known[next(iter(self._known))]
        return LONG_AGO if offset is None else max(LONG_AGO, t_ns + offset)
