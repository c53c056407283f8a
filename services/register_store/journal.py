"""Where counters and written registers survive: one preallocated, mmapped file of two alternating slots with CRC.

A write is a copy into memory that the kernel owns, so it survives the death of this process at any instruction, for
free. Against power loss the file is flushed now and then. A torn slot fails its CRC and the other one, one write older,
is taken.

    slot, 4096 bytes:  magic "MGJ1" | sequence u64 | length u32 | CRC-32 of all else u32 | msgpack map | zeros
"""

import contextlib
import mmap
import os
import struct
import threading
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from shared import durable
from shared.errors import MetergateError, UnavailableError
from shared.file_lock import is_locked, lock

SLOT_BYTES: Final = 4096
LOCK_PATIENCE_S: Final = 0.5
"""A process that is being killed lets go a moment after."""

_MAGIC: Final = b"MGJ1"
_HEADER: Final = struct.Struct(">4sQII")


class JournalDamagedError(MetergateError):
    """No slot of the file can be read. It is left as it is: a backup may replace it, deleting it starts from zero."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept. Fields of other versions are left out of account, and absent ones have their default.

    Attributes:
        values: counter name -> mJ.
        readings: counter name -> last reading of the source's own counter, mJ.
        settings: row name of a written register -> value.
        wall_s: wall clock at the write, seconds since 1970.
        t_ns, boot, powers: the sample up to which was counted: its time, the boot of that time, its powers.
    """

    values: dict[str, int] = {}
    readings: dict[str, int] = {}
    settings: dict[str, int] = {}
    wall_s: float = 0.0
    t_ns: int = 0
    boot: str = ""
    powers: dict[str, float] = {}


class _File(NamedTuple):
    """A file of two slots that is open."""

    fd: int
    map: mmap.mmap

    def put(self, sequence: int, slot: bytes) -> None:
        start = sequence % 2 * SLOT_BYTES
        self.map[start : start + SLOT_BYTES] = slot

    def close(self) -> None:
        self.map.close()
        os.close(self.fd)


