from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.messages import Block
from shared.registers import encode
from shared.registers.blocks import all_rows
from shared.registers.decode import bytes_of, decode, decode_image, decode_rows, raw, words_of
from shared.registers.lookup import find
from shared.registers.row import TYPES

NUMBERS = [row for row in all_rows() if TYPES[row.type].high and not row.scale_row and row.address < 59432]
NUMBERS = [row for row in NUMBERS if row.type not in ("sunssf", "pad")]
TEXTS = [row for row in all_rows() if row.type == "string" and row.address < 59432]


@given(st.sampled_from(NUMBERS), st.floats(-1e22, 1e22) | st.floats(-1e5, 1e5))
def test_a_number_comes_back_within_its_resolution(row_value: object, value: float) -> None:
    row = next(row for row in NUMBERS if row is row_value)
    kind = row.kind
    number = encode.quantise(value, row.per_unit, kind.low, kind.high)
    shown = decode(row, number.to_bytes(2 * row.count, "big", signed=kind.low < 0))
    assert isinstance(shown, int | float)
    expected = max(Fraction(kind.low, row.per_unit), min(Fraction(kind.high, row.per_unit), Fraction(value)))
    assert abs(Fraction(shown) - expected) <= Fraction(1, 2 * row.per_unit) + abs(expected) / 2**50


@given(st.sampled_from(TEXTS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_text_comes_back_as_far_as_it_fits(row_text: object, content: str) -> None:
    row = next(row for row in TEXTS if row is row_text)
    shown = decode(row, encode.text(content, 2 * row.count))
    assert isinstance(shown, str)
    assert content.startswith(shown)
    if len(content.encode()) <= 2 * row.count:
        assert shown == content.rstrip(" ")


@given(st.lists(st.integers(0, 65535)))
def test_words_and_bytes_are_inverse(words: list[int]) -> None:
    assert words_of(bytes_of(words)) == tuple(words)


def test_scale_factors_and_markers() -> None:
    row = find("sunspec_ac_power")
    assert decode(row, b"\x00\x7b", -1) == 12.3
    assert decode(row, b"\xff\xff", 2) == -100
    assert decode(row, b"\x80\x00", -1) is None
    assert decode(find("sunspec_energy_imported"), b"\x80\x00\x00\x00") is None
    assert decode(find("sunspec_energy_imported"), b"\x00\x00\x00\x07", 3) == 7000
    assert decode(find("sunspec_ac_power_sf"), b"\xff\xfe") == -2
    assert decode(find("sunspec_ac_power_sf"), b"\x80\x00") is None
    assert decode(find("sunspec_common_pad"), b"\x80\x00") is None
    assert decode(find("reserved_8"), bytes(16)) is None


def test_a_scale_factor_out_of_range_makes_no_value() -> None:
    rows = [find("sunspec_ac_frequency"), find("sunspec_ac_frequency_sf")]
    values = [reading.value for reading in decode_rows(rows, 40086, b"\x00\x05\x80\x00")]
    assert values == [None, None]


def test_the_wrong_number_of_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="active_power_import has 2 registers, so 4 bytes, not 2"):
        raw(find("active_power_import"), b"\0\1")


def test_a_run_gives_the_rows_that_stand_in_it_completely() -> None:
    data = bytes_of(range(1, 9))
    readings = list(decode_rows(all_rows(), 23, data))
    assert [reading.row.name for reading in readings] == ["power_factor", "supply_frequency"]
    assert readings[0].words == (2, 3)
    assert list(decode_rows(all_rows(), 40072, b"\0\1\0\2")) == []


def test_an_image_says_of_each_row_whether_a_slave_would_answer() -> None:
    rows = [find(key) for key in ("active_power_import", "reserved_8", "active_energy_import", "wallbox_status")]
    blocks = [
        Block(0, bytes(296), live=((0, 148),)),
        Block(512, bytes(560), unknown=((512, 516),)),
    ]
    fresh = decode_image(rows, blocks, stale=False)
    assert [reading.state for reading in fresh.values()] == ["ok", "ok", "unknown", "absent"]
    stale = decode_image(rows, blocks, stale=True)
    assert [reading.state for reading in stale.values()] == ["stale", "stale", "unknown", "absent"]
    assert stale["active_power_import"].words == ()
