"""Which kind of file is replayed, and whether it can be: at a glance, or all of it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from msgspec import UNSET

from services.measurement.replay import recording, table
from services.measurement.replay.frame import Frame
from shared.config.model import Replay
from shared.errors import ConfigError

GLANCE_BYTES: Final = 2 * 1024 * 1024
"""A file up to this size is read whole also at a glance; of a larger one the beginning, since it would take seconds."""


class Found(NamedTuple):
    """What the file is.

    Attributes:
        meter: of a recording, the one to replay; None for a table.
        left_out: what cannot be replayed, in words.
    """

    meter: str | None
    left_out: str = ""


def glance(settings: Replay) -> None:
    """Read as much as takes little time.

    Raises:
        ConfigError: that much shows already that the file cannot be replayed.
    """
    path = settings.file
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: is no file; check meter.replay.file")
    small = path.exists() and path.stat().st_size <= GLANCE_BYTES
    if not recording.is_recording(path):
        table.check(path, None if small else table.GLANCE_ROWS)
    elif small:
        check(settings)
    else:
        recording.check_head(path)


def check(settings: Replay) -> Found:
    """Read all of it.

    Raises:
        ConfigError: the file cannot be replayed.
    """
    path = settings.file
    if not recording.is_recording(path):
        table.check(path)
        return Found(None)
    meter, left_out = recording.inspect(path, None if settings.meter is UNSET else settings.meter)
    return Found(meter, left_out)


def frames(settings: Replay, found: Found) -> Iterator[Frame]:
    """All frames of a file that was checked."""
    return table.frames(settings.file) if found.meter is None else recording.frames(settings.file, found.meter)
