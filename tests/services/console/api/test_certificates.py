"""The routes of certificates against the certificate manager itself."""

from pathlib import Path

import pytest

from services.console.api import authorities, certificates, own
from services.console.api.errors import ApiError
from services.console.api.models.certificates import Accept, Closed, Import, LabelChange, NewAuthority, OwnKind
from shared.errors import RefusedError
from shared.tls import keys
from shared.tls.certificate import fingerprint
from shared.tls.keys import Kind
from tests.services.certificate_manager.made import der, pem
from tests.services.certificate_manager.running import Owner, play, stage
from tests.services.console.api.desk import TestDesk
from tests.support import until

HOSTILE = '<img src=x onerror="alert(1)">\u202e\x1b[31m'


def test_pending_come_first_the_newest_on_top_the_others_by_name() -> None:
    rows = [
        {"status": status, "label": label, "subject": f"CN={name}", "first_seen": seen, "fingerprint": name}
        for status, label, name, seen in (
            ("blocked", "", "f", "2026-01-05"),
            ("accepted", "Pump", "c", "2026-01-01"),
            ("ca", "", "e", "2026-01-09"),
            ("pending", "", "b", "2026-01-03"),
            ("accepted", "boiler", "d", "2026-01-02"),
            ("pending", "", "a", "2026-01-04"),
        )
    ]
    rows.sort(key=certificates.first_pending)
    assert [row["fingerprint"] for row in rows] == ["a", "b", "d", "c", "e", "f"]


