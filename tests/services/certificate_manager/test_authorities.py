import os
from pathlib import Path

import pytest

from services.certificate_manager import authorities
from services.certificate_manager.authorities import load, mark
from tests.services.certificate_manager.made import der, pem

CA = pem(der("Our CA", is_ca=True))
OTHER = pem(der("Other CA", is_ca=True))


def test_without_a_folder_nobody_is_known(tmp_path: Path) -> None:
    found = load(tmp_path / "ca")
    assert (found.pem, found.found, found.faults, found.mark) == (b"", (), (), ())


def test_one_broken_file_does_not_keep_the_others_out_and_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.pem").write_bytes(CA + CA + OTHER)
    (tmp_path / "b.crt").write_bytes(CA[:100])
    (tmp_path / "c.cer").write_bytes(b"\x30\x82")
    (tmp_path / "leaf.pem").write_bytes(pem(der("a pin")))
    (tmp_path / "weak.PEM").write_bytes(pem(der("weak CA", is_ca=True, weak=True)))
    (tmp_path / "folder.pem").mkdir()
    (tmp_path / "README.txt").write_text("nothing for us", encoding="utf-8")
    found = load(tmp_path)
    assert [(each.certificate.subject, each.file) for each in found.found] == [
        ("CN=Our CA", "a.pem"), ("CN=Other CA", "a.pem"),
    ]  # fmt: skip
    assert found.pem == CA + OTHER
    assert sorted(fault.partition(":")[0] for fault in found.faults) == [
        "b.crt", "c.cer", "folder.pem", "leaf.pem", "weak.PEM",
    ]  # fmt: skip
    faults = " ".join(found.faults)
    assert "CN=a pin is not used: it is no CA certificate" in faults
    assert "secp256k1" in faults


def test_a_pipe_or_a_huge_file_holds_nobody_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pem")
    with (tmp_path / "huge.pem").open("wb") as file:
        file.truncate(1 << 40)
    loaded = load(tmp_path)
    assert loaded.found == ()
    assert [fault.partition(" (")[2] for fault in loaded.faults] == ["it is no file of at most 65536 bytes)"] * 2


def test_a_changed_folder_shows(tmp_path: Path) -> None:
    before = mark(tmp_path)
    assert load(tmp_path).mark == before
    (tmp_path / "a.pem").write_bytes(CA)
    assert (first := mark(tmp_path)) != before
    (tmp_path / "a.pem").write_bytes(CA + OTHER)
    assert mark(tmp_path) != first


def test_more_than_a_message_carries_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorities, "LARGEST_BYTES", len(CA) + 10)
    (tmp_path / "a.pem").write_bytes(CA)
    (tmp_path / "b.pem").write_bytes(OTHER)
    found = load(tmp_path)
    assert found.pem == CA
    assert found.faults == (
        f"b.pem: CN=Other CA is not used: all authorities together have more than {len(CA) + 10} bytes",
    )
