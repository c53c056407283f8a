"""Decisions about peers."""

import pytest

from shared.clock import RELEASED_S
from shared.tls.certificate import Certificate, read
from shared.tls.roles import Grant
from shared.tls.trust import NOBODY, Pin, Standing, Standings, TrustSet, Verdict
from tests.shared.tls.material import DAY, NOW, NOW_S, Made, make


def pin(made: Made, grant: Grant = Grant.READ_WRITE, label: str = "") -> Pin:
    said = read(made.der)
    return Pin(
        fingerprint=said.fingerprint,
        grant=grant,
        key_hash=said.key_hash,
        subject=said.subject,
        serial=said.serial,
        label=label,
    )


def judge(trust: TrustSet, made: Made, *, chain_valid: bool = False, now_s: float = NOW_S) -> Verdict:
    return trust.verdict(read(made.der), chain_valid=chain_valid, now_s=now_s)


def test_nobody_is_served_before_the_first_set() -> None:
    assert judge(NOBODY, make()).standing is Standing.PENDING
    assert not judge(NOBODY, make()).served


@pytest.mark.parametrize("grant", list(Grant))
def test_an_accepted_certificate_gets_what_was_granted(grant: Grant) -> None:
    made = make()
    verdict = judge(TrustSet(7, [pin(made, grant)]), made)
    assert (verdict.standing, verdict.grant, verdict.epoch) == (Standing.ACCEPTED, grant, 7)
    assert verdict.served


def test_the_same_key_in_a_new_certificate_is_pending_and_flagged() -> None:
    old, new = make("box", with_key="ec-box"), make("box", with_key="ec-box")
    verdict = judge(TrustSet(1, [pin(old, label="Wallbox\x1b")]), new)
    assert verdict.standing is Standing.PENDING
    assert "same key as accepted Wallbox� (" in verdict.reason
    assert not verdict.served


def test_the_same_name_and_serial_with_another_key_is_pending_and_flagged() -> None:
    old, new = make("box", with_key="ec-1", serial=5), make("box", with_key="ec-2", serial=5)
    verdict = judge(TrustSet(1, [pin(old)]), new)
    assert (verdict.standing, "another key" in verdict.reason) == (Standing.PENDING, True)


def test_a_child_of_an_accepted_ca_certificate_is_pending() -> None:
    parent = make("parent", with_key="ec-ca", ca=True)
    assert judge(TrustSet(1, [pin(parent)]), parent).served
    assert judge(TrustSet(1, [pin(parent)]), make("child", issuer=parent)).standing is Standing.PENDING


def test_a_chain_to_a_known_ca_is_served_until_it_is_blocked() -> None:
    made = make()
    assert judge(NOBODY, made, chain_valid=True).standing is Standing.CA_VALID
    verdict = judge(TrustSet(1, blocked=[read(made.der).fingerprint]), made, chain_valid=True)
    assert (verdict.standing, verdict.served) == (Standing.BLOCKED, False)


def test_blocked_counts_more_than_accepted() -> None:
    made = make()
    assert judge(TrustSet(1, [pin(made)], [read(made.der).fingerprint]), made).standing is Standing.BLOCKED


@pytest.mark.parametrize("chain_valid", [True, False])
def test_what_is_weak_is_neither_listed_nor_served_even_where_it_was_accepted(chain_valid: bool) -> None:
    made = make(with_key="rsa1024")
    verdict = judge(TrustSet(1, [pin(made)]), made, chain_valid=chain_valid)
    assert (verdict.standing, verdict.served, verdict.listed) == (Standing.WEAK, False, False)
    assert "1024" in verdict.reason


def test_dates_of_an_accepted_certificate_count() -> None:
    made = make(begin=NOW - DAY, end=NOW + DAY)
    trust = TrustSet(1, [pin(made)])
    day = DAY.total_seconds()
    assert judge(trust, made).standing is Standing.ACCEPTED
    assert judge(trust, made, now_s=NOW_S + 2 * day).standing is Standing.EXPIRED
    assert judge(trust, made, now_s=NOW_S - 2 * day).standing is Standing.NOT_YET_VALID
    assert not judge(trust, made, now_s=NOW_S + 2 * day).served


def test_dates_are_not_looked_at_while_the_clock_is_not_set() -> None:
    made = make(begin=NOW - DAY, end=NOW + DAY)
    verdict = judge(TrustSet(1, [pin(made)]), made, now_s=1000.0)
    assert verdict.served
    assert "clock" in verdict.reason
    assert verdict.until_s < RELEASED_S


def test_a_connection_notices_every_change_and_asks_no_more_than_needed() -> None:
    class Counting(TrustSet):
        asked = 0

        def verdict(self, certificate: Certificate, *, chain_valid: bool, now_s: float) -> Verdict:
            self.asked += 1
            return super().verdict(certificate, chain_valid=chain_valid, now_s=now_s)

    made = make(begin=NOW - DAY, end=NOW + DAY)
    peer = Standings(read(made.der), chain_valid=False)
    accepted = Counting(1, [pin(made)])
    assert not peer.under(NOBODY, NOW_S).served
    assert all(peer.under(accepted, NOW_S + n).served for n in range(1000))
    assert accepted.asked == 1
    assert peer.under(accepted, NOW_S + 2 * DAY.total_seconds()).standing is Standing.EXPIRED
    assert peer.under(accepted, NOW_S).served  # the clock was set back
    assert not peer.under(TrustSet(1), NOW_S).served  # the same epoch after a restart, another set


def test_a_verdict_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        judge(NOBODY, make()).grant = Grant.READ  # type: ignore[misc]
