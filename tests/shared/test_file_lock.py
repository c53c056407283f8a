"""Locks on open files."""

import os
import threading
import time
from pathlib import Path

from shared.file_lock import is_locked, lock


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)


def test_one_holds_it_and_others_see_that(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "x.lock"), opened(tmp_path / "x.lock")
    assert not is_locked(other)
    os.close(other)
    other = opened(tmp_path / "x.lock")
    assert lock(one, 0)
    assert is_locked(other)
    began = time.monotonic()
    assert not lock(other, 0.05)
    assert time.monotonic() - began >= 0.05
    os.close(one)
    assert lock(other, 0)
    os.close(other)


def test_patience_is_enough_where_it_is_given_back_meanwhile(tmp_path: Path) -> None:
    one, other = opened(tmp_path / "x.lock"), opened(tmp_path / "x.lock")
    assert lock(one, 0)
    later = threading.Timer(0.05, os.close, (one,))
    later.start()
    assert lock(other, 10)
    later.join()
    os.close(other)
