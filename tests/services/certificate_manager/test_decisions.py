"""Decisions as the owner makes them, on a real bus with TLS instances that the test plays."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from services.certificate_manager import enforcement
from services.certificate_manager.enforcement import Enforcement, Outcome
from services.certificate_manager.trust_store import TrustStore
from shared.audit.check import load, verify
from shared.tls.certificate import fingerprint
from tests.services.certificate_manager.made import DAY, der, pem
from tests.services.certificate_manager.running import Keeper, Store, accepted, play, stage
from tests.support import until


def audited(folder: Path) -> list[tuple[str, str]]:
    records, broken = verify(load(folder / "state", "certificate-manager"))
    assert broken is None
    return [(record.what, record.result) for record in records]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The manager has long been running, as far as its patience goes."""
    monkeypatch.setattr(enforcement, "SETTLING_S", 0.0)


def test_seen_listed_accepted_deleted(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner, certificate = await on.instance(), on.owner, der("heat pump", role="Operator")
            name = fingerprint(certificate)
            assert slave.trust is not None
            assert (slave.trust.accepted, slave.trust.own) != ({}, "")
            slave.show(certificate)
            row = await owner.listed(certificate)
            assert (row["status"], row["subject"], row["role"]) == ("pending", "CN=heat pump", "Operator")
            assert (row["addresses"], row["direction"], row["grant"]) == (["192.168.0.9"], "in", "")
            done = await owner.ask("accept", fingerprint=name, grant="rw", label="pump")
            assert (done["grant"], done["label"], done["flags"]) == ("rw", "pump", [])
            await until(lambda: slave.trust and slave.trust.accepted == {name: "rw"}, "the trust")
            assert slave.trust.labels == {name: "pump"}
            slave.connections[name] = 3
            slave.say()
            await until(lambda: slave.trust, "trust")
            assert (await owner.listed(certificate))["status"] == "accepted"
            began = time.monotonic()
            assert await owner.ask("delete", fingerprint=name) == {
                "fingerprint": name, "blocked": False, "closed": 3, "killed": [],
            }  # fmt: skip
            assert time.monotonic() - began < 0.5
            assert slave.trust.accepted == {}
            assert await owner.rows() == {}
            slave.show(certificate)
            assert (await owner.listed(certificate))["status"] == "pending"
            await until(lambda: "certificate.delete" in owner.kinds(), "the event")
        assert [what for what, _ in audited(run_dir)] == ["certificate.accept", "certificate.delete"]
        assert audited(run_dir)[1][1] == "deleted, connections closed: 3"

    play(story())


def test_every_instance_must_acknowledge_also_one_that_speaks_outwards(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name = fingerprint(certificate)
            instances = [await on.instance(each) for each in ("tls-slave", "tls-slave.2", "measurement")]
            instances[1].show(certificate, direction="out")
            await on.owner.listed(certificate)
            await on.owner.ask("accept", fingerprint=name)
            for number, each in enumerate(instances):
                await until(lambda each=each: name in each.trust.accepted, "trust")  # type: ignore[misc]
                each.connections[name] = number + 1
                each.say()
            assert (await on.owner.ask("delete", fingerprint=name))["closed"] == 6

    play(story())


@pytest.mark.usefixtures("impatient")
def test_a_silent_instance_is_killed_by_its_supervisor(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name, (good, bad) = fingerprint(certificate), (await on.instance(), await on.instance("tls-slave.2"))
            good.show(certificate)
            await on.owner.listed(certificate)
            await on.owner.ask("accept", fingerprint=name)
            await until(lambda: bad.trust and name in bad.trust.accepted, "trust")
            keeper = on.keeper(bad)
            bad.connections[name] = 4
            bad.say()
            await until(lambda: bad.trust, "trust")
            row = await on.owner.listed(certificate)
            async with asyncio.timeout(5):
                while row["connections"] != 4:
                    row = await on.owner.listed(certificate)
            bad.silent = True
            began = time.monotonic()
            done = await on.owner.ask("delete", fingerprint=name)
            assert (done["closed"], done["killed"], keeper.killed) == (4, ["tls-slave.2"], ["tls-slave.2"])
            assert 0.5 <= time.monotonic() - began < 2
            assert "trust.killed" in on.owner.kinds()
        assert audited(run_dir)[-1][1] == "deleted, connections closed: 4, killed: tls-slave.2"

    play(story())


def test_where_registers_can_be_written_a_deletion_waits_for_what_the_store_still_holds(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir, writes=True) as on:
            store = Store(run_dir)
            on.ends_with(store.end)
            name, slave = await accepted(on)
            deleting = asyncio.create_task(on.owner.ask("delete", fingerprint=name))
            await until(lambda: store.asked, "the store is asked")
            assert slave.trust is not None
            assert (slave.trust.accepted, store.asked, deleting.done()) == ({}, ["settle"], False)
            store.through.set()
            assert (await deleting)["closed"] == 0

    play(story())


@pytest.mark.parametrize("stopped", [True, False])
def test_a_store_that_says_nothing_has_dropped_them_soon(
    run_dir: Path, stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enforcement, "SETTLED_S", 0.3)

    async def story() -> None:
        async with stage(run_dir, writes=True) as on:
            name, _ = await accepted(on)
            if stopped:
                on.ends_with(Store(run_dir).end)
            began = time.monotonic()
            assert (await on.owner.ask("delete", fingerprint=name))["closed"] == 0
            assert time.monotonic() - began >= 0.3

    play(story())


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("supervisor", ["none", "other", "dead"])
def test_what_cannot_be_confirmed_is_said_and_the_deletion_stays(
    run_dir: Path, supervisor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enforcement, "KILL_S", 0.2)

    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name, slave = fingerprint(certificate), await on.instance()
            slave.show(certificate)
            await on.owner.listed(certificate)
            await on.owner.ask("accept", fingerprint=name)
            slave.silent = True
            if supervisor != "none":
                made = Keeper(run_dir, dead=supervisor == "dead")
                on.ends_with(made.end)
            text = await on.owner.refused("delete", fingerprint=name)
            assert text.startswith("not confirmed: tls-slave has not acknowledged within 0.5 s, and ")
            why = "supervisor did not answer 'kill'" if supervisor == "dead" else "no supervisor runs it"
            assert why in text
            assert await on.owner.rows() == {}
            assert slave.trust is not None
            assert slave.trust.accepted == {}
            await until(lambda: "trust.unconfirmed" in on.owner.kinds(), "the alarm")
        assert len(TrustStore(run_dir / "state").load()) == 0
        assert audited(run_dir)[-1][1].startswith("deleted, not confirmed: tls-slave")

    play(story())


def test_nobody_is_accepted_while_his_rights_are_being_taken_away(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting: list[asyncio.Event] = []

    async def confirm(*_: object) -> Outcome:
        waiting.append(through := asyncio.Event())
        await through.wait()
        return Outcome(unconfirmed=("tls-slave is silent",))

    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name, slave = await accepted(on, certificate)
            monkeypatch.setattr(Enforcement, "confirm", confirm)
            less = asyncio.create_task(on.owner.refused("accept", fingerprint=name, grant="r"))
            await until(lambda: len(waiting) == 1, "less")
            gone = asyncio.create_task(on.owner.refused("delete", fingerprint=name))
            await until(lambda: len(waiting) == 2, "nothing")
            slave.show(certificate)
            await on.owner.listed(certificate)
            waiting[0].set()  # the one is through while the other still waits
            assert (await less).startswith("not confirmed")
            words = await on.owner.refused("accept", fingerprint=name)
            assert words == "its rights are being taken away just now; say it again once that is confirmed"
            waiting[1].set()
            assert (await gone).startswith("not confirmed")
            await on.owner.ask("accept", fingerprint=name)

    play(story())


@pytest.mark.usefixtures("impatient")
def test_an_instance_that_runs_but_was_never_heard_is_asked_too(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name, slave = fingerprint(certificate), await on.instance()
            slave.show(certificate)
            await on.owner.listed(certificate)
            await on.owner.ask("accept", fingerprint=name)
            await on.instance("tls-slave.2", silent=True)
            await on.instance("measurement", silent=True)  # holds no TLS connection as far as anybody knows
            text = await on.owner.refused("delete", fingerprint=name)
            assert "tls-slave.2 has not acknowledged" in text
            assert "measurement" not in text

    play(story())


def test_an_instance_that_ends_meanwhile_is_not_waited_for(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            name, slave = fingerprint(certificate), await on.instance()
            slave.show(certificate)
            await on.owner.listed(certificate)
            await on.owner.ask("accept", fingerprint=name)
            await until(lambda: slave.trust and name in slave.trust.accepted, "trust")
            keeper = on.keeper(slave)
            slave.silent = True
            slave.connections[name] = 2
            slave.say()
            async with asyncio.timeout(5):
                while (await on.owner.listed(certificate))["connections"] != 2:
                    pass
            asyncio.get_running_loop().call_later(0.1, keeper._runs.pop(slave.name).end)
            began = time.monotonic()
            done = await on.owner.ask("delete", fingerprint=name)
            assert (done["closed"], done["killed"]) == (2, [])
            assert time.monotonic() - began < 0.5

    play(story())


def test_narrowing_is_in_force_at_once_and_confirmed(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            name, slave = await accepted(on)
            done = await on.owner.ask("accept", fingerprint=name, grant="r")
            assert (done["grant"], done["closed"]) == ("r", 0)
            assert slave.trust is not None
            assert slave.trust.accepted == {name: "r"}
            assert (await on.owner.ask("accept", fingerprint=name, grant="rw"))["grant"] == "rw"

    play(story())


def test_what_a_ca_vouches_for_is_blocked_and_stays_so(run_dir: Path) -> None:
    async def story() -> None:
        authority = der("Our CA", is_ca=True, key_number=5)
        (run_dir / "ca").mkdir()
        (run_dir / "ca" / "ours.pem").write_bytes(pem(authority))
        async with stage(run_dir) as on:
            slave, owner = await on.instance(), on.owner
            leaf = der("inverter", issuer="Our CA")
            name = fingerprint(leaf)
            slave.show(leaf, verdict="CA_VALID", authority=fingerprint(authority))
            row = await owner.listed(leaf)
            assert (row["status"], row["reason"]) == ("ca", "vouched for by CN=Our CA")
            assert "is served already" in await owner.refused("accept", fingerprint=name)
            done = await owner.ask("delete", fingerprint=name)
            assert done["blocked"] is True
            assert slave.trust is not None
            assert (slave.trust.blocked, slave.trust.accepted) == ((name,), {})
            assert (await owner.listed(leaf))["status"] == "blocked"
            assert "unblock it first" in await owner.refused("accept", fingerprint=name)
            assert "blocked already" in await owner.refused("delete", fingerprint=name)
            slave.show(leaf, verdict="BLOCKED", authority=fingerprint(authority))
            await on.stop()
            await on.start()
            assert (await owner.listed(leaf))["status"] == "blocked"
            await owner.ask("unblock", fingerprint=name)
            assert await owner.rows() == {}
            pinned = der("was accepted before the CA was known", issuer="Our CA")
            slave.show(pinned)
            await owner.listed(pinned)
            await owner.ask("accept", fingerprint=fingerprint(pinned))
            done = await owner.ask("delete", fingerprint=fingerprint(pinned))
            assert done["blocked"] is True, "its CA would let it in again at once"
            own_pin, slave_trust = der("self-signed"), slave
            slave_trust.show(own_pin)
            await owner.listed(own_pin)
            await owner.ask("accept", fingerprint=fingerprint(own_pin))
            assert (await owner.ask("delete", fingerprint=fingerprint(own_pin)))["blocked"] is False

    play(story())


def test_a_meter_that_a_ca_of_the_system_vouches_for_is_blocked_as_well(run_dir: Path) -> None:
    """Also without any CA in the local folder."""

    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner, meter = await on.instance(), on.owner, der("meter.example", issuer="A public CA")
            name = fingerprint(meter)
            slave.show(meter, verdict="CA_VALID", authority="ab" * 32)
            assert (await owner.listed(meter))["status"] == "ca"
            assert (await owner.ask("delete", fingerprint=name))["blocked"] is True
            assert slave.trust is not None
            assert slave.trust.blocked == (name,)

    play(story())


def test_same_key_dates_and_ca_true_are_pointed_out(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, owner = await on.instance(), on.owner
            old = der("pump", key_number=7)
            slave.show(old)
            await owner.listed(old)
            await owner.ask("accept", fingerprint=fingerprint(old), label="Heat pump")
            renewed = der("pump", key_number=7, ends=3 * DAY)
            slave.show(renewed)
            row = await owner.listed(renewed)
            assert row["reason"].startswith("same key as accepted Heat pump (")
            assert row["flags"] == ["expires in 2 days"]
            expired = der("late", ends=-timedelta(hours=1))
            slave.show(expired)
            assert (await owner.listed(expired))["flags"] == ["expired: refused"]
            early = der("early", begins=DAY)
            slave.show(early)
            assert (await owner.listed(early))["flags"] == ["not yet valid: refused"]
            root = der("root", is_ca=True)
            slave.show(root)
            assert (await owner.listed(root))["flags"] == ["is a CA: what it signs is not accepted with it"]
            done = await owner.ask("accept", fingerprint=fingerprint(expired))
            assert done["flags"] == ["expired: refused"]

    play(story())


def test_wrong_commands_get_a_clear_answer_and_change_nothing(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            name, slave = await accepted(on)
            waiting = der("waiting")
            slave.show(waiting)
            await on.owner.listed(waiting)
            pending = fingerprint(waiting)
            before = slave.trust
            for verb, args, text in (
                ("accept", {"fingerprint": "ab" * 32}, "no certificate abababababababab... is known"),
                ("accept", {"fingerprint": name[:20]}, "has to be the whole SHA-256"),
                ("accept", {"fingerprint": name.upper()}, "64 hex digits in lower case"),
                ("accept", {"fingerprint": name, "grant": "all"}, "grant is 'all'; give 'rw' or 'r'"),
                ("accept", {"fingerprint": pending, "label": "x" * 65}, "a label has at most 64 bytes"),
                ("accept", {"fingerprint": pending, "label": "a\nb"}, "all printable"),
                ("delete", {"fingerprint": "ab" * 32}, "no certificate"),
                ("delete", {"fingerprint": pending}, "it is not accepted, so it is not served"),
                ("delete", {}, "has to be the whole"),
                ("unblock", {"fingerprint": name}, "it is not blocked"),
                ("label", {"fingerprint": pending, "label": "x"}, "it is not accepted"),
                ("dismiss", {"fingerprint": name}, "it is not pending"),
                ("show", {"fingerprint": "ab" * 32}, "no certificate"),
                ("dance", {}, "'dance' is no command; there are: list show accept delete"),
            ):
                assert text in await on.owner.refused(verb, **args), verb
            assert slave.trust is before
            assert {row["status"] for row in (await on.owner.rows()).values()} == {"accepted", "pending"}
            shown = await on.owner.ask("show", fingerprint=pending)
            assert shown["pem"].startswith("-----BEGIN CERTIFICATE-----")
            assert shown["self_signed"] is True
            await on.owner.ask("dismiss", fingerprint=pending)
            assert set(await on.owner.rows()) == {name}

    play(story())
