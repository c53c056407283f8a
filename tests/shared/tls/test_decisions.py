import pytest

from shared.bus.messages import RoleRights, Trust
from shared.errors import BusError
from shared.tls.certificate import fingerprint, read
from shared.tls.decisions import NONE, decisions_of
from shared.tls.roles import Grant
from shared.tls.trust import Standing
from tests.shared.tls.material import NOW_S, make
from tests.shared.tls.trusted import decided, trust

ONE, OTHER, AUTHORITY = make("one"), make("other"), make("authority", ca=True)


def test_before_the_first_message_nobody_is_served() -> None:
    verdict = NONE.trust.verdict(read(ONE.der), chain_valid=False, now_s=NOW_S)
    assert (verdict.served, NONE.version) == (False, (0, 0))


def test_who_is_accepted_with_which_grant_and_name() -> None:
    decisions = decided(ONE, grant="r", own="v7", seq=5)
    verdict = decisions.trust.verdict(read(ONE.der), chain_valid=False, now_s=NOW_S)
    assert (verdict.standing, verdict.grant) == (Standing.ACCEPTED, Grant.READ)
    assert not decisions.trust.verdict(read(OTHER.der), chain_valid=False, now_s=NOW_S).served
    assert (decisions.version, decisions.own) == ((1, 5), "v7")
    assert decisions.labels == {fingerprint(ONE.der): "label 0"}


def test_blocked_is_stronger_than_an_authority() -> None:
    decisions = decided(blocked=[ONE])
    assert decisions.trust.verdict(read(OTHER.der), chain_valid=True, now_s=NOW_S).served
    verdict = decisions.trust.verdict(read(ONE.der), chain_valid=True, now_s=NOW_S)
    assert (verdict.standing, verdict.served) == (Standing.BLOCKED, False)


def test_which_authorities_are_known() -> None:
    decisions = decided(authorities=[AUTHORITY])
    assert decisions.authority_fingerprints == {fingerprint(AUTHORITY.der)}
    assert NONE.authority_fingerprints == frozenset()


def test_the_table_of_roles_ends_before_its_ends() -> None:
    decisions = decided(ONE, roles=(RoleRights("", (3,), ((10, 20),)),))
    rights = decisions.roles.rights(read(ONE.der), Grant.READ_WRITE)
    assert rights.allows(3, 10, 20)
    assert not rights.allows(3, 10, 21)
    assert not rights.allows(3, 9, 10)
    assert not rights.allows(6, 10, 11)


@pytest.mark.parametrize(
    "message",
    [
        Trust(src="m", gen=1, seq=1, t_ns=1, accepted={"ab": "everything"}),
        Trust(src="m", gen=1, seq=1, t_ns=1, authorities=b"no PEM"),
        Trust(src="m", gen=1, seq=1, t_ns=1, roles=(RoleRights("", (3,), ((20, 10),)),)),
    ],
)
def test_what_cannot_be_understood_is_not_half_obeyed(message: Trust) -> None:
    with pytest.raises(BusError, match="trust/1 of m"):
        decisions_of(message)


def test_an_authority_that_comes_with_its_own_end_of_line_is_read() -> None:
    assert len(decisions_of(trust(authorities=[AUTHORITY, make("second", ca=True)])).authorities) == 2
