import asyncio
import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from shared.audit.check import load, verify
from shared.audit.log import AuditLog, open_log
from shared.audit.record import GENESIS, HEAD_LOST, PRUNED, TORN, Record, Who, folder_of
from shared.errors import UnavailableError
from tests.killed import writer

CLI = Who("cli")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[AuditLog]:
    opened = AuditLog(tmp_path, "tls-slave", file_bytes=1500, files_kept=3)
    yield opened
    opened.close()


def lines(tmp_path: Path) -> list[str]:
    return (folder_of(tmp_path) / "tls-slave.jsonl").read_text(encoding="utf-8").splitlines()


def reopened(tmp_path: Path) -> None:
    AuditLog(tmp_path, "tls-slave").close()


def whole(tmp_path: Path) -> list[Record]:
    records, broken = verify(load(tmp_path, "tls-slave"))
    assert broken is None
    return records


def test_each_line_holds_the_hash_of_the_one_before(log: AuditLog, tmp_path: Path) -> None:
    who = Who("modbus", "ab" * 32, "heat pump", "192.168.0.9", "Operator")
    first = log.append(who, "wallbox.write", "41168", "3")
    log.append(CLI, "certificate.accept", "cd" * 32, "accepted")
    one, two = lines(tmp_path)
    assert first.prev == GENESIS
    assert json.loads(two)["prev"] == hashlib.sha256(one.encode()).hexdigest()
    assert json.loads(one)["who"] == {
        "by": "modbus", "fingerprint": "ab" * 32, "label": "heat pump", "address": "192.168.0.9", "role": "Operator",
    }  # fmt: skip
    assert [record.seq for record in whole(tmp_path)] == [1, 2]


def test_texts_of_strangers_cannot_make_lines_or_escapes(log: AuditLog, tmp_path: Path) -> None:
    log.append(Who("modbus", label='a"}\n{"seq":9\x1b[2J\u202e'), "w\nx", "t" * 5000, "r\x00")
    (line,) = lines(tmp_path)
    assert "\x1b" not in line
    assert "\u202e" not in line
    assert len(line) < 1000
    assert whole(tmp_path)[0].what == "w\ufffdx"


def test_the_chain_goes_on_in_another_process_and_across_files(log: AuditLog, tmp_path: Path) -> None:
    for number in range(8):
        log.append(CLI, "certificate.label", str(number), "done")
    log.sync()
    other = AuditLog(tmp_path, "tls-slave", file_bytes=1500)
    for number in range(8, 16):
        other.append(CLI, "certificate.label", str(number), "done")
    other.close()
    assert len(load(tmp_path, "tls-slave").files) > 2
    records = whole(tmp_path)
    assert [record.target for record in records] == [str(number) for number in range(16)]
    assert all(b.seq == a.seq + 1 for a, b in pairwise(records))


def test_old_files_go_and_the_chain_says_so(log: AuditLog, tmp_path: Path) -> None:
    for number in range(60):
        log.append(CLI, "certificate.label", str(number), "done")
        if number % 7 == 0:
            log.sync()
    log.sync()
    files = load(tmp_path, "tls-slave").files
    assert len(files) == 4
    records = whole(tmp_path)
    assert records[0].seq > 1
    assert any(record.what == PRUNED for record in records)
    (folder_of(tmp_path) / files[0][0]).unlink()
    _, broken = verify(load(tmp_path, "tls-slave"))
    assert broken is not None
    assert "are missing" in broken.reason
    assert broken.file == files[1][0]


def test_a_decision_is_on_disk_when_it_returns_and_the_loop_turns_meanwhile(
    log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    turned = threading.Event()
    real = os.fdatasync

    def slow(fd: int) -> None:
        assert turned.wait(10), "the loop stood still while the disk worked"
        real(fd)
        synced.append(str(Path(f"/proc/self/fd/{fd}").readlink()))

    monkeypatch.setattr(os, "fdatasync", slow)

    async def story() -> None:
        decision = asyncio.create_task(log.decide(CLI, "certificate.accept", "x", "accepted"))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0, turned.set)
        await decision
        assert synced == [str(folder_of(tmp_path) / "tls-slave.jsonl")]

    asyncio.run(story())
    head = (folder_of(tmp_path) / "tls-slave.head").read_text(encoding="ascii")
    assert head.split()[1] == log.head.hash


