"""Which registers are asked for, and what is said of the answer."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import RefusedError
from shared.modbus.pdu import MAX_READ
from shared.registers.blocks import all_rows
from shared.registers.lookup import find
from shared.registers.row import Row
from supervisor.cli.registers.question import Question, as_object, lines, question

ROWS = all_rows()


@pytest.mark.parametrize(
    ("what", "count", "expected"),
    [
        ("supply_frequency", None, Question(26, 2, 26, 28)),
        ("26", None, Question(26, 2, 26, 28)),
        ("0x1A", None, Question(26, 2, 26, 28)),
        ("27", None, Question(27, 1, 27, 28)),
        ("0", 12, Question(0, 12, 0, 12)),
        ("300", None, Question(300, 1, 300, 301)),
        ("65535", None, Question(65535, 1, 65535, 65536)),
        ("sunspec_ac_current_l1", None, Question(40073, 4, 40073, 40074)),
        ("sunspec_ac_current_l1", 1, Question(40073, 1, 40073, 40074)),
        ("sunspec_energy_sf", None, Question(40124, 1, 40124, 40125)),
    ],
)
def test_a_name_or_address_becomes_one_request(what: str, count: int | None, expected: Question) -> None:
    assert question(what, count, ROWS) == expected


@pytest.mark.parametrize("row", [row for row in ROWS if row.scale_row])
def test_a_scale_factor_is_read_along(row: Row) -> None:
    asked = question(row.name, None, ROWS)
    scale = find(row.scale_row, ROWS)
    assert asked.start <= scale.address < asked.start + asked.count
    assert asked.count <= MAX_READ


@pytest.mark.parametrize(("what", "count"), [("-1", None), ("65536", None), ("65535", 2), ("nothing_like_it", None)])
def test_what_cannot_be_asked_is_refused(what: str, count: int | None) -> None:
    with pytest.raises(RefusedError):
        question(what, count, ROWS)


def test_an_answer_is_told_with_its_age() -> None:
    head, power = lines(question("0", None, ROWS), bytes([0, 0, 48, 57]), ROWS, 5.0)
    assert head.split() == ["ADDRESS", "NAME", "WORDS", "VALUE", "AGE"]
    assert power.split(maxsplit=6) == [
        "0",
        "active_power_import",
        "0000",
        "3039",
        "1234.5",
        "W",
        "fresh, younger than 5 s",
    ]


def test_a_part_of_a_value_is_shown_raw() -> None:
    assert [line.split() for line in lines(question("1", 1, ROWS), b"\x30\x39", ROWS, None)][1] == [
        "1",
        "-",
        "3039",
        "12345",
    ]


def test_counters_and_markers_say_what_they_are() -> None:
    counter = as_object(question("512", None, ROWS), bytes(8), ROWS, 5.0)
    assert counter["values"][0]["age"] == "counter, served at any age"
    asked = question("sunspec_ac_current_l1", None, ROWS)
    marker = as_object(asked, b"\x80\x00" * 3 + b"\xff\xfe", ROWS, 5.0)
    assert marker["words"] == (0x8000,)
    assert marker["values"][0] | {"address": 0} == {
        "name": "sunspec_ac_current_l1", "address": 0, "value": None, "unit": "A", "age": "not measured, or stale",
    }  # fmt: skip


@given(st.integers(0, 65535), st.integers(1, MAX_READ), st.randoms())
def test_any_answer_can_be_shown(address: int, count: int, random: Random) -> None:
    count = min(count, 65536 - address)
    asked = question(str(address), count, ROWS)
    data = random.randbytes(2 * asked.count)
    shown = list(lines(asked, data, ROWS, None))
    assert all(line.isprintable() for line in shown)
    covered = sum(len(line.split("  ")) > 1 for line in shown[1:])
    assert covered == len(shown) - 1
    assert len(as_object(asked, data, ROWS, None)["words"]) == count
