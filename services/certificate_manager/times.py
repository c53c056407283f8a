"""How times are written: ISO 8601 in UTC, to the second."""

from datetime import UTC, datetime


def iso(seconds: float) -> str:
    """A wall clock time as it is written and shown."""
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
    except (ValueError, OverflowError, OSError):
        return ""
