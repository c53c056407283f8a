"""Groups and requests: no value is cut, no request is too long, nothing outside of the manual's ranges."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.master_pusher.groups import GROUPS, Piece, group, low_first, split
from shared.config.master import GROUP_RANGES
from shared.registers.table import TABLE
from tests.services.master_pusher.rows import rows_of


def test_the_requests_of_the_four_groups() -> None:
    assert {name: each.pieces for name, each in GROUPS.items()} == {
        "instantaneous_total": (Piece(0, 28),),
        "instantaneous_phases": (Piece(40, 106),),
        "energy_total": (Piece(512, 40),),
        "energy_phases": (Piece(592, 120), Piece(712, 80)),
    }
    assert [name for name, each in GROUPS.items() if each.live] == ["instantaneous_total", "instantaneous_phases"]
    assert GROUP_RANGES.keys() == GROUPS.keys()


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60), st.integers(40, 123))
def test_pieces_are_whole_values_in_order_and_as_few_as_can_be(counts: list[int], limit: int) -> None:
    rows = rows_of(counts)
    pieces = split(rows, limit)
    borders = {row.address for row in rows} | {row.end for row in rows}
    assert pieces[0].start == rows[0].address
    assert all(piece.start in borders and piece.start + piece.size in borders for piece in pieces)
    assert all(0 < piece.size <= limit for piece in pieces)
    assert [piece.start + piece.size for piece in pieces] == [*(piece.start for piece in pieces[1:]), rows[-1].end]
    for piece, after in pairwise(pieces):
        first = next(row for row in rows if row.address == after.start)
        assert piece.size + first.count > limit, "there was room for one more"


def test_a_value_that_fits_into_no_request_is_refused() -> None:
    with pytest.raises(ValueError, match="has 124 registers, 123 fit"):
        split(rows_of([124]))


def test_a_range_that_cuts_a_value_is_refused() -> None:
    table = [row for row in TABLE if row.name != "supply_frequency"]
    with pytest.raises(ValueError, match="instantaneous_total: 0-27 does not begin and end with a value"):
        group("instantaneous_total", table)


def test_low_words_first_turns_each_value_and_leaves_reserved_ones() -> None:
    order = low_first(GROUPS["energy_total"].rows)
    assert order[:8] == (3, 2, 1, 0, 7, 6, 5, 4)
    assert order[16:32] == tuple(range(16, 32))
    assert sorted(order) == list(range(40))
