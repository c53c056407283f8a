"""Routes: the bus as it passes, to look at and to take along."""

from datetime import UTC, datetime

from starlette.responses import Response

from services.console.api.models.processes import Record, Tap
from services.console.api.route import Call, Route
from services.console.security.pace import DEAR
from services.console.stream.response import Download, EventStream
from services.console.stream.tap import recorded, shown
from shared.tap.filters import Filter


def _wanted(query: Tap | Record) -> Filter:
    return Filter(roles=(query.role,) if query.role else (), topics=(query.topic,) if query.topic else ())


async def tap(call: Call) -> Response:
    """GET /tap."""
    desk = call.desk
    desk.ears.check()
    return EventStream(shown(desk.ears, _wanted(call.query)), desk.streams, call.caller.session)


async def record(call: Call) -> Response:
    """GET /tap/record."""
    desk, query = call.desk, call.query
    desk.ears.check()
    name = f"metergate-{datetime.now(UTC):%Y%m%d-%H%M%S}.tape"
    chunks = recorded(desk.ears, _wanted(query), query.seconds)
    return Download(name, chunks, desk.streams, call.caller.session)


ROUTES = (
    Route(
        method="GET",
        path="/tap",
        handler=tap,
        query=Tap,
        answer=None,
        media="text/event-stream",
        scope="read",
        summary="Every message of the bus, as server-sent events",
    ),
    Route(
        method="GET",
        path="/tap/record",
        cost=DEAR,
        handler=record,
        query=Record,
        answer=None,
        media="application/octet-stream",
        scope="read",
        summary="Record the bus",
    ),
)
