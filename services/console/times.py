"""Moments as the API gives them: wall clock of now, less an age by a clock that never jumps."""

import time
from datetime import UTC, datetime
from typing import Final

from shared import clock

NS_PER_MS: Final = 1_000_000


def wall_ms() -> int:
    """Unix time, ms."""
    return time.time_ns() // NS_PER_MS


def age_ms(t_ns: int, now_ns: int) -> int:
    """Age of a CLOCK_BOOTTIME, ms; never negative."""
    return max(0, now_ns - t_ns) // NS_PER_MS


def wall_of(t_ns: int) -> int:
    """Unix time in ms of a CLOCK_BOOTTIME of this boot."""
    return wall_ms() - (clock.now_ns() - t_ns) // NS_PER_MS


def iso(unix_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds; empty for 0, which means never."""
    if unix_ms <= 0:
        return ""
    return datetime.fromtimestamp(unix_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_s(unix_s: float) -> str:
    """As `iso`, of seconds, exact to one."""
    return datetime.fromtimestamp(unix_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if unix_s > 0 else ""
