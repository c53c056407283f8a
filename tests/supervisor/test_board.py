import errno
from pathlib import Path
from unittest.mock import Mock

import pytest

from shared.config.model import Log
from shared.errors import RefusedError
from supervisor.board import Board
from supervisor.report import Report
from supervisor.settings import Settings
from supervisor.state_file import StateFile


@pytest.fixture
def file(tmp_path: Path) -> StateFile:
    (tmp_path / "run").mkdir()
    return StateFile(tmp_path / "run", "supervisor", tmp_path / "metergate.toml")


@pytest.fixture
def board(file: StateFile, tmp_path: Path) -> Board:
    settings = tmp_path / "metergate.toml"
    settings.write_text("[slave]\nport = 1502\n")
    return Board(Mock(), file, Report(Log(), "supervisor", terminal=False), Settings(settings))


def test_a_full_disk_ends_nothing_and_is_told_ever_more_rarely(
    board: Board, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    for _ in range(5):
        board.write(())
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 3
    assert "No space left on device" in lines[0]


def test_a_run_folder_that_was_removed_ends_it_in_one_line(board: Board, file: StateFile) -> None:
    file.path.parent.rmdir()
    with pytest.raises(RefusedError, match="was removed while in use"):
        board.write(())
