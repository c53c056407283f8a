"""The map in the forms that other programs read: JSON, CSV, Home Assistant, ioBroker. Pure functions that return text.

`live` is what `decode.decode_image` returns; without it only the map goes out. Home Assistant and ioBroker get rows to
poll, no values.
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from shared.registers.decode import Reading
from shared.registers.row import Row
from shared.registers.sunspec import ACC32_MARKER, INT16_MARKER

_NOBODY: Final[Mapping[str, Reading]] = {}


def as_json(rows: Iterable[Row], live: Mapping[str, Reading] = _NOBODY) -> str:
    """A list of objects, one per row. `words`, `value` and `state` only where there is a reading."""
    return json.dumps([_object(row, live.get(row.name)) for row in rows], indent=1, ensure_ascii=False) + "\n"


def as_csv(rows: Iterable[Row], live: Mapping[str, Reading] = _NOBODY) -> str:
    """The same as `as_json` in lines of comma-separated cells; words in hexadecimal, parted by blanks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_KEYS)
    for row in rows:
        cells = _object(row, live.get(row.name))
        cells["words"] = " ".join(f"{word:04X}" for word in cells.get("words", ()))
        writer.writerow(_cell(cells.get(key)) for key in _KEYS)
    return out.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe; what a meter calls itself is not ours."""
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


_FORMULA: Final = frozenset("=+-@\t\r")


_KEYS: Final = (
    "address", "hex", "count", "name", "obis", "type", "unit", "scale", "access", "group", "class", "confidence",
    "words", "value", "state", "source", "note",
)  # fmt: skip


def _object(row: Row, reading: Reading | None) -> dict[str, Any]:
    cells: dict[str, Any] = {
        "address": row.address,
        "hex": f"0x{row.address:04X}",
        "count": row.count,
        "name": row.name,
        "obis": row.obis,
        "type": row.type,
        "unit": row.unit,
        "scale": row.scale,
        "access": row.access,
        "group": row.group,
        "class": row.row_class,
        "confidence": row.confidence,
        "source": row.source,
        "note": row.note,
    }
    if reading is not None:
        cells |= {"words": reading.words, "value": reading.value, "state": reading.state}
    return cells


_DEVICE_CLASS: Final = {
    "W": "power", "var": "reactive_power", "VA": "apparent_power", "A": "current", "V": "voltage", "Hz": "frequency",
    "Wh": "energy",
}  # fmt: skip
"""Home Assistant's class for a unit. It has none for VAh, and one for varh only in later versions."""
_ENCRYPTED: Final = (
    "# This does not work yet: Home Assistant's modbus speaks no TLS, and slave.tls closes the port below. Set",
    "# slave.plain_alongside_tls = true, or have Home Assistant ask a stunnel beside it (docs/tls.md).",
)
_GUESSED: Final = (
    "    # Check this: it is what the machine of metergate calls itself, and in a container what that is called.",
    "    # Where Home Assistant does not find it, write the machine's address here.",
)
_COUNTED_UNITS: Final = ("Wh", "varh", "VAh")


def as_home_assistant(
    rows: Sequence[Row],
    *,
    host: str,
    port: int = 502,
    unit: int = 1,
    name: str = "metergate",
    guessed: bool = False,
    encrypted: bool = False,
) -> str:
    """A `modbus:` section for Home Assistant's configuration.yaml.

    Its `modbus` integration has a fixed scale per sensor, so SunSpec points are left out: their scale factor moves with
    the load, and each of them stands in another register at a fixed scale.

    Args:
        rows: of the map.
        host: where the meter answers.
        port: of Modbus TCP.
        unit: Modbus unit id.
        name: of the hub; begins the sensors' names.
        guessed: whether `host` is only what this machine calls itself.
        encrypted: whether `port` is closed, since all connections are TLS.
    """
    sensors = [row for row in rows if _for_home_assistant(row)]
    lines = [
        "# Registers of metergate for Home Assistant: put this into configuration.yaml.",
        "# Left out: SunSpec points (a scale that moves cannot be said here), reserved registers,",
        "# and writing (a sensor only reads).",
        *(_ENCRYPTED if encrypted else ()),
        "modbus:",
        f"  - name: {_quoted(name)}",
        "    type: tcp",
        *(_GUESSED if guessed else ()),
        f"    host: {_quoted(host)}",
        f"    port: {port}",
        "    sensors:",
    ]
    for row in sensors:
        lines += [f"      {'- ' if first else '  '}{line}" for first, line in _sensor(row, unit, name)]
    return "\n".join(lines) + "\n"


