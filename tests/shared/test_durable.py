import os
from pathlib import Path

import pytest

from shared.durable import append_whole, overwrite, replace, sync_file, sync_folder


def test_what_is_synced_is_what_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink()))
    overwrite(tmp_path / "head", b"abc")
    sync_file(tmp_path / "head")
    sync_folder(tmp_path)
    assert synced == [tmp_path / "head", tmp_path]
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "head")


def test_a_file_is_replaced_whole_and_for_nobody_else_to_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "list"
    replace(path, b"first")
    inode = path.stat().st_ino
    path.with_name("list.new").write_bytes(b"left behind by a crash, and longer")
    replace(path, b"second")
    assert (path.read_bytes(), path.stat().st_mode & 0o777) == (b"second", 0o600)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.stat().st_ino != inode
    assert list(path.parent.iterdir()) == [path]


def test_overwriting_stays_in_place(tmp_path: Path) -> None:
    path = tmp_path / "head"
    overwrite(path, b"12345")
    inode = path.stat().st_ino
    overwrite(path, b"abc")
    assert (path.read_bytes(), path.stat().st_ino, path.stat().st_mode & 0o777) == (b"abc45", inode, 0o600)


def test_a_part_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("ab") as file:
        append_whole(file.fileno(), b"whole")
        monkeypatch.setattr(os, "write", lambda _fd, data: len(data) - 1)
        with pytest.raises(OSError, match="No space left"):
            append_whole(file.fileno(), b"part")
    assert (tmp_path / "log").read_bytes() == b"whole"