def test_a_full_disk_leaves_nothing_of_the_line(log: AuditLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.append(CLI, "certificate.accept", "x", "accepted")
    real = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda fd, data: real(fd, data[: len(data) // 2]))
        with pytest.raises(OSError, match="No space left"):
            log.append(CLI, "certificate.delete", "x", "deleted")
    log.append(CLI, "certificate.delete", "y", "deleted")
    assert [record.target for record in whole(tmp_path)] == ["x", "y"]


def test_a_line_that_a_power_failure_cut_is_taken_out_and_told(log: AuditLog, tmp_path: Path) -> None:
    log.append(CLI, "certificate.accept", "x", "accepted")
    log.sync()
    with (folder_of(tmp_path) / "tls-slave.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"prev":"')
    reopened(tmp_path)
    assert [record.what for record in whole(tmp_path)] == ["certificate.accept", TORN]


CutAway = Callable[[Path], None]


def keep_bytes(count: int) -> CutAway:
    return lambda path: os.truncate(path, path.stat().st_size + count if count < 0 else count)


@pytest.mark.parametrize("cut", [keep_bytes(-2), keep_bytes(-20), keep_bytes(-400), keep_bytes(0), Path.unlink])
def test_lines_cut_off_the_end_are_missed_for_ever(log: AuditLog, tmp_path: Path, cut: CutAway) -> None:
    for number in range(3):
        log.append(CLI, "certificate.label", str(number), "done")
    log.sync()
    cut(folder_of(tmp_path) / "tls-slave.jsonl")
    _, broken = verify(load(tmp_path, "tls-slave"))
    assert broken is not None
    assert "its end is missing" in broken.reason
    other = AuditLog(tmp_path, "tls-slave")
    other.append(CLI, "certificate.label", "later", "done")
    other.close()
    assert verify(load(tmp_path, "tls-slave"))[1] is not None, "the writer must not heal what was tampered with"


def test_a_head_that_vanished_is_told(log: AuditLog, tmp_path: Path) -> None:
    log.append(CLI, "certificate.label", "x", "done")
    log.sync()
    (folder_of(tmp_path) / "tls-slave.head").unlink()
    _, broken = verify(load(tmp_path, "tls-slave"))
    assert str(broken) == "tls-slave.head: is missing or damaged; it says how far the chain goes"
    reopened(tmp_path)
    assert [record.what for record in whole(tmp_path)] == ["certificate.label", HEAD_LOST]


@pytest.mark.parametrize("way", ["removed", "moved", "emptied", "another"])
def test_a_file_that_is_taken_away_while_it_is_written_swallows_no_line(
    log: AuditLog, tmp_path: Path, way: str
) -> None:
    for number in range(2):
        log.append(CLI, "write", f"{number}", "done")
    log.sync()
    path = tmp_path / "audit" / "tls-slave.jsonl"
    if way == "removed":
        path.unlink()
    elif way == "moved":
        path.rename(tmp_path / "elsewhere")
    elif way == "emptied":
        path.write_bytes(b"")
    else:
        path.unlink()
        path.write_bytes(b"")
    log.append(CLI, "write", "2", "done")
    log.sync()
    records, broken = verify(load(tmp_path, "tls-slave"))
    assert [record.target for record in records] == ["2"], "it can be found"
    assert broken is not None
    assert "the lines before number 3 are missing" in broken.reason


def test_where_no_new_file_can_be_made_nobody_elses_descriptor_is_touched(tmp_path: Path) -> None:
    log = AuditLog(tmp_path, "tls-slave")
    shutil.rmtree(folder_of(tmp_path))
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            log.append(CLI, "write", "1", "done")
        log.sync()
        with (tmp_path / "other").open("w", encoding="utf-8") as other:  # gets the lowest number that is free
            with pytest.raises(FileNotFoundError):
                log.append(CLI, "write", "2", "done")
            log.sync()
            other.write("whole")
    folder_of(tmp_path).mkdir()
    log.append(CLI, "write", "3", "done")
    log.close()
    assert [json.loads(line)["target"] for line in lines(tmp_path)] == ["3"]


def test_only_the_owner_can_read_it(log: AuditLog, tmp_path: Path) -> None:
    log.append(CLI, "certificate.label", "x", "done")
    assert folder_of(tmp_path).stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder_of(tmp_path).iterdir()} == {0o600}


def test_a_folder_that_cannot_be_written_is_told_with_its_cure(tmp_path: Path) -> None:
    folder_of(tmp_path).write_text("not a folder")
    with pytest.raises(UnavailableError) as caught:
        open_log(tmp_path, "console")
    assert str(caught.value) == (
        f"gateway.state_dir: the audit log cannot be written ({folder_of(tmp_path)}: File exists); "
        "give a folder that belongs to the user who runs metergate, or set METERGATE_STATE_DIR"
    )


WRITER = """
from shared.audit.log import AuditLog
from shared.audit.record import Who

def write():
    log = AuditLog(Path(sys.argv[1]), "tls-slave", file_bytes=2000, files_kept=1000)
    while True:
        record = log.append(Who("cli"), "certificate.label", "x", "done")
        log.sync()
        tell(record.seq)
"""


@pytest.mark.system
def test_kill_9_at_any_moment_loses_no_line_and_breaks_no_chain(tmp_path: Path) -> None:
    seen = 0
    with writer(WRITER, tmp_path) as writes:
        for turn in range(40):
            for line in writes.life(turn % 5):
                seen = int(line[0])
            records = whole(tmp_path)
            assert len(records) - seen in {0, 1}
            seen = len(records)
    assert seen > 40
