"""Each format is read back by what reads it: json, csv, and small readers of what the two other programs take."""

import csv
import io
import json
import re

import pytest

from shared.config.model import Group, Meter
from shared.registers.decode import Reading, decode_image
from shared.registers.export import as_csv, as_home_assistant, as_iobroker, as_json
from shared.registers.identity import identity_of
from shared.registers.image import build_blocks, prepare
from shared.registers.plan import plan_for
from shared.registers.table import COUNTERS

METER = Meter(id="house", source="simulated", group=(Group(number=5, label="x"),))
PLAN = plan_for(METER, wallbox=True)
BLOCKS = build_blocks(prepare(PLAN, identity_of(METER), {}), {"active_power": 123.4}, dict.fromkeys(COUNTERS, 0))
LIVE = decode_image(PLAN.rows, BLOCKS, stale=False)


def test_json_has_every_row_and_its_live_value() -> None:
    rows = json.loads(as_json(PLAN.rows, LIVE))
    assert [row["name"] for row in rows] == [row.name for row in PLAN.rows]
    first = rows[0]
    assert (first["address"], first["hex"], first["scale"], first["class"]) == (0, "0x0000", "0.1", "live")
    assert (first["words"], first["value"], first["state"]) == ([0, 1234], 123.4, "ok")
    assert "value" not in json.loads(as_json(PLAN.rows))[0]


def test_csv_has_the_same() -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(PLAN.rows, LIVE))))
    assert [int(row["address"]) for row in rows] == [row.address for row in PLAN.rows]
    assert (rows[0]["words"], rows[0]["value"], rows[0]["state"]) == ("0000 04D2", "123.4", "ok")
    marker = next(row for row in rows if row["name"] == "sunspec_ac_current")
    assert (marker["words"], marker["value"]) == ("8000", "")
    assert next(csv.DictReader(io.StringIO(as_csv(PLAN.rows))))["words"] == ""


@pytest.mark.parametrize("text", ["=1+1", "+2", "-cmd", "@SUM(A1)"])
def test_no_name_of_a_meter_is_a_formula_in_a_spreadsheet(text: str) -> None:
    row = next(row for row in PLAN.rows if row.type.startswith("string"))

    def cell(value: str | float) -> str:
        rows = csv.DictReader(io.StringIO(as_csv(PLAN.rows, {row.name: Reading(row, (1,), value)})))
        return next(each["value"] for each in rows if each["name"] == row.name)

    assert cell(text) == f"'{text}"
    assert (cell(-2.5), cell("KSEM")) == ("-2.5", "KSEM")


def _sensors(text: str) -> list[dict[str, str]]:
    """Reader of the YAML that we write: one hub with a list of flat sensors."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    head = lines.index("    sensors:")
    assert lines[:2] == ["modbus:", '  - name: "cellar"']
    sensors: list[dict[str, str]] = []
    for line in lines[head + 1 :]:
        found = re.fullmatch(r'      (- |  )([a-z_]+): ("(?:[^"\\]|\\.)*"|[a-z0-9_.]+)', line)
        assert found, line
        if found[1] == "- ":
            sensors.append({})
        assert found[2] not in sensors[-1]
        value = found[3]
        sensors[-1][found[2]] = json.loads(value) if value.startswith('"') else value
    return sensors


def test_home_assistant_gets_what_it_can_represent() -> None:
    text = as_home_assistant(PLAN.rows, host="10.0.0.9", port=1502, unit=7, name="cellar")
    assert '    host: "10.0.0.9"\n    port: 1502\n' in text
    sensors = {sensor["unique_id"]: sensor for sensor in _sensors(text)}
    assert len({sensor["name"] for sensor in sensors.values()}) == len(sensors)
    assert sensors["cellar_active_power_import"] == {
        "name": "cellar active power import",
        "unique_id": "cellar_active_power_import",
        "slave": "7",
        "address": "0",
        "input_type": "holding",
        "data_type": "uint32",
        "scale": "0.1",
        "precision": "1",
        "unit_of_measurement": "W",
        "device_class": "power",
        "state_class": "measurement",
        "scan_interval": "10",
    }
    energy = sensors["cellar_active_energy_import"]
    assert (energy["data_type"], energy["device_class"], energy["state_class"]) == (
        "uint64",
        "energy",
        "total_increasing",
    )
    assert "device_class" not in sensors["cellar_reactive_energy_import"]
    assert sensors["cellar_power_factor"]["device_class"] == "power_factor"
    assert sensors["cellar_supply_frequency"]["precision"] == "3"
    assert "unit_of_measurement" not in sensors["cellar_power_factor"]
    assert (sensors["cellar_vendor_name"]["data_type"], sensors["cellar_vendor_name"]["count"]) == ("string", "16")
    assert not any("sunspec" in name or "reserved" in name for name in sensors)
    assert "cellar_group5_current" in sensors


@pytest.mark.parametrize(
    ("guessed", "encrypted"),
    [(False, False), (True, False), (False, True), (True, True)],
)
def test_home_assistant_is_told_what_does_not_work_by_itself(*, guessed: bool, encrypted: bool) -> None:
    text = as_home_assistant(PLAN.rows, host="lan", name="cellar", guessed=guessed, encrypted=encrypted)
    assert ("# Check this" in text, "plain_alongside_tls = true" in text) == (guessed, encrypted)
    assert '    host: "lan"\n    port: 502\n' in text
    assert _sensors(text)


def test_home_assistant_gets_no_count_with_a_type_that_has_its_own() -> None:
    for sensor in _sensors(as_home_assistant(PLAN.rows, host="10.0.0.9", name="cellar")):
        assert sensor["data_type"] in {"uint16", "uint32", "int32", "uint64", "string"}
        assert ("count" in sensor) == (sensor["data_type"] == "string")


def test_iobroker_gets_columns_types_and_formulas() -> None:
    table = list(csv.DictReader(io.StringIO(as_iobroker(PLAN.rows)), delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = {row["name"]: row for row in table}
    power = rows["active_power_import"]
    assert (power["_address"], power["type"], power["len"], power["factor"]) == ("0", "uint32be", "2", "0.1")
    assert (power["role"], power["poll"], power["isScale"]) == ("value.power.active", "true", "false")
    assert rows["vendor_name"]["type"] == "string"
    assert rows["active_energy_import"]["type"] == "uint64be"
    assert rows["sunspec_ac_power"]["formula"] == "x == -32768 ? null : x * Math.pow(10, sf['40092'])"
    assert rows["sunspec_energy_imported"]["formula"].startswith("x == 2147483648 ? null")
    assert (rows["sunspec_ac_power_sf"]["isScale"], rows["sunspec_ac_power_sf"]["type"]) == ("true", "int16be")
    assert not any("reserved" in name or "pad" in name for name in rows)
    assert all(None not in row and None not in row.values() for row in table)


def test_an_older_layout_points_its_formulas_one_lower() -> None:
    old = plan_for(Meter(id="house", source="simulated", sunspec_layout="2.5"))
    assert "sf['40091']" in as_iobroker(old.rows)
