"""The file format of recorded bus traffic: written by the tap, read by `replay` and by the source of that name.

A stream of msgpack objects: first a map `{"format": "metergate-recording/1", "boot": ..., "started": ...}`, then for
each message one array `[t_ns, topic, payload]`, `t_ns` being CLOCK_BOOTTIME at its reception there. Payloads
stand as they crossed the bus, so that a recording outlives every change of the messages.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final, NamedTuple, Self

import msgpack

from shared import clock
from shared.bus.codec import MAX_BYTES
from shared.errors import RefusedError

FORMAT: Final = "metergate-recording/1"
MAX_TOPIC: Final = 255
FLUSH_NS: Final = 1_000_000_000
_CHUNK: Final = 64 * 1024


class Entry(NamedTuple):
    """One recorded message: when it was received, and its two frames."""

    t_ns: int
    topic: bytes
    payload: bytes


class Header(NamedTuple):
    """The start of a recording.

    Attributes:
        boot: boot id under which all its times were read.
        started: wall clock at its start, ISO 8601.
    """

    boot: str
    started: str


_pack: Final = msgpack.Packer(use_bin_type=True).pack


def beginning() -> bytes:
    """The first bytes of a recording that begins now."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    return bytes(_pack({"format": FORMAT, "boot": clock.BOOT_ID, "started": started}))


def packed(entry: Entry) -> bytes:
    """One message as it stands in a recording.

    Raises:
        RefusedError: it is too large for the format.
    """
    if len(entry.topic) > MAX_TOPIC or len(entry.payload) > MAX_BYTES:
        raise RefusedError(f"message of {len(entry.topic)} + {len(entry.payload)} bytes does not fit into a recording")
    return bytes(_pack(entry))


class RecordingWriter:
    """A new recording. What was written is in the file at most a second later, if `flush` is called that often.

    Args:
        path: of a file that must not exist yet.

    Attributes:
        entries: written so far.

    Raises:
        RefusedError: the file exists, or cannot be written.
    """

    __slots__ = ("_file", "_flushed_ns", "entries", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.entries = 0
        try:
            self._file: IO[bytes] = path.open("xb", buffering=_CHUNK)
        except FileExistsError:
            raise RefusedError(f"{path} exists; a recording overwrites nothing, name another file") from None
        except OSError as error:
            raise self._failed(error) from error
        self._put(beginning())
        self._flushed_ns = 0
        self.flush()

    def write(self, entry: Entry) -> None:
        """Append one message; one that is too large for the format ends the recording with an error."""
        self._put(packed(entry))
        self.entries += 1
        self.flush()

    def flush(self, now: int | None = None) -> None:
        """Hand what is buffered to the system, unless that was done within the last second."""
        now = clock.now_ns() if now is None else now
        if now - self._flushed_ns < FLUSH_NS:
            return
        self._flushed_ns = now
        try:
            self._file.flush()
        except OSError as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Write the rest."""
        try:
            self._file.close()
        except OSError as error:
            raise self._failed(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _put(self, data: bytes) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> RefusedError:
        return RefusedError(f"{self.path}: cannot be written ({error.strerror}); the recording ends here")


class RecordingReader:
    """The messages of a recording, in their order, one at a time: the file may be larger than the memory.

    A recording ends where its writer was cut off: an incomplete last message is left out, and `damage` says so. The
    same for bytes that are no message, behind which nothing can be trusted.

    Args:
        path: of the file.

    Attributes:
        header: its first object.
        first_ns: time of the first message, once it was read.
        damage: why the end is missing, in words; empty while nothing is. Final once the iteration ended.

    Raises:
        RefusedError: the file cannot be read, or is no recording.
    """

    __slots__ = ("_file", "_started", "_unpacker", "damage", "first_ns", "header", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damage = ""
        self.first_ns: int | None = None
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise RefusedError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from error
        self._unpacker = msgpack.Unpacker(
            self._file,
            raw=False,
            read_size=_CHUNK,
            max_buffer_size=2 * MAX_BYTES,
            max_bin_len=MAX_BYTES,
            max_str_len=256,
            max_array_len=3,
            max_map_len=16,
            max_ext_len=0,
        )
        try:
            self.header = self._header()
            self._started = self._wall_clock()
        except BaseException:
            self._file.close()
            raise

    def __iter__(self) -> Iterator[Entry]:
        while True:
            at = self._unpacker.tell()
            try:
                entry = _entry(self._unpacker.unpack())
            except msgpack.OutOfData:
                end = self._file.tell()
                if end > at:
                    self.damage = f"{self.path}: the last message is incomplete ({end - at} bytes from byte {at} on)"
                return
            except _MALFORMED as error:
                self.damage = f"{self.path}: damaged from byte {at} on ({error or type(error).__name__})"
                return
            except OSError as error:
                raise RefusedError(f"{self.path}: cannot be read ({error.strerror})") from error
            if self.first_ns is None:
                self.first_ns = entry.t_ns
            yield entry

    def wall(self, t_ns: int) -> datetime:
        """Local wall clock at a time of this recording, whose first message came with its start."""
        try:
            return self._started + timedelta(microseconds=(t_ns - (self.first_ns or t_ns)) // 1000)
        except OverflowError:  # only an invented time lies beyond the calendar
            return self._started

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wall_clock(self) -> datetime:
        try:
            return datetime.fromisoformat(self.header.started).astimezone()
        except (ValueError, OverflowError):
            raise RefusedError(f"{self.path}: started at {self.header.started!a}, which is no time") from None

    def _header(self) -> Header:
        try:
            first = self._unpacker.unpack()
        except (msgpack.OutOfData, *_MALFORMED):
            first = None
        except OSError as error:
            raise RefusedError(f"{self.path}: cannot be read ({error.strerror})") from error
        match first:
            case {"format": str(name), "boot": str(boot), "started": str(started)} if name == FORMAT:
                return Header(boot, started)
            case {"format": str(name)}:
                raise RefusedError(f"{self.path}: is of the format {name!r}; this program reads {FORMAT}")
        raise RefusedError(f"{self.path}: is no recording; `metergate tap --record FILE` writes one")


_MALFORMED: Final = (ValueError, TypeError, msgpack.UnpackException, RecursionError)


def _entry(item: Any) -> Entry:
    match item:
        case [int(t_ns), bytes(topic), bytes(payload)] if 0 <= t_ns < 1 << 63 and len(topic) <= MAX_TOPIC:
            return Entry(t_ns, topic, payload)
    raise ValueError("not [time, topic, payload]")
