"""Routes: the meters, and their values now."""

from services.console.api.models.live import DayEnergy, Days, Live, Meters, Minutes, OfMeter, Recent, Series
from services.console.api.route import Call, Route
from services.console.security.pace import DEAR


async def meters(call: Call) -> Meters:
    """GET /meters."""
    return Meters(meters=call.desk.hear.meters())


async def live(call: Call) -> Live:
    """GET /live."""
    return call.desk.hear.live(call.desk.meter(call.query.meter))


async def recent(call: Call) -> Series:
    """GET /history/recent."""
    query: Recent = call.query
    return call.desk.history.recent(call.desk.meter(query.meter), query.after_ms)


async def minutes(call: Call) -> Series:
    """GET /history/minutes."""
    query: Minutes = call.query
    return await call.desk.history.minutes(call.desk.meter(query.meter), query.from_ms, query.to_ms)


async def days(call: Call) -> DayEnergy:
    """GET /history/days."""
    query: Days = call.query
    return await call.desk.history.days(call.desk.meter(query.meter), query.first, query.last)


ROUTES = (
    Route(method="GET", path="/meters", handler=meters, answer=Meters, scope="view", summary="The meters"),
    Route(
        method="GET", path="/live", handler=live, answer=Live, scope="view", query=OfMeter, summary="A meter's values"
    ),
    Route(
        method="GET",
        path="/history/recent",
        cost=DEAR,
        handler=recent,
        answer=Series,
        scope="view",
        query=Recent,
        summary="The last ten minutes, each cycle",
    ),
    Route(
        method="GET",
        path="/history/minutes",
        cost=DEAR,
        handler=minutes,
        answer=Series,
        scope="view",
        query=Minutes,
        summary="Mean values of each minute",
    ),
    Route(
        method="GET",
        path="/history/days",
        cost=DEAR,
        handler=days,
        answer=DayEnergy,
        scope="view",
        query=Days,
        summary="Energy of each day",
    ),
)
