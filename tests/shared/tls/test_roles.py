"""The rights table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tls.certificate import Certificate
from shared.tls.roles import EVERYTHING, Grant, Rights, RoleTable, Row

READ_WRITE = Grant.READ_WRITE
ROWS = (Row(role="", write=EVERYTHING), Row(role="Operator", write=EVERYTHING), Row(role="Viewer"))


def of(role: str = "", fault: str = "") -> Certificate:
    return Certificate(fingerprint="f", role=role, role_fault=fault)


def test_no_role_is_a_row_of_the_table() -> None:
    assert RoleTable(ROWS).rights(of(), READ_WRITE).allows(16, 49206, 49208)
    without = RoleTable([row for row in ROWS if row.role])
    assert not without.rights(of(), READ_WRITE).allows(3, 0, 1)
    assert without.explain(of()) == "it has no role"


def test_an_unknown_or_bad_role_has_no_rights() -> None:
    table = RoleTable(ROWS)
    for certificate in (of("Stranger"), of(fault="two role extensions"), of("operator")):
        rights = table.rights(certificate, READ_WRITE)
        assert not any(rights.allows(function, 0, 1) for function in range(1, 128))
        assert table.explain(certificate)
    assert table.explain(of("Operator")) == ""


def test_a_grant_is_narrowed_by_the_role_and_a_role_by_the_grant() -> None:
    table = RoleTable(ROWS)
    assert table.rights(of("Operator"), READ_WRITE).allows(6, 49206, 49207)
    assert not table.rights(of("Viewer"), READ_WRITE).allows(6, 49206, 49207)
    assert not table.rights(of("Operator"), Grant.READ).allows(6, 49206, 49207)
    assert table.rights(of("Operator"), Grant.READ).allows(3, 0, 125)
    assert table.rights(of("Viewer"), READ_WRITE).all_reads


def test_functions_and_ranges_of_a_row() -> None:
    row = Row(role="", functions=(3, 6, 43), read=((0, 99), (100, 147), (512, 791)), write=((49206, 49207),))
    rights = RoleTable([row]).rights(of(), READ_WRITE)
    assert rights.allows(3, 90, 148)  # across two ranges that touch
    assert not rights.allows(3, 90, 149)
    assert not rights.allows(4, 0, 1)
    assert rights.allows(6, 49207, 49208)
    assert not rights.allows(6, 49208, 49209)
    assert not rights.allows(16, 49206, 49207)
    assert rights.allows(43)
    assert not rights.all_reads


def test_a_range_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValueError, match="5-4 is no range"):
        Rights(frozenset((3,)), ((5, 4),), ())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 8)), max_size=6), st.integers(0, 70), st.integers(1, 8))
def test_a_request_is_allowed_where_each_of_its_registers_is(
    spans: list[tuple[int, int]], start: int, count: int
) -> None:
    ranges = tuple((first, first + more) for first, more in spans)
    every = all(any(first <= n <= last for first, last in ranges) for n in range(start, start + count))
    assert Rights(frozenset((3,)), ranges, ()).allows(3, start, start + count) is every
