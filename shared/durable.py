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


def replace(path: Path, data: bytes) -> None:
    """Put a file with `data` in the place of `path`, whole or not at all: written beside it, synced, renamed.

    Its folder is made where there is none. Nobody else may read either.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    write_new(beside, data)
    beside.replace(path)
    sync_folder(path.parent)


def write_new(path: Path, data: bytes, mode: int = 0o600) -> None:
    """A new file with `data`, which lasts once its folder is synced."""
    path.unlink(missing_ok=True)  # left behind by a crash, perhaps with other rights
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


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
