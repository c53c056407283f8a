"""Routes: the register map with what stands in it now, and in the forms that other programs read."""

from typing import TYPE_CHECKING, Final

from starlette.responses import Response

from services.console.api.models.registers import ExportFormat, OfRegisters, Register, Registers
from services.console.api.route import Call, Route
from shared import clock
from shared.registers.blocks import all_rows, blocks_for
from shared.registers.export import as_csv, as_home_assistant, as_iobroker, as_json
from shared.registers.live import Live, standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.console.api.desk import Desk
    from shared.config.model import Config, Meter
    from shared.registers.row import Row

_MEDIA: Final = {
    "json": ("application/json", "json"),
    "csv": ("text/csv; charset=utf-8", "csv"),
    "home-assistant": ("application/yaml; charset=utf-8", "yaml"),
    "iobroker": ("text/tab-separated-values; charset=utf-8", "tsv"),
}
"""Type and the end of a file's name."""
_ANYWHERE: Final = frozenset({"", "0.0.0.0", "::", "127.0.0.1", "::1", "localhost"})


async def registers(call: Call) -> Registers:
    """GET /registers."""
    query: OfRegisters = call.query
    desk, meter = call.desk, call.desk.meter(query.meter)
    rows = _rows(desk, meter)
    now = _now(desk, meter)
    return Registers(
        meter=meter.id,
        unit=meter.unit,
        age_ms=None if now is None or now.age_s is None else round(now.age_s * 1000),
        stale=now is None or now.stale,
        groups=tuple(dict.fromkeys(row.group for row in rows)),
        registers=tuple(_register(row, now) for row in rows),
    )


async def export(call: Call) -> Response:
    """GET /registers/export/{form}."""
    query: OfRegisters = call.query
    desk, form, meter = call.desk, str(call.path["form"]), call.desk.meter(query.meter)
    rows = list(_rows(desk, meter))
    now = _now(desk, meter)
    readings = {row.name: now.readings[row.name] for row in rows} if now else {}
    config = desk.hear.in_force.config
    make: dict[str, Callable[[], str]] = {
        "json": lambda: as_json(rows, readings),
        "csv": lambda: as_csv(rows, readings),
        "home-assistant": lambda: as_home_assistant(
            rows, host=_reached(config, call), port=config.slave.port, unit=meter.unit, name=meter.id
        ),
        "iobroker": lambda: as_iobroker(rows),
    }
    media, end = _MEDIA[form]
    name = f"metergate-{meter.id}-{form}.{end}"
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
    return Response(make[form](), 200, headers, media)


def _rows(desk: "Desk", meter: "Meter") -> "tuple[Row, ...]":
    config = desk.hear.in_force.config
    return tuple(row for block in blocks_for(meter, wallbox=config.wallbox.present) for row in block)


def _now(desk: "Desk", meter: "Meter") -> Live | None:
    known = desk.hear.known.get(meter.id)
    if known is None or known.image is None:
        return None
    # a point is only decoded beside its scale factor
    return standing(all_rows(meter.sunspec_layout), known.image, known.image_ns, clock.now_ns())


def _register(row: "Row", now: Live | None) -> Register:
    reading = None if now is None else now.readings.get(row.name)
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
        words=tuple(f"{word:04X}" for word in reading.words) if reading and reading.state == "ok" else (),
        value=reading.value if reading and reading.state == "ok" else None,
        state="unknown" if reading is None else reading.state,
        note=row.note,
    )


def _reached(config: "Config", call: Call) -> str:
    """Where another program finds the slave: as the settings say, else where this page was found."""
    if config.slave.host not in _ANYWHERE:
        return config.slave.host
    host = call.request.url.hostname or ""
    return "metergate.local" if host in _ANYWHERE else host


ROUTES = (
    Route(
        method="GET",
        path="/registers",
        handler=registers,
        query=OfRegisters,
        answer=Registers,
        scope="read",
        summary="The register map with raw words and values",
    ),
    Route(
        method="GET",
        path="/registers/export/{form}",
        handler=export,
        query=OfRegisters,
        answer=None,
        parts={"form": ExportFormat},
        media="application/octet-stream",
        scope="read",
        summary="The register map for other programs",
    ),
)
