"""Routes: the register map with what a slave would answer now, and the map for other programs."""

import socket
from ipaddress import ip_address
from itertools import chain
from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from services.console.api.models.registers import ExportFormat, OfRegisters, Register, Registers
from services.console.api.route import Call, Route
from services.console.security.pace import DEAR
from services.console.times import NS_PER_MS, age_ms
from shared import clock
from shared.registers.blocks import blocks_for
from shared.registers.decode import Reading, decode_image
from shared.registers.export import as_csv, as_home_assistant, as_iobroker, as_json

if TYPE_CHECKING:
    from shared.config.model import Meter
    from shared.registers.row import Row

_FILES: Final[dict[ExportFormat, str]] = {
    "json": "registers.json",
    "csv": "registers.csv",
    "home-assistant": "home-assistant.yaml",
    "iobroker": "iobroker.tsv",
}


async def registers(call: Call) -> Registers:
    """GET /registers."""
    meter = call.desk.meter(call.query.meter)
    rows = _rows(call, meter)
    age, stale, readings = _now(call, meter, rows)
    return Registers(
        meter=meter.id,
        unit=meter.unit,
        age_ms=age,
        stale=stale,
        groups=tuple(dict.fromkeys(row.group for row in rows)),
        registers=tuple(_register(readings[row.name]) for row in rows),
    )


async def export(call: Call) -> Response:
    """GET /registers/export/{format}."""
    meter, form = call.desk.meter(call.query.meter), call.path["format"]
    rows = _rows(call, meter)
    match form:
        case "home-assistant":
            text = _home_assistant(call, meter, rows)
        case "iobroker":
            text = as_iobroker(rows)
        case _:
            _, _, readings = _now(call, meter, rows)
            text = as_json(rows, readings) if form == "json" else as_csv(rows, readings)
    name = f"metergate-{meter.id}-{_FILES[form]}"
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "no-store"}
    return Response(text, headers=headers, media_type="text/plain")


def _rows(call: Call, meter: "Meter") -> "tuple[Row, ...]":
    """Those that a slave answers with these settings."""
    wallbox = call.desk.hear.in_force.config.wallbox.present
    return tuple(chain.from_iterable(blocks_for(meter, wallbox=wallbox)))


def _now(call: Call, meter: "Meter", rows: "tuple[Row, ...]") -> tuple[int | None, bool, dict[str, Reading]]:
    """Age in ms, whether that is too old, and what a slave would answer, by name; before the first image nothing."""
    known, now = call.desk.hear.known.get(meter.id), clock.now_ns()
    if known is None or known.image is None:
        return None, True, {row.name: Reading(row, state="absent") for row in rows}
    t_ns = known.image_ns
    stale = t_ns is None or now - t_ns > known.image.stale_after_ms * NS_PER_MS
    return None if t_ns is None else age_ms(t_ns, now), stale, decode_image(rows, known.image.blocks, stale=stale)


def _register(reading: Reading) -> Register:
    row = reading.row
    return Register(
        address=row.address,
        count=row.count,
        name=row.name,
        obis=row.obis,
        type=row.type,
        unit=row.unit,
        scale=row.scale,
        access=row.access,
        group=row.group,
        row_class=row.row_class,
        words=tuple(f"{word:04X}" for word in reading.words),
        value=reading.value,
        state=reading.state,
        note=row.note,
    )


def _home_assistant(call: Call, meter: "Meter", rows: "tuple[Row, ...]") -> str:
    """The slave is found at the address of the settings, else at the one by which this page was found."""
    slave = call.desk.hear.in_force.config.slave
    host = slave.host if slave.host not in {"0.0.0.0", "::"} else _named(call)
    return as_home_assistant(
        rows,
        host=host or socket.gethostname(),
        port=slave.port,
        unit=meter.unit,
        name=meter.id,
        guessed=not host,
        encrypted=slave.tls and not slave.plain_alongside_tls,
    )


def _named(call: Call) -> str:
    """By which name or address this page was found; empty where that helps nobody else."""
    named = call.request.url.hostname or ""
    try:
        loopback = ip_address(named).is_loopback
    except ValueError:
        loopback = named == "localhost"
    return "" if loopback else named


ROUTES = (
    Route(
        method="GET",
        path="/registers",
        handler=registers,
        query=OfRegisters,
        answer=Registers,
        scope="read",
        summary="The register map with live words and values",
    ),
    Route(
        method="GET",
        path="/registers/export/{format}",
        cost=DEAR,
        handler=export,
        query=OfRegisters,
        answer=None,
        parts={"format": ExportFormat},
        media="text/plain; charset=utf-8",
        scope="read",
        summary="The register map for other programs",
    ),
)
