import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RefusedError
from shared.tls.fingerprint import chosen, grouped, joined

ONE, TWO = "ab12cd34" + "0" * 56, "ab12cd35" + "0" * 56


@given(st.text("0123456789abcdef", min_size=64, max_size=64))
def test_groups_of_four_are_understood_again_however_they_are_pasted(fingerprint: str) -> None:
    groups = grouped(fingerprint)
    assert {len(group) for group in groups.split(" ")} == {4}
    for written in ([groups], groups.split(" "), [groups.replace(" ", ":").upper()], [fingerprint]):
        assert joined(written) == fingerprint
        assert chosen(written, []) == fingerprint


def test_a_beginning_is_enough_where_it_is_the_only_one() -> None:
    assert chosen(["ab12", "cd34"], [ONE, TWO]) == ONE
    assert chosen(["AB12CD35"], [ONE, TWO]) == TWO


@pytest.mark.parametrize(
    ("parts", "known", "reason"),
    [
        (["ab12cd3"], [ONE], "ab12cd3 is too short to tell certificates apart; give 8 digits at least"),
        (["ab12cd36"], [ONE, TWO], "no certificate begins with ab12cd36"),
        (["ab12cd3400"], [ONE, ONE[:-1] + "1"], "2 certificates begin with ab12cd3400"),
        (["heat pump"], [ONE], "'heat pump' is no fingerprint; it has up to 64 hex digits"),
        (["a" * 65], [ONE], "is no fingerprint"),
    ],
)
def test_what_is_not_clear_is_refused(parts: list[str], known: list[str], reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        chosen(parts, known)
