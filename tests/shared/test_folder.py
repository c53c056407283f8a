import os
from pathlib import Path

import pytest

from shared.folder import names_in


def test_names_of_all_kinds_also_hidden_ones(tmp_path: Path) -> None:
    (tmp_path / "a.lock").touch()
    (tmp_path / ".b").mkdir()
    assert sorted(names_in(tmp_path)) == [".b", "a.lock"]


def test_what_is_no_folder_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert names_in(tmp_path / "missing") == []
    assert names_in(tmp_path / "file") == []


def test_a_closed_folder_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: object) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refuse)  # as mode 0 does to everyone but root
    assert names_in(tmp_path) == []


def test_any_other_failure_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "listdir", fail)
    with pytest.raises(OSError, match="Input/output error"):
        names_in(tmp_path)
