"""The one clock that ages data: CLOCK_BOOTTIME, which runs on while the machine sleeps.

CLOCK_MONOTONIC stands still during suspend, so that a value of yesterday would still look fresh after waking up;
the wall clock jumps. A time from another boot (another host, or a recording) is only comparable through `ClockMap`.
"""

import time
from functools import partial
from pathlib import Path
from typing import Final

now_ns: Final = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
"""Nanoseconds since boot, including suspend."""


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


BOOT_ID: Final = _boot_id()
"""Identity of this boot: times under the same identity are comparable directly."""


class ClockMap:
    """Maps times of other boots to local ones by the least delay seen, one offset per foreign boot id."""

    __slots__ = ("_limit", "_local", "_offset")

    def __init__(self, local: str = BOOT_ID, limit: int = 64) -> None:
        self._local = local
        self._limit = limit
        self._offset: dict[str, int] = {}

    def to_local(self, boot: str, t_ns: int, now: int) -> int | None:
        """Local time of `t_ns`, or None where it lies in the future and must be refused.

        Args:
            boot: boot id under which `t_ns` was read.
            t_ns: CLOCK_BOOTTIME of the sender, nanoseconds.
            now: local CLOCK_BOOTTIME at reception, nanoseconds.
        """
        if boot == self._local:
            return t_ns if t_ns <= now else None
        offset = now - t_ns
        known = self._offset.pop(boot, offset)
        self._offset[boot] = offset = min(known, offset)  # least delay seen; re-inserted as the most recent
        if len(self._offset) > self._limit:
            del self._offset[next(iter(self._offset))]
        return t_ns + offset