def _for_home_assistant(row: Row) -> bool:
    return row.group != "sunspec" and row.type != "reserved" and row.origin.kind not in ("fixed", "marker")


def _sensor(row: Row, unit: int, name: str) -> Iterable[tuple[bool, str]]:
    keys = {
        "name": _quoted(f"{name} {row.name.replace('_', ' ')}"),
        "unique_id": _quoted(f"{name}_{row.name}"),
        "slave": str(unit),
        "address": str(row.address),
        "input_type": "holding",
        "data_type": row.type,
    }
    if row.type == "string":
        keys["count"] = str(row.count)
    elif row.per_unit > 1:
        keys |= {"scale": row.scale, "precision": str(len(row.scale) - 2)}
    if row.unit:
        keys["unit_of_measurement"] = _quoted(row.unit)
    device_class = _DEVICE_CLASS.get(row.unit) or ("power_factor" if "power_factor" in row.name else "")
    if device_class:
        keys["device_class"] = device_class
    if row.unit in _COUNTED_UNITS:
        keys["state_class"] = "total_increasing"
    elif row.row_class == "live" and (row.unit or device_class):
        keys["state_class"] = "measurement"
    keys["scan_interval"] = "10" if row.row_class == "live" else "60" if row.row_class == "counter" else "3600"
    return ((index == 0, f"{key}: {value}") for index, (key, value) in enumerate(keys.items()))


def _quoted(text: str) -> str:
    """A JSON string is also one of YAML."""
    return json.dumps(text, ensure_ascii=False)


_IOBROKER_COLUMNS: Final = (
    "_address", "name", "description", "unit", "type", "len", "factor", "offset", "formula", "role", "room", "poll",
    "wp", "cw", "isScale",
)  # fmt: skip
_IOBROKER_TYPE: Final = {"acc32": "uint32be", "bitfield32": "uint32be", "sunssf": "int16be", "string": "string"}
_IOBROKER_ROLE: Final = {
    "W": "value.power.active", "var": "value.power.reactive", "VA": "value.power", "A": "value.current",
    "V": "value.voltage", "Hz": "value.frequency", "Wh": "value.energy.active", "varh": "value.energy.reactive",
    "VAh": "value.energy", "%": "value",
}  # fmt: skip


def as_iobroker(rows: Sequence[Row]) -> str:
    """Holding registers for the import of the ioBroker adapter `modbus`, whose option for aliases must be off.

    SunSpec points keep their moving scale through a formula; the marker for "not measured" becomes null.
    """
    address = {row.name: row.address for row in rows}
    lines = ["\t".join(_IOBROKER_COLUMNS)]
    for row in rows:
        if row.type in ("reserved", "pad") or row.origin.kind == "marker":
            continue
        role = "text" if row.type == "string" else _IOBROKER_ROLE.get(row.unit, "value" if row.unit else "state")
        cells = (
            row.address,
            row.name,
            _plain(" - ".join(part for part in (row.obis, row.note) if part)),
            row.unit,
            _IOBROKER_TYPE.get(row.type, f"{row.type}be"),
            row.count,
            row.scale if row.per_unit > 1 else 1,
            0,
            _formula(row, address),
            role,
            "",
            "true",
            "false",
            "false",
            "true" if row.type == "sunssf" else "false",
        )
        lines.append("\t".join(str(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def _formula(row: Row, address: Mapping[str, int]) -> str:
    if not row.scale_row:
        return ""
    marker = INT16_MARKER if row.type == "int16" else ACC32_MARKER
    return f"x == {marker} ? null : x * Math.pow(10, sf['{address[row.scale_row]}'])"


def _plain(text: str) -> str:
    return text.replace("\t", " ")
