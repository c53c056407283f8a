import tomllib
from importlib import resources
from pathlib import Path

import pytest

from shared.registers import table
from shared.registers.page import SOURCES
from shared.registers.row import PER_UNIT, TYPES, Origin
from shared.registers.table import COLUMNS, SPANS, TABLE, Span, TableError, parse

ROOT = Path(__file__).parents[3]

HEADER = ",".join(COLUMNS)
POWER = "0,2,power,,uint32,W,0.1,R,total,live,+active_power,high,TQ 4.1,"
GAP = "2,2,gap,,reserved,,,R,total,fixed,,low,,nothing here"


def test_the_file_is_found_inside_the_package_and_goes_into_the_wheel() -> None:
    text = resources.files("shared.registers").joinpath("ksem.csv").read_text(encoding="utf-8")
    assert parse(text.splitlines()) == TABLE
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "shared" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_rows_tile_the_blocks_without_gap_or_overlap() -> None:
    owner: dict[int, str] = {}
    for row in TABLE:
        for address in range(row.address, row.end):
            assert owner.setdefault(address, row.name) == row.name
    assert owner.keys() == {address for span in SPANS for address in range(span.start, span.end)}


@pytest.mark.parametrize(
    ("name", "address", "count", "type_", "scale", "value"),
    [
        ("active_power_export", 2, 2, "uint32", "0.1", "-active_power"),
        ("power_factor_l3", 144, 2, "int32", "0.001", "power_factor_l3"),
        ("active_energy_import", 512, 4, "uint64", "0.1", "counter:active_energy_import"),
        ("serial_number", 8228, 16, "string", "1", "identity:serial_number"),
        ("sunspec_ac_power", 40088, 1, "int16", "10^sunspec_ac_power_sf", "active_power"),
        ("sunspec_events", 40175, 2, "bitfield32", "1", "fixed:0"),
        ("grid_power_total", 40972, 2, "int32", "1", "active_power"),
        ("wallbox_charging_mode", 41168, 1, "uint16", "1", "setting:wallbox_charging_mode"),
        ("sensor{n}_voltage", 61475, 2, "uint32", "0.001", "sensor{n}_voltage"),
    ],
)
def test_known_rows(name: str, address: int, count: int, type_: str, scale: str, value: str) -> None:
    (row,) = (row for row in TABLE if row.name == name)
    assert (row.address, row.count, row.type, row.scale, row.value) == (address, count, type_, scale, value)


def test_every_type_and_scale_of_the_map_is_used() -> None:
    assert {row.type for row in TABLE} == set(TYPES)
    assert {row.per_unit for row in TABLE} == set(PER_UNIT.values())


def test_every_row_but_a_gap_has_a_source_that_the_page_explains() -> None:
    known = {part.rstrip("n ") for keys in SOURCES for part in keys.split(", ")}
    for row in TABLE:
        assert row.source or row.type == "reserved", row.name
        for key in filter(None, row.source.split("; ")):
            assert any(key == name or key.removeprefix(name)[:1] in tuple(" 0123456789") for name in known), key


def test_three_rows_can_be_written_and_no_other() -> None:
    assert [row.address for row in TABLE if row.access == "RW"] == [41168, 41170, 41172]


def test_the_file_writes_what_the_row_says() -> None:
    by_name = {row.name: row for row in TABLE}
    assert by_name["manufacturer_id"].origin == Origin("fixed", "", 0x5233)
    assert by_name["sunspec_ac_voltage_sf"].origin == Origin("sf", "", -2)
    assert by_name["sunspec_ac_current"].origin == Origin("marker", "", 0x8000)
    assert by_name["energy_flow_block_type"].value == "fixed:"


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ([POWER, POWER.replace("0,2,power", "2,2,power")], "power: name used twice"),
        ([POWER, GAP.replace("2,2", "1,2")], "expected a row at 2, found gap at 1-2"),
        ([POWER], "expected a row at 2, found the end"),
        ([POWER, GAP.replace("2,2", "2,3")], "expected a row at 2, found gap at 2-4"),
        ([POWER, GAP, GAP.replace("2,2,gap", "4,2,far")], "far at 4: outside of all blocks"),
        ([POWER.replace("uint32", "uint33"), GAP], "line 2, power: unknown type 'uint33'"),
        ([POWER.replace("0.1", "0.2"), GAP], "line 2, power: unknown scale '0.2'"),
        ([POWER.replace("uint32", "uint16"), GAP], "line 2, power: uint16 takes 1 registers, not 2"),
        ([POWER.replace("live", "lively"), GAP], "line 2, power: 'lively' is none of live"),
        ([POWER.replace("+active_power", "+activ_power"), GAP], "quantity 'activ_power' is unknown"),
        ([POWER.replace(",W,", ",V,"), GAP], "quantity 'active_power' is unknown or not in V"),
        ([POWER.replace("+active_power", "counter:energy"), GAP], "counter 'energy' is unknown"),
        ([POWER.replace("+active_power", "identity:colour"), GAP], "unknown identity field 'colour'"),
        ([POWER.replace("+active_power", "config:colour"), GAP], "unknown field 'colour'"),
        ([POWER.replace("+active_power", "guess:1"), GAP], "unknown origin 'guess:1'"),
        ([POWER.replace("+active_power", "fixed:1.5"), GAP], "line 2, power"),
        ([POWER.replace("+active_power", ""), GAP], "says where its value comes from"),
        ([POWER.replace(",R,", ",RW,"), GAP], "a setting is RW"),
        ([POWER.replace("0.1", "some_sf"), GAP], "no row some_sf for its scale"),
        ([POWER.replace("0,2,", "x,2,"), GAP], "line 2, power: invalid literal"),
    ],
)
def test_a_wrong_file_is_refused_with_its_place(lines: list[str], reason: str) -> None:
    with pytest.raises(TableError) as caught:
        parse([HEADER, *lines], [Span(0, 4)])
    assert reason in str(caught.value)


def test_other_columns_are_refused() -> None:
    with pytest.raises(TableError, match="line 1: columns are address"):
        parse(["address,count"], [])


def test_a_right_file_of_two_rows_passes() -> None:
    assert [row.name for row in parse([HEADER, POWER, GAP], [Span(0, 4)])] == ["power", "gap"]
    assert table.FILE.name == "ksem.csv"