def test_what_was_accepted_stands_below_what_waits(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, desk = await on.instance(), TestDesk(on.owner, run_dir)
            newer, kept = der("newer"), der("kept")
            for each in (kept, newer):
                slave.show(each)
                await on.owner.listed(each)
            call = desk.call(fingerprint=fingerprint(kept), body=Accept(grant="r", label="Wall"))
            decided = await certificates.accept(call)
            assert decided.certificate is not None
            assert (decided.certificate.status, decided.certificate.grant) == ("accepted", "r")
            assert decided.certificate.decided_by == "console:owner"
            made = await certificates.certificates(desk.call())
            assert [row.subject for row in made.certificates] == ["CN=newer", "CN=kept"]
            first = made.certificates[0]
            assert "".join(first.groups) == first.fingerprint == fingerprint(newer)
            assert {len(group) for group in first.groups} == {4}

    play(story())


def test_one_in_full_named_deleted_and_gone(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, desk = await on.instance(), TestDesk(on.owner, run_dir)
            client = der(HOSTILE)
            slave.show(client)
            await on.owner.listed(client)
            name = fingerprint(client)
            full = await certificates.certificate(desk.call(fingerprint=name))
            assert full.pem == pem(client).decode()
            assert full.subject.isprintable()
            assert "<img src=x" in full.subject, "markup is text like any other"
            await certificates.accept(desk.call(fingerprint=name, body=Accept(grant="rw")))
            labelled = await certificates.label(desk.call(fingerprint=name, body=LabelChange(label="Pump")))
            assert labelled.certificate is not None
            assert labelled.certificate.label == "Pump"
            slave.connections[name] = 3
            slave.say()
            await until(lambda: on.manager._ledger.connections(name) == 3, "its connections")
            assert (await certificates.certificate(desk.call(fingerprint=name))).connections == 3
            closed = await certificates.delete(desk.call(fingerprint=name))
            assert (closed.closed, closed.confirmed) == (3, True)
            assert (await certificates.certificates(desk.call())).certificates == ()
            with pytest.raises(RefusedError, match=r"no certificate .* is known"):
                await certificates.certificate(desk.call(fingerprint=name))

    play(story())


def test_a_deletion_that_nobody_confirms_says_so_and_is_in_force(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, desk = await on.instance(), TestDesk(on.owner, run_dir)
            client = der("client")
            slave.show(client)
            await on.owner.listed(client)
            name = fingerprint(client)
            await certificates.accept(desk.call(fingerprint=name, body=Accept(grant="rw")))
            slave.silent = True
            closed = await certificates.delete(desk.call(fingerprint=name))
            assert not closed.confirmed
            assert closed.text.startswith("not confirmed")
            assert slave.trust is not None
            assert name not in slave.trust.accepted

    play(story())


def test_dismiss_and_block(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            slave, desk = await on.instance(), TestDesk(on.owner, run_dir)
            stranger, vouched = der("stranger"), der("vouched", issuer="Our CA")
            authority = der("Our CA", is_ca=True)
            added = NewAuthority(pem=pem(authority).decode(), name="ours")
            folder = await authorities.add(desk.call(body=added))
            assert [(row.subject, row.file) for row in folder.authorities] == [("CN=Our CA", "ours.pem")]
            assert folder.folder == str(run_dir / "ca")
            slave.show(stranger)
            slave.show(vouched, verdict="CA_VALID", authority=fingerprint(authority))
            await on.owner.listed(vouched)
            await certificates.dismiss(desk.call(fingerprint=fingerprint(stranger)))
            (row,) = (await certificates.certificates(desk.call())).certificates
            assert (row.status, row.authority) == ("ca", fingerprint(authority))
            closed = await certificates.block(desk.call(fingerprint=row.fingerprint))
            assert (closed.closed, closed.text) == (0, "blocked; connections closed: 0")
            (row,) = (await certificates.certificates(desk.call())).certificates
            assert row.status == "blocked"
            await certificates.unblock(desk.call(fingerprint=row.fingerprint))
            assert (await certificates.certificates(desk.call())).certificates == ()
            assert (await authorities.reload(desk.call())).authorities == folder.authorities
            removed = await authorities.remove(desk.call(file="ours.pem"))
            assert (removed.authorities, removed.cut) == ((), Closed(closed=0, text="removed; connections closed: 0"))
            assert (await authorities.authorities(desk.call())).authorities == ()
            await authorities.add(desk.call(body=added))
            slave.silent = True
            unsure = await authorities.remove(desk.call(file="ours.pem"))
            assert unsure.cut is not None
            assert (unsure.authorities, unsure.cut.confirmed) == ((), False)
            assert unsure.cut.text.startswith("not confirmed: tls-slave has not acknowledged within 0.5 s")

    play(story())


def test_our_own_are_shown_given_away_requested_renewed_and_imported(run_dir: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            desk = TestDesk(on.owner, run_dir)
            shown = await own.own(desk.call())
            assert [row.kind for row in shown.certificates] == ["ec", "rsa"]
            given = await own.export(desk.call(query=OwnKind(kind="rsa")))
            assert given.headers["content-disposition"] == 'attachment; filename="metergate-rsa.pem"'
            assert bytes(given.body).count(b"BEGIN CERTIFICATE") == 1
            assert (await own.request(desk.call(body=OwnKind()))).pem.startswith("-----BEGIN CERTIFICATE REQUEST")
            (renewed,) = (await own.renew(desk.call(body=OwnKind(kind="ec")))).certificates
            assert renewed.fingerprint != shown.certificates[0].fingerprint
            theirs = keys.generate(Kind.EC, ["page.local"], 0.0)
            chain, key = theirs.export().decode(), theirs.key_pem().decode()
            with pytest.raises(ApiError, match="holds a private key"):
                await own.take_over(desk.call(body=Import(chain=chain + key)))
            (taken,) = (await own.take_over(desk.call(body=Import(chain=chain, key=key)))).certificates
            assert taken.subject == "CN=page.local"
            with pytest.raises(RefusedError):
                await own.take_over(desk.call(body=Import(chain="nothing", key=key)))

    play(story())
    assert not [*run_dir.glob("import-*"), *(run_dir / "keys").glob("import-*")], "no private key is left behind"


def test_where_the_manager_is_not_needed_or_does_not_answer_nothing_is_shown_and_said_why(run_dir: Path) -> None:
    async def story() -> None:
        owner = Owner(run_dir)
        desk = TestDesk(owner, run_dir)
        try:
            for state, trouble in ((("disabled", ""), ""), (("parked", "too often"), "does not run: too often")):
                desk.state = state
                made = await certificates.certificates(desk.call())
                assert (made.certificates, made.running) == ((), False)
                assert trouble in made.trouble
                assert not (await own.own(desk.call())).running
                assert not (await authorities.authorities(desk.call())).running
            desk.state = ("", "")
            made = await certificates.certificates(desk.call())
            assert (made.running, bool(made.trouble)) == (False, True)
        finally:
            owner.end()

    play(story())