class Journal:
    """The open file of one meter.

    Args:
        path: is created where it does not exist.

    Attributes:
        record: what is kept; at first what was found.
        alarm: one sentence where one slot was damaged and the other was taken; else empty.

    Raises:
        JournalDamagedError: both slots are damaged, or the file has another size.
        UnavailableError: the file cannot be made or opened, or another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._closed = self._moved = False
        try:
            if not path.exists():
                durable.replace(path, _pack(0, Record()) + _pack(1, Record()))
            self._file = _open(path)
        except OSError as error:
            raise UnavailableError(
                f"gateway.state_dir: {error.filename or path} cannot be used ({error.strerror}); "
                "give a folder that belongs to the user who runs metergate, or set METERGATE_STATE_DIR"
            ) from error
        slots = [_read(self._file.map, number) for number in (0, 1)]
        good = [slot for slot in slots if slot is not None]
        if not good:
            self.close()
            raise JournalDamagedError(_damaged(path, "neither of its two slots passes its CRC"))
        self._sequence, self.record = max(good, key=lambda slot: slot[0])
        self.alarm = (
            "" if len(good) == 2 else f"{path}: one slot is damaged; continuing from the other, one write older"
        )

    def write(self, record: Record) -> None:
        """Keep `record`; the slot before it stays whole."""
        with self._lock:
            slot = _pack(self._sequence + 1, record)  # may refuse: then nothing has changed
            self._sequence += 1
            self.record = record
            self._file.put(self._sequence, slot)

    def sync(self) -> None:
        """Wait until what was written also survives a power loss. Slow on an SD card: call it in a thread."""
        os.fdatasync(self._file.fd)
        if self._moved:
            durable.sync_folder(self.path.parent)
            self._moved = False

    def is_in_place(self) -> bool:
        """Whether its path still leads to the open file."""
        ours = os.fstat(self._file.fd)
        try:
            there = os.stat(self.path)  # noqa: PTH116  # each second, for ever
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def put_back(self) -> str:
        """Put a file with what is kept in its place and go on there; what lies there is put aside. Sync after it.

        Slow on an SD card: call it in a thread. It ends well also where this is closed or written to meanwhile.

        Returns:
            Name of what lay there, in the same folder; empty where nothing did.

        Raises:
            OSError: it could not be done; what is open is written on, and it may be tried again.
            UnavailableError: another process writes to what lies there.
        """
        self._see_to_owner()
        beside = self.path.with_name(f"{self.path.name}.back")
        with self._lock:
            slot = _pack(self._sequence, self.record)
        durable.replace(beside, slot * 2)
        opened = _open(beside)
        aside = f"{self.path.name}.put-there-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
        try:
            try:
                self.path.rename(self.path.with_name(aside))
            except FileNotFoundError:
                aside = ""
            beside.rename(self.path)
        except OSError:
            opened.close()
            raise
        with self._lock:
            opened.put(self._sequence, _pack(self._sequence, self.record))
            former, self._file, self._moved = self._file, opened, True
            (opened if self._closed else former).close()
        return aside

    def close(self) -> None:
        """Close the file; the kernel keeps what was written."""
        with self._lock:
            self._closed = True
            self._file.close()

    def _see_to_owner(self) -> None:
        """Nothing is put in the place of what somebody else counts in."""
        try:
            fd = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # whatever it is
        except FileNotFoundError:
            return
        try:
            if is_locked(fd):
                raise UnavailableError(_in_use(self.path))
        finally:
            os.close(fd)


def _open(path: Path) -> _File:
    """Open it for one process alone; the kernel frees it at the end of that, however it ends."""
    with contextlib.ExitStack() as undo:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        undo.callback(os.close, fd)
        if not lock(fd, LOCK_PATIENCE_S):
            raise UnavailableError(_in_use(path))
        size = os.fstat(fd).st_size
        if size != 2 * SLOT_BYTES:
            raise JournalDamagedError(_damaged(path, f"it has {size} bytes instead of {2 * SLOT_BYTES}"))
        opened = _File(fd, mmap.mmap(fd, size))
        undo.pop_all()
    return opened


def _pack(sequence: int, record: Record) -> bytes:
    payload = msgspec.msgpack.encode(record)
    if len(payload) > SLOT_BYTES - _HEADER.size:
        raise MetergateError(f"journal record of {len(payload)} bytes does not fit a slot of {SLOT_BYTES}")
    crc = zlib.crc32(payload, zlib.crc32(struct.pack(">QI", sequence, len(payload))))
    return (_HEADER.pack(_MAGIC, sequence, len(payload), crc) + payload).ljust(SLOT_BYTES, b"\0")


def _read(data: mmap.mmap, number: int) -> tuple[int, Record] | None:
    slot = data[number * SLOT_BYTES : (number + 1) * SLOT_BYTES]
    magic, sequence, length, crc = _HEADER.unpack_from(slot)
    payload = slot[_HEADER.size : _HEADER.size + length]
    if magic != _MAGIC or crc != zlib.crc32(payload, zlib.crc32(struct.pack(">QI", sequence, length))):
        return None
    try:
        return sequence, msgspec.msgpack.decode(payload, type=Record)
    except msgspec.MsgspecError:
        return None  # a slot of another layout counts as damaged, and is reported as such


def _in_use(path: Path) -> str:
    return (
        f"gateway.state_dir: {path} is in use by another metergate, and `fuser {path}` names it; "
        "two would undo what each other counts. Stop that one, or give this one its own state_dir"
    )


def _damaged(path: Path, why: str) -> str:
    return (
        f"{path} is damaged: {why}. Counters that the meter does not give itself stay unknown (exception 04); "
        "put a backup in its place, or delete it to count from zero, then `metergate restart register-store`"
    )
