"""What makes a file survive a power failure. Every function blocks until the disk has it."""

import errno
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """What was created, renamed or removed in it."""
    _sync(folder, os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """What was written to it."""
    _sync(path, 0)


def overwrite(path: Path, data: bytes) -> None:
    """Put `data` at its beginning, in place; without a sync. Nobody else may read what is created."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.pwrite(descriptor, data, 0)
    finally:
        os.close(descriptor)


def append_whole(descriptor: int, data: bytes) -> None:
    """All of it in one write.

    Raises:
        OSError: also where only a part of it fitted on the disk.
    """
    if os.write(descriptor, data) != len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
