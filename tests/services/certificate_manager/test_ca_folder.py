"""Authorities that come and go by command: on a real bus, with a TLS instance that hears of them."""

import os
from pathlib import Path
from typing import Any

import pytest

from services.certificate_manager import actor, ca_folder
from services.certificate_manager.authorities import LARGEST_BYTES
from shared.audit.check import load, verify
from shared.audit.log import AuditLog
from shared.errors import RefusedError
from shared.tls.certificate import fingerprint
from tests.services.certificate_manager.made import der, pem
from tests.services.certificate_manager.running import MANAGER, play, stage
from tests.support import until

CA = pem(der("Our CA", is_ca=True)).decode()
OTHER = pem(der("Other CA", is_ca=True)).decode()
FULL = "the audit log cannot be written (No space left on device)"


def audited(folder: Path, what: str) -> list[tuple[str, str]]:
    """Target and result of each such line."""
    records, broken = verify(load(folder / "state", MANAGER))
    assert broken is None
    return [(record.target, record.result) for record in records if record.what == what]


@pytest.fixture
def full(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether the disk of the audit log is full: empty for no. And nobody looks into the folder of CAs unasked."""
    now: list[bool] = []
    written = AuditLog.append

    def append(log: AuditLog, *line: Any) -> Any:
        if now:
            raise OSError(28, os.strerror(28))
        return written(log, *line)

    monkeypatch.setattr(AuditLog, "append", append)
    monkeypatch.setattr(actor, "LOOK_S", 60.0)
    return now


def test_an_authority_that_is_added_is_on_disk_audited_and_in_force(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave = await on.instance()
            found = await on.owner.ask("ca.add", name="ours", pem=CA, by="console:owner")
            assert [(row["subject"], row["file"]) for row in found["authorities"]] == [("CN=Our CA", "ours.pem")]
            assert (run_dir / "ca" / "ours.pem").read_text(encoding="ascii") == CA
            await until(lambda: slave.trust and slave.trust.authorities == CA.encode(), "the trust")
            text = await on.owner.refused("ca.add", name="ours", pem=CA)
            assert text == "there is a file ours.pem already; give another name, or remove that one first"
            assert [path.name for path in (run_dir / "ca").iterdir()] == ["ours.pem"]
        log = (run_dir / "state" / "audit" / f"{MANAGER}.jsonl").read_text(encoding="utf-8")
        assert '"who":{"by":"console:owner"},"what":"authority.add","target":"ours.pem","result":"CN=Our CA"' in log

    play(story())


def test_one_that_is_removed_vouches_for_nobody_at_once(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner = await on.instance(), on.owner
            await owner.ask("ca.add", name="ours", pem=CA)
            (authority,) = (await owner.ask("ca.list"))["authorities"]
            leaf = der("leaf", issuer="Our CA")
            slave.show(leaf, verdict="CA_VALID", authority=authority["fingerprint"])
            assert (await owner.listed(leaf))["status"] == "ca"
            slave.connections[fingerprint(leaf)] = 2
            slave.say()
            await until(lambda: on.manager._ledger.connections(fingerprint(leaf)) == 2, "its connections")
            removed = await owner.ask("ca.remove", file="ours.pem")
            assert (removed["authorities"], removed["closed"], removed["killed"]) == ([], 2, [])
            assert slave.connections == {}, "it was waited for"
            assert list((run_dir / "ca").iterdir()) == []
            assert slave.trust
            assert slave.trust.authorities == b""
            assert fingerprint(leaf) not in await owner.rows()
            for name in ("ours.pem", "../trust.json", "notes.txt", ""):
                assert "has no file" in await owner.refused("ca.remove", file=name)
        log = (run_dir / "state" / "audit" / f"{MANAGER}.jsonl").read_text(encoding="utf-8")
        assert '"what":"authority.remove","target":"ours.pem","result":"removed, connections closed: 2"' in log

    play(story())


@pytest.mark.parametrize("by_hand", [False, True], ids=["by command", "by hand"])
def test_an_instance_that_does_not_act_by_its_removal_is_told_of(run_dir: Path, by_hand: bool) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner = await on.instance(), on.owner
            await owner.ask("ca.add", name="ours", pem=CA)
            slave.silent = True
            if by_hand:
                (run_dir / "ca" / "ours.pem").unlink()
            else:
                text = await owner.refused("ca.remove", file="ours.pem")
                assert text.startswith("not confirmed: tls-slave has not acknowledged within 0.5 s, and no supervisor")
                assert text.endswith("(it is removed all the same, connections known to be closed: 0)")
            await until(lambda: "trust.unconfirmed" in owner.kinds(), "the event")
            assert (await owner.ask("ca.list"))["authorities"] == []
            assert not (run_dir / "ca" / "ours.pem").exists()

    play(story())


def test_one_that_cannot_be_removed_stays_in_force_and_that_is_said(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(path: Path) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    async def story() -> None:
        async with stage(run_dir) as on:
            await on.owner.ask("ca.add", name="ours", pem=CA)
            monkeypatch.setattr(ca_folder, "take_out", stuck)
            text = await on.owner.refused("ca.remove", file="ours.pem")
            assert "cannot be removed (Permission denied): it is in force" in text
            (row,) = (await on.owner.ask("ca.list"))["authorities"]
            assert row["file"] == "ours.pem"
        assert audited(run_dir, "authority.remove") == [("ours.pem", f"not done after all: {text}")]

    play(story())


def test_one_that_was_audited_and_could_not_be_placed_is_audited_as_not_done(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = ca_folder.prepare

    def overtaken(folder: Path, name: str, text: str) -> Path:
        beside = prepare(folder, name, text)
        (folder / f"{name}.pem").write_text(OTHER, encoding="ascii")
        return beside

    async def story() -> None:
        async with stage(run_dir) as on:
            monkeypatch.setattr(ca_folder, "prepare", overtaken)
            why = await on.owner.refused("ca.add", name="ours", pem=CA)
            assert why.startswith("there is a file ours.pem already")
        assert audited(run_dir, "authority.add") == [
            ("ours.pem", "CN=Our CA"),
            ("ours.pem", f"not done after all: {why}"),
        ]

    play(story())


def test_one_that_cannot_be_audited_is_not_added(run_dir: Path, full: list[bool]) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            full.append(True)
            assert await on.owner.refused("ca.add", name="ours", pem=CA) == f"{FULL}; nothing was changed"
            assert (await on.owner.ask("ca.list"))["authorities"] == []
            assert list((run_dir / "ca").iterdir()) == []

    play(story())


def test_what_changed_in_the_folder_is_in_force_also_where_it_cannot_be_audited(
    run_dir: Path, full: list[bool]
) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner, folder = await on.instance(), on.owner, run_dir / "ca"

            async def in_force(*authorities: str) -> None:
                wanted = "".join(authorities).encode()
                await until(lambda: slave.trust is not None and slave.trust.authorities == wanted, "the trust")

            await owner.ask("ca.add", name="ours", pem=CA)
            full.append(True)
            (folder / "other.pem").write_text(OTHER, encoding="ascii")
            (folder / "ours.pem").unlink()
            end = "(it is {} all the same, connections known to be closed: 0)"
            assert await owner.refused("ca.reload") == f"not confirmed: {FULL} {end.format('removed')}"
            await in_force(OTHER)
            (folder / "ours.pem").write_text(CA, encoding="ascii")
            assert await owner.refused("ca.reload") == f"not confirmed: {FULL} {end.format('loaded')}"
            await in_force(OTHER, CA)
            assert await owner.refused("ca.remove", file="ours.pem") == f"not confirmed: {FULL} {end.format('removed')}"
            await in_force(OTHER)
            assert [path.name for path in folder.iterdir()] == ["other.pem"]

    play(story())


@pytest.mark.parametrize(
    ("pem_text", "reason"),
    [
        ("nothing", "no certificate in PEM can be read from it"),
        ("ü", "no certificate in PEM can be read from it"),
        (pem(der("a pin")).decode(), "CN=a pin is no CA certificate"),
        (CA + pem(der("a pin")).decode(), "CN=a pin is no CA certificate"),
        (pem(der("weak CA", is_ca=True, weak=True)).decode(), "CN=weak CA cannot be used: .*secp256k1"),
        (CA + "-----BEGIN PRIVATE KEY-----\n", "there is a private key in it"),
    ],
)
def test_what_is_no_authority_is_refused_by_name(pem_text: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        ca_folder.judged(pem_text, 0)


def test_more_than_a_message_carries_is_refused() -> None:
    assert len(ca_folder.judged(CA, LARGEST_BYTES - len(CA))) == 1
    with pytest.raises(RefusedError, match="all authorities together would have more than 65536 bytes"):
        ca_folder.judged(CA, LARGEST_BYTES - len(CA) + 1)


@pytest.mark.parametrize("name", ["", "a.pem", "../x", "a b", "-x", "x" * 65, "ü"])
def test_a_name_that_leads_elsewhere_is_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(RefusedError, match="is no name: give letters"):
        ca_folder.prepare(tmp_path, name, CA)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "ca").write_text("a file", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"cannot be written \(.*\); put ours\.pem there by hand"):
        ca_folder.prepare(tmp_path / "ca", "ours", CA)
    beside = ca_folder.prepare(tmp_path / "other", "ours", CA)
    (tmp_path / "other" / "ours.pem").write_text("meanwhile", encoding="utf-8")
    with pytest.raises(RefusedError, match=r"there is a file ours\.pem already"):
        ca_folder.place(beside, "ours")
    assert (tmp_path / "other" / "ours.pem").read_text(encoding="utf-8") == "meanwhile"


def test_a_folder_that_is_not_durable_keeps_nothing_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> None:
        raise OSError(5, os.strerror(5))

    beside = ca_folder.prepare(tmp_path, "ours", CA)
    monkeypatch.setattr(ca_folder, "sync_folder", broken)
    with pytest.raises(RefusedError, match=r"nothing changed: .* cannot be written \(Input/output error\)"):
        ca_folder.place(beside, "ours")
    assert list(tmp_path.iterdir()) == [beside]
