"""The map as a table."""

import pytest

from shared.registers.blocks import all_rows
from shared.registers.decode import Reading, Value
from shared.registers.lookup import find
from supervisor.cli.registers.columns import select, table, with_unit, words

ROWS = all_rows()


def test_rows_are_chosen_by_block_and_text() -> None:
    assert {row.group for row in select(ROWS, block="pnp")} == {"pnp"}
    assert [row.name for row in select(ROWS, search="SUPPLY_freq")] == ["supply_frequency"]
    assert [row.address for row in select(ROWS, search="1-0:1.8.0*255", block="energy_total")] == [512]
    assert select(ROWS, block="pnp", search="supply") == []


def test_cells_stand_below_each_other_and_reserved_rows_are_left_out() -> None:
    head, *rest = table(select(ROWS, block="instantaneous_total"))
    assert all(line[head.index("TYPE") - 1] == " " and line[head.index("TYPE")] != " " for line in rest)
    assert "reserved" not in "".join(rest)


def test_live_columns_say_why_a_value_is_missing() -> None:
    rows = [find(name, ROWS) for name in ("active_power_import", "active_power_export", "supply_frequency")]
    readings = {
        "active_power_import": Reading(rows[0], (0, 10), 1.0),
        "active_power_export": Reading(rows[1], state="stale"),
        "supply_frequency": Reading(rows[2], state="unknown"),
    }
    _, *lines = table(rows, readings)
    assert lines[0].endswith("live   0000 000A  1.0 W")
    assert lines[1].endswith("(stale: exception 04)")
    assert lines[2].endswith("(not known yet: exception 04)")


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [(1.5, "W", "1.5 W"), (3, "", "3"), (None, "A", "not measured"), ("a\x1bb", "", "a\\x1bb"), ("", "", "")],
)
def test_a_value_is_readable_and_harmless(value: Value, unit: str, expected: str) -> None:
    assert with_unit(value, unit) == expected


def test_a_long_text_shows_its_first_words() -> None:
    reading = Reading(ROWS[0], tuple(range(16)), "x")
    assert words(reading) == "0000 0001 0002 0003 ..."
