"""The trust list and the disk: slow, hanging, full."""

import asyncio
import json
import threading
from pathlib import Path

import pytest

from services.certificate_manager import saving
from services.certificate_manager.trust_store import StoreError, TrustStore
from shared.tls.certificate import fingerprint
from tests.services.certificate_manager.made import der
from tests.services.certificate_manager.running import accepted, play, stage
from tests.support import until


def test_a_slow_disk_delays_the_answer_and_never_the_cut(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, writes = threading.Event(), threading.Semaphore(0)
    real = TrustStore.write

    async def story() -> None:
        async with stage(run_dir) as on:
            certificates = [der(), der()]
            names = [fingerprint(each) for each in certificates]
            slave = await on.instance()
            for certificate, name in zip(certificates, names, strict=True):
                slave.show(certificate)
                await on.owner.listed(certificate)
                await on.owner.ask("accept", fingerprint=name)
            await until(lambda: slave.trust and len(slave.trust.accepted) == 2, "trust")
            slave.connections = dict.fromkeys(names, 1)

            def slow(store: TrustStore, entries: object, log: int) -> None:
                writes.release()
                assert go.wait(10)
                real(store, entries, log)  # type: ignore[arg-type]

            monkeypatch.setattr(TrustStore, "write", slow)
            asked = [asyncio.create_task(on.owner.ask("delete", fingerprint=name)) for name in names]
            await until(lambda: slave.trust and slave.trust.accepted == {}, "the cut of both", 0.5)
            assert not any(each.done() for each in asked), "nothing is confirmed before it is durable"
            await asyncio.to_thread(writes.acquire)
            go.set()
            assert [each["closed"] for each in await asyncio.gather(*asked)] == [1, 1]
        assert len(TrustStore(run_dir / "state").load()) == 0

    play(story())


def test_a_disk_that_hangs_is_told_instead_of_waited_for(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go = threading.Event()
    real = TrustStore.write
    monkeypatch.setattr(saving, "WRITE_PATIENCE_S", 0.2)

    async def story() -> None:
        async with stage(run_dir) as on:
            name, slave = await accepted(on)

            def hang(store: TrustStore, entries: object, log: int) -> None:
                assert go.wait(10)
                real(store, entries, log)  # type: ignore[arg-type]

            monkeypatch.setattr(TrustStore, "write", hang)
            text = await on.owner.refused("delete", fingerprint=name)
            assert text.startswith("not confirmed: the trust list is not written yet (it is deleted all the same")
            assert slave.trust is not None
            assert slave.trust.accepted == {}
            go.set()
            await until(lambda: len(TrustStore(run_dir / "state").load()) == 0, "written after all")

    play(story())


def test_a_disk_that_refuses(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "RETRY_S", 0.0)

    async def story() -> None:
        async with stage(run_dir) as on:
            name, slave = await accepted(on)
            other = der("other")
            slave.show(other)
            await on.owner.listed(other)
            with monkeypatch.context() as broken:

                def refuse(_store: TrustStore, _entries: object, _log: int) -> None:
                    raise StoreError("cannot write trust.json: No space left on device")

                broken.setattr(TrustStore, "write", refuse)
                text = await on.owner.refused("accept", fingerprint=fingerprint(other))
                assert text == "nothing changed: cannot write trust.json: No space left on device"
                assert (await on.owner.listed(other))["status"] == "pending"
                text = await on.owner.refused("delete", fingerprint=name)
                assert text.startswith("not confirmed: cannot write trust.json: No space left on device (it is deleted")
                assert slave.trust is not None
                assert slave.trust.accepted == {}
                await until(lambda: on.owner.kinds().count("trust.unsaved") == 1, "one alarm")
                assert name in TrustStore(run_dir / "state").load().accepted()
            await until(lambda: "trust.saved" in on.owner.kinds(), "written once the disk is well again")
        assert len(TrustStore(run_dir / "state").load()) == 0

    play(story())


def test_what_is_accepted_while_the_disk_is_slow_brings_back_nobody_who_is_deleted_meanwhile(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, begun = threading.Event(), threading.Event()
    real = TrustStore.write

    async def story() -> None:
        async with stage(run_dir) as on:
            name, slave = await accepted(on)
            other = der("other")
            slave.show(other)
            await on.owner.listed(other)

            def slow(store: TrustStore, entries: object, log: int) -> None:
                begun.set()
                assert go.wait(10)
                real(store, entries, log)  # type: ignore[arg-type]

            monkeypatch.setattr(TrustStore, "write", slow)
            accept = asyncio.create_task(on.owner.ask("accept", fingerprint=fingerprint(other)))
            label = asyncio.create_task(on.owner.refused("label", fingerprint=name, label="x"))
            await asyncio.to_thread(begun.wait)
            delete = asyncio.create_task(on.owner.ask("delete", fingerprint=name))
            await until(lambda: slave.trust and slave.trust.accepted == {}, "the cut", 0.5)
            go.set()
            await asyncio.gather(accept, delete)
            assert "somebody else decided about it meanwhile" in await label
            assert set(await on.owner.rows()) == {fingerprint(other)}
            assert slave.trust is not None
            assert slave.trust.accepted == {fingerprint(other): "rw"}
        assert set(TrustStore(run_dir / "state").load().accepted()) == {fingerprint(other)}

    play(story())


def test_seen_times_do_not_wear_the_flash_and_go_along_with_the_next_decision(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name, slave = await accepted(on, certificate)
            path = run_dir / "state" / "trust.json"
            before = path.stat().st_ino
            slave.show(certificate, "10.0.0.7")
            async with asyncio.timeout(5):
                while (await on.owner.listed(certificate))["addresses"][0] != "10.0.0.7":
                    pass
            assert path.stat().st_ino == before
            await on.owner.ask("label", fingerprint=name, label="pump")
            assert path.stat().st_ino != before
            written = json.loads(path.read_bytes())["certificates"][0]
            assert (written["label"], written["addresses"][0]) == ("pump", "10.0.0.7")

    play(story())
