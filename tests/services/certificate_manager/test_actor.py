"""The actor around the decisions: files, dates, own keys, floods, and its death at any moment."""

import asyncio
import contextlib
import random
import shutil
import signal
from pathlib import Path

import pytest

from services.certificate_manager import actor
from services.certificate_manager.pending import MAX_PENDING
from services.certificate_manager.trust_store import TrustStore
from shared.errors import PeerError, RefusedError
from shared.tls.certificate import fingerprint
from tests.services.certificate_manager.made import DAY, der, pem
from tests.services.certificate_manager.running import MANAGER, Instance, Owner, play, stage
from tests.support import Processes, until


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks after files often."""
    monkeypatch.setattr(actor, "LOOK_S", 0.02)


def test_a_damaged_list_means_nothing_accepted_an_alarm_and_a_file_kept_aside(run_dir: Path) -> None:
    state = run_dir / "state"
    state.mkdir()
    (state / "trust.json").write_bytes(b'{"format": 1, "certificates": [')

    async def story() -> None:
        async with stage(run_dir) as on:
            slave = await on.instance()
            assert slave.trust is not None
            assert slave.trust.accepted == {}
            assert await on.owner.rows() == {}
        assert len(list(state.glob("trust.json.damaged-*"))) == 1
        log = (state / "audit" / f"{MANAGER}.jsonl").read_text(encoding="utf-8")
        assert '"what":"trust.damaged"' in log

    play(story())


def test_after_a_restart_all_that_was_accepted_is_and_nothing_that_waited(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            kept, waiting = der("kept"), der("waiting")
            slave = await on.instance()
            for each in (kept, waiting):
                slave.show(each)
                await on.owner.listed(each)
            await on.owner.ask("accept", fingerprint=fingerprint(kept), grant="r", label="wall")
            before = slave.trust
            await on.stop()
            await on.start()
            rows = await on.owner.rows()
            assert [(row["fingerprint"], row["grant"], row["label"]) for row in rows.values()] == [
                (fingerprint(kept), "r", "wall")
            ]
            await until(lambda: slave.trust is not before, "the trust of the new life")
            assert slave.trust is not None
            assert before is not None
            assert slave.trust.accepted == {fingerprint(kept): "r"}
            assert slave.trust.version > before.version

    play(story())


def decisions_in(state: Path) -> list[str]:
    """Who is accepted by a file."""
    return sorted(TrustStore(state).load().accepted())


def test_an_older_copy_that_is_put_back_brings_nobody_back(run_dir: Path) -> None:
    """Of the list; the audit log knows who was deleted since. Whom the copy does not know yet is told."""

    async def story() -> None:
        async with stage(run_dir) as on:
            state = run_dir / "state"
            kept, gone, new = der("kept"), der("gone"), der("new")
            slave = await on.instance()
            for each in (kept, gone):
                slave.show(each)
                await on.owner.listed(each)
                await on.owner.ask("accept", fingerprint=fingerprint(each))
            older = (state / "trust.json").read_bytes()
            await on.owner.ask("delete", fingerprint=fingerprint(gone))
            slave.show(new)
            await on.owner.listed(new)
            await on.owner.ask("accept", fingerprint=fingerprint(new))
            await on.stop()
            (state / "trust.json").write_bytes(older)
            assert decisions_in(state) == sorted(map(fingerprint, (kept, gone)))
            await on.start()
            await until(lambda: {"trust.older", "trust.incomplete"} <= {*on.owner.kinds()}, "an alarm")
            assert {name: row["status"] for name, row in (await on.owner.rows()).items()} == {
                fingerprint(kept): "accepted"
            }
            assert decisions_in(state) == [fingerprint(kept)]
            assert all(fingerprint(gone) not in trust.accepted for trust in slave.history[-2:])
            await on.stop()
            log = (state / "audit" / f"{MANAGER}.jsonl").read_text(encoding="utf-8")
            assert f"it is obeyed about {fingerprint(gone)}" in log
            assert f"decide again about {fingerprint(new)}" in log
            await on.start()
            assert decisions_in(state) == [fingerprint(kept)]

    play(story())


@pytest.mark.parametrize("what", ["trust.json", "audit"])
def test_a_list_or_a_log_that_is_gone_is_told(what: str, run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            state, one = run_dir / "state", der("one")
            slave = await on.instance()
            slave.show(one)
            await on.owner.listed(one)
            await on.owner.ask("accept", fingerprint=fingerprint(one))
            await on.owner.ask("label", fingerprint=fingerprint(one), label="one")
            await on.stop()
            if what == "audit":
                shutil.rmtree(state / "audit")
            else:
                (state / "trust.json").unlink()
            await on.start()
            kind = "audit.short" if what == "audit" else "trust.incomplete"
            await until(lambda: kind in on.owner.kinds(), "an alarm")
            assert bool(await on.owner.rows()) is (what == "audit")
            assert f'"what":"{kind}"' in (state / "audit" / f"{MANAGER}.jsonl").read_text(encoding="utf-8")

    play(story())


def test_thousands_of_certificates_are_bounded_and_who_waits_patiently_is_found_among_them(run_dir: Path) -> None:
    template, mark = der("flood MARK"), b"MARK"

    async def story() -> None:
        async with stage(run_dir) as on:
            slave, patient = await on.instance(), der("patient")
            dropped = on.manager._pending.dropped
            for number in range(3000):
                slave.show(template.replace(mark, f"{number:04x}".encode()), f"10.{number >> 8}.{number & 255}.9")
                if number % 50 == 0:
                    slave.show(patient, "10.0.0.1")
                await asyncio.sleep(0)
            assert (await on.owner.listed(patient))["status"] == "pending"
            assert len(await on.owner.rows()) <= MAX_PENDING
            await until(lambda: on.manager._pending.dropped > dropped + 100, "most came too fast")
            done = await on.owner.ask("accept", fingerprint=fingerprint(patient))
            assert done["grant"] == "rw"
            assert len([kind for kind in on.owner.kinds() if kind == "certificate.seen"]) < 200

    play(story())


def test_own_certificates_change_without_a_restart_and_everybody_is_told(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner = await on.instance(), on.owner
            assert slave.trust is not None
            version = slave.trust.own
            shown = await owner.ask("own.show")
            assert [row["names"] for row in shown["certificates"]] == [["meter.local", "192.168.0.2"]] * 2
            renewed = await owner.ask("own.renew", kind="ec")
            assert [row["kind"] for row in renewed["certificates"]] == ["ec"]
            await until(lambda: slave.trust and slave.trust.own != version, "the news")
            assert "BEGIN CERTIFICATE REQUEST" in (await owner.ask("own.csr", kind="rsa"))["pem"]
            assert (await owner.ask("own.export"))["pem"].count("BEGIN CERTIFICATE") == 2
            assert "no private key" not in await owner.refused("own.import", chain="x", key_file="ec.key")
            assert "'dsa' is no kind" in await owner.refused("own.renew", kind="dsa")
        for trust in slave.history:
            assert b"PRIVATE" not in trust.authorities

    play(story())


def test_authorities_are_read_again_when_the_folder_changes_or_on_command(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner = await on.instance(), on.owner
            (run_dir / "ca").mkdir()
            authority = der("Our CA", is_ca=True)
            (run_dir / "ca" / "broken.pem").write_bytes(b"no certificate")
            (run_dir / "ca" / "ours.pem").write_bytes(pem(authority))
            await until(lambda: slave.trust and b"BEGIN" in slave.trust.authorities, "the folder is looked at")
            assert slave.trust is not None
            assert slave.trust.authorities == pem(authority)
            found = await owner.ask("ca.list")
            assert [row["subject"] for row in found["authorities"]] == ["CN=Our CA"]
            assert [fault.partition(":")[0] for fault in found["faults"]] == ["broken.pem"]
            await until(lambda: {"authorities.broken", "authorities.changed"} <= set(owner.kinds()), "the events")
            leaf = der("leaf", issuer="Our CA")
            slave.show(leaf, verdict="CA_VALID", authority=fingerprint(authority))
            await owner.listed(leaf)
            (run_dir / "ca" / "ours.pem").unlink()
            assert (await owner.ask("ca.reload"))["authorities"] == []
            assert await owner.rows() == {}, "nobody vouches for it any more"
            assert slave.trust is not None
            await until(lambda: slave.trust and slave.trust.authorities == b"", "the trust")

    play(story())


def test_who_ends_soon_is_warned_about(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, short = await on.instance(), der("short", ends=10 * DAY)
            slave.show(short)
            await on.owner.listed(short)
            await on.owner.ask("accept", fingerprint=fingerprint(short), label="boiler")
            on.manager._warn()
            await until(lambda: "certificate.expires" in on.owner.kinds(), "the warning")
            texts = [event.text for event in on.owner.events if event.kind == "certificate.expires"]
            assert texts[0].startswith("accepted boiler ends on 20")
            assert "own.expires" not in on.owner.kinds()

    play(story())


async def statuses(owner: Owner) -> dict[str, str]:
    """The list, once somebody answers."""
    while True:
        with contextlib.suppress(PeerError):
            return {name: row["status"] for name, row in (await owner.rows(0.3)).items()}


@pytest.mark.system
def test_kill_9_of_the_whole_process_keeps_what_was_acknowledged(run_dir: Path, processes: Processes) -> None:
    (run_dir / "metergate.toml").write_text('[gateway]\nrun_dir = "."\n[certificates]\nnames = ["meter"]\n')
    env = {"METERGATE_CONFIG": str(run_dir / "metergate.toml")}
    chance = random.Random(4)
    certificates = {fingerprint(each): each for each in (der(f"client {number}") for number in range(4))}
    sure: dict[str, bool] = {}

    async def decide(owner: Owner, slave: Instance) -> int:
        """Decide until nobody answers any more; how often that was acknowledged."""
        done = 0
        while True:
            name = chance.choice(tuple(certificates))
            verb = "delete" if sure.pop(name) else "accept"
            try:
                await owner.ask(verb, 0.5, fingerprint=name)
            except PeerError:
                return done  # asked and not answered: either is right
            except RefusedError:  # it was deleted and not shown again yet
                sure[name] = False
                slave.show(certificates[name])
                continue
            sure[name] = verb == "accept"
            done += 1
            slave.show(certificates[name])

    async def story() -> None:
        owner, slave = Owner(run_dir), Instance(run_dir)
        done = 0
        for turn in range(4):
            process = processes.python("-m", "services.certificate_manager", env=env)
            found = await statuses(owner)
            assert all((found.get(name) == "accepted") is kept for name, kept in sure.items()), turn
            while len(found) < len(certificates):
                for each in certificates.values():
                    slave.show(each)
                found = await statuses(owner)
            sure.update({name: found[name] == "accepted" for name in certificates})
            asyncio.get_running_loop().call_later(chance.uniform(0.005, 0.2), process.send, signal.SIGKILL)
            done += await decide(owner, slave)
            process.wait()
        slave.end()
        owner.end()
        assert done > 3

    play(story())
