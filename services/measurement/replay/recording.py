"""Measurements from what `metergate tap --record` wrote (`shared.tap.recording`): its samples of one meter.

A cut-off end, a damaged message and messages of other kinds are left out; what is left out is said at the start.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from services.measurement.replay.frame import Frame
from shared.bus.codec import decode
from shared.bus.messages import Sample, topic
from shared.errors import BusError, ConfigError, RefusedError
from shared.tap.recording import RecordingReader

_FIRST_BYTES: Final = (*range(0x80, 0x90), 0xDE, 0xDF)  # a msgpack map; no text file begins like that
_TOPICS: Final = topic(Sample)


class Content(NamedTuple):
    """What a recording has for us.

    Attributes:
        meter: the one to replay.
        left_out: what cannot be replayed, in words; empty where nothing is.
    """

    meter: str
    left_out: str


def is_recording(path: Path) -> bool:
    """Whether the file begins like a recording.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            first = file.read(1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check meter.replay.file") from error
    return bool(first) and first[0] in _FIRST_BYTES


def inspect(path: Path, meter: str | None) -> Content:
    """Read all of it once and choose the meter.

    Args:
        path: recording.
        meter: as the settings name it; None for the only one.

    Raises:
        ConfigError: no recording, no such meter, or several and none named.
    """
    with _open(path) as reader:
        samples = list({sample.meter if sample else None for _, sample in _samples(reader)})
        damage = reader.damage
    found = sorted(name for name in samples if name is not None)
    if not found:
        raise ConfigError(f"{path}: has no samples; record with `metergate tap --record` while a meter is measured")
    if meter is None and len(found) > 1:
        raise ConfigError(f"{path}: has the meters {', '.join(found)}; name one as meter.replay.meter")
    if meter is not None and meter not in found:
        raise ConfigError(f"{path}: has no meter {meter!r}, but {', '.join(found)}; correct meter.replay.meter")
    if not damage and None in samples:
        damage = f"{path}: has samples that this version cannot read"
    return Content(meter or found[0], damage)


def check_head(path: Path) -> None:
    """Read its beginning only.

    Raises:
        ConfigError: no recording.
    """
    with _open(path):
        pass


def frames(path: Path, meter: str) -> Iterator[Frame]:
    """All samples of one meter, each once, in their order; read as they are asked for.

    The distance between two is that of their own times, as long as both come from the same boot; otherwise that of
    their reception. One that is not newer than the one before was sent twice (a late subscriber gets the last one).
    What had been derived is derived anew.

    Raises:
        ConfigError: no recording.
    """
    last: tuple[int, Sample] | None = None
    with _open(path) as reader:
        for received_ns, sample in _samples(reader):
            if sample is None or sample.meter != meter:
                continue
            after_ns = 0
            if last is not None:
                before_ns, before = last
                after_ns = sample.t_ns - before.t_ns if sample.boot == before.boot else received_ns - before_ns
                if after_ns <= 0:
                    continue
            last = (received_ns, sample)
            values = {name: value for name, value in sample.values.items() if name not in sample.derived}
            yield Frame(after_ns, values, sample.texts, sample.simulated)


def _open(path: Path) -> RecordingReader:
    try:
        return RecordingReader(path)
    except RefusedError as error:
        raise ConfigError(f"{error}; check meter.replay.file") from error


def _samples(reader: RecordingReader) -> Iterator[tuple[int, Sample | None]]:
    """Time of reception and sample; None for one that cannot be read."""
    for entry in reader:
        if entry.topic.startswith(_TOPICS):
            try:
                message = decode(entry.payload)
            except BusError:
                yield entry.t_ns, None
                continue
            if isinstance(message, Sample):
                yield entry.t_ns, message
