"""The audit log of one owner: who did what, when, and with which result. Append-only, and tampering shows.

`state_dir/audit/<owner>.jsonl` has one JSON object a line. Each holds the SHA-256 of the line before it, also across
rotated files (`<owner>@000001.jsonl`, ...), so that no line can be edited, moved or taken out unseen. `<owner>.head`
says how far the chain was written durably, so that lines cut off its end are missed. The oldest files go once there
are too many; the chain itself says so in a later line. `check` reads and verifies.

Who can write the folder can also forge a whole new chain: this shows tampering, it does not prevent it.
"""

import asyncio
import hashlib
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from shared import clock
from shared.audit.record import (
    HEAD_LOST,
    PRUNED,
    TORN,
    Head,
    Record,
    Who,
    folder_of,
    head_of,
    last_line,
    number_of,
    rotated,
)
from shared.durable import append_whole, overwrite, sync_file, sync_folder
from shared.errors import UnavailableError
from shared.tls.text import clean

FILE_BYTES: Final = 1024 * 1024
FILES_KEPT: Final = 16


class AuditLog:
    """The one writer of an owner's chain.

    Args:
        state_dir: of the settings.
        owner: instance name.
        file_bytes: size from which a new file is begun.
        files_kept: how many older files stay.

    Attributes:
        durable: the last line that survives a power failure.

    Raises:
        OSError: the folder cannot be written.
    """

    def __init__(
        self, state_dir: Path, owner: str, *, file_bytes: int = FILE_BYTES, files_kept: int = FILES_KEPT
    ) -> None:
        self._folder = folder_of(state_dir)
        self._owner = owner
        self._file_bytes = file_bytes
        self._files_kept = files_kept
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = self._folder / f"{owner}.jsonl"
        self._head_path = self._folder / f"{owner}.head"
        self._head_lock = threading.Lock()
        self._behind: list[int] = []  # descriptors of rotated files that are not on disk yet
        self._doomed: list[Path] = []  # too old; they go once the line that says so is on disk
        older = rotated(self._folder, owner)
        self._number = number_of(older[-1]) if older else 0
        self._fd = self._open()
        self.durable = Head()
        known = self._read_head()
        self._head = self._resume(older)
        if not known:
            self._write(Who(owner), HEAD_LOST, self._head_path.name, "was missing or damaged: lines may be lost unseen")

    @property
    def head(self) -> Head:
        """The last line written."""
        return self._head

    def append(self, who: Who, what: str, target: str, result: str) -> Record:
        """Write one line. It survives the death of this process; see `sync` for more.

        Raises:
            OSError: it cannot be written, and nothing of it is left.
        """
        self._see_to_file()
        if self._size >= self._file_bytes:
            self._rotate()
        return self._write(who, what, target, result)

    def sync(self) -> None:
        """Return when all that was appended survives a power failure too. Blocks; may run in another thread.

        Raises:
            OSError: the disk failed.
        """
        self._sync(self._to_sync())

    async def decide(self, who: Who, what: str, target: str, result: str) -> Record:
        """Append, and return when the line is durable. The loop is not held up meanwhile.

        Raises:
            OSError: as `append` and `sync`.
        """
        record = self.append(who, what, target, result)
        await asyncio.to_thread(self._sync, self._to_sync())
        return record

    def close(self) -> None:
        """Sync and let go.

        Raises:
            OSError: the disk failed; it is let go all the same.
        """
        try:
            self.sync()
        finally:
            os.close(self._fd)

    def _open(self) -> int:
        fresh = not self._path.exists()
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if fresh:
            sync_folder(self._folder)
        self._size = os.fstat(fd).st_size
        return fd

    def _open_anew(self) -> None:
        """Where that fails, the one before is still ours: it must not be closed, or its number would be another's."""
        before, self._fd = self._fd, self._open()
        self._behind.append(before)

    def _read_head(self) -> bool:
        """Whether it is known how far the chain was durable."""
        try:
            head = Head.decode(self._head_path.read_bytes())
        except FileNotFoundError:
            overwrite(self._head_path, Head().encode())
            sync_file(self._head_path)
            sync_folder(self._folder)
            return not self._size and not self._number
        self.durable = head or Head()
        return head is not None

    def _resume(self, older: list[Path]) -> Head:
        """Where the chain goes on. Never heals: what is missing before the head stays missing, for all to see."""
        content = os.pread(self._fd, self._size, 0)
        whole, newline, torn = content.rpartition(b"\n")
        lines = whole.split(b"\n") if newline else []
        last = lines[-1] if lines else last_line(older[-1]) if older else b""
        found = head_of(last) if last else Head()
        if found is None or found.seq < self.durable.seq:
            if torn:
                os.write(self._fd, b"\n")
                self._size += 1
            return self.durable
        if torn:  # the machine stopped while this was being written; nobody was told that it is there
            os.ftruncate(self._fd, len(whole) + len(newline))
            self._size -= len(torn)
            self._head = found
            self._write(Who(self._owner), TORN, self._path.name, f"{len(torn)} bytes of an unfinished line taken out")
            return self._head
        return found

    def _write(self, who: Who, what: str, target: str, result: str) -> Record:
        record = Record(
            seq=self._head.seq + 1,
            prev=self._head.hash,
            time=datetime.now(UTC).isoformat(timespec="milliseconds"),
            boot=clock.BOOT_ID,
            t_ns=clock.now_ns(),
            owner=self._owner,
            who=Who(*(clean(getattr(who, name)) for name in Who.__struct_fields__)),
            what=clean(what),
            target=clean(target),
            result=clean(result),
        )
        line = msgspec.json.encode(record)
        data = line + b"\n"
        try:
            append_whole(self._fd, data)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(data)
        self._head = Head(record.seq, hashlib.sha256(line).hexdigest())
        return record

    def _see_to_file(self) -> None:
        """Where somebody took the file away, lines must not go where nobody can find them; that it was shows."""
        mine = os.fstat(self._fd)
        try:
            there = self._path.stat()
        except FileNotFoundError:
            there = None
        if there is not None and (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino):
            self._size = mine.st_size
            return
        self._open_anew()

    def _rotate(self) -> None:
        self._number += 1
        self._path.rename(self._folder / f"{self._owner}@{self._number:06d}.jsonl")
        self._open_anew()
        older = rotated(self._folder, self._owner)
        for path in older[: max(0, len(older) - self._files_kept)]:
            if path not in self._doomed:
                last = head_of(last_line(path))
                self._write(Who(self._owner), PRUNED, path.name, last.encode().decode().strip() if last else "damaged")
                self._doomed.append(path)

    def _to_sync(self) -> "_Unsynced":
        """What is not durable yet. Called where `append` is."""
        behind, self._behind = self._behind, []
        doomed, self._doomed = self._doomed, []
        return _Unsynced([*behind, os.dup(self._fd)], doomed, self._head)

    def _sync(self, unsynced: "_Unsynced") -> None:
        try:
            for fd in unsynced.descriptors:
                os.fdatasync(fd)
        finally:
            for fd in unsynced.descriptors:
                os.close(fd)
        for path in unsynced.doomed:
            path.unlink(missing_ok=True)
        with self._head_lock:
            head = unsynced.head
            if head.seq > self.durable.seq:  # never before the lines themselves, or a power failure looks like a cut
                overwrite(self._head_path, head.encode())
                self.durable = head


def open_log(state_dir: Path, owner: str) -> AuditLog:
    """The log of who writes it.

    Raises:
        UnavailableError: it cannot be written there.
    """
    try:
        return AuditLog(state_dir, owner)
    except OSError as error:
        raise UnavailableError(
            f"gateway.state_dir: the audit log cannot be written "
            f"({error.filename or folder_of(state_dir)}: {error.strerror or error}); "
            "give a folder that belongs to the user who runs metergate, or set METERGATE_STATE_DIR"
        ) from error


class _Unsynced(msgspec.Struct, frozen=True):
    """Descriptors to sync and close, files that go after that, and how far the chain is durable then."""

    descriptors: list[int]
    doomed: list[Path]
    head: Head
