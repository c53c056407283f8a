"""A trust list that is older than the audit log."""

import pytest

from services.certificate_manager.recall import recall
from services.certificate_manager.trust_list import Entry, TrustList
from shared.audit.record import Record, Who
from shared.tls.certificate import fingerprint
from tests.services.certificate_manager.made import der

DER = der()
ONE = fingerprint(DER)


def entry(status: str = "accepted", grant: str = "rw") -> Entry:
    return Entry(fingerprint=ONE, der=DER, status=status, grant=grant)  # type: ignore[arg-type]


def lines(*decisions: tuple[str, str], target: str = ONE) -> list[Record]:
    return [
        Record(
            seq=number, prev="", time="", boot="", t_ns=0, owner="certificate-manager", who=Who("cli"),
            what=f"certificate.{what}", target=target, result=result,
        )
        for number, (what, result) in enumerate(decisions, 1)
    ]  # fmt: skip


ACCEPT, READ, DELETE = ("accept", "reading and writing"), ("accept", "reading only, ..."), ("delete", "deleted, ...")
BLOCK, UNBLOCK = ("block", "blocked, ..."), ("unblock", "unblocked")


@pytest.mark.parametrize(
    ("known", "later", "accepted", "blocked"),
    [
        (entry(), (DELETE,), {}, ()),
        (entry(), (ACCEPT, DELETE), {}, ()),
        (entry(), (DELETE, ACCEPT), {ONE: "rw"}, ()),
        (entry(), (BLOCK,), {}, (ONE,)),
        (entry(), (BLOCK, UNBLOCK), {}, ()),
        (entry(), (BLOCK, UNBLOCK, ACCEPT), {ONE: "rw"}, ()),
        (entry(), (READ,), {ONE: "r"}, ()),
        (entry(grant="r"), (ACCEPT,), {ONE: "r"}, ()),
        (entry("blocked", ""), (UNBLOCK, ACCEPT), {}, (ONE,)),
        (entry(), (), {ONE: "rw"}, ()),
    ],
)
def test_what_was_taken_away_stays_away_and_nothing_is_granted(
    known: Entry, later: tuple[tuple[str, str], ...], accepted: dict[str, str], blocked: tuple[str, ...]
) -> None:
    found = recall(TrustList([known]), lines(*later))
    assert (found.trust.accepted(), found.trust.blocked()) == (accepted, blocked)
    changed = (accepted, blocked) != (TrustList([known]).accepted(), TrustList([known]).blocked())
    assert found.taken == ((ONE,) if changed else ())
    assert found.missing == ()


@pytest.mark.parametrize(("last", "missing"), [(ACCEPT, True), (BLOCK, True), (DELETE, False), (UNBLOCK, False)])
def test_what_the_list_does_not_know_is_told(last: tuple[str, str], missing: bool) -> None:
    found = recall(TrustList(), lines(ACCEPT, last))
    assert found.missing == ((ONE,) if missing else ())
    assert len(found.trust) == 0


def test_other_lines_say_nothing() -> None:
    found = recall(TrustList([entry()]), lines(("label", "x"), ("dismiss", "dismissed")) + lines(DELETE, target="ab"))
    assert found.trust.accepted() == {ONE: "rw"}
