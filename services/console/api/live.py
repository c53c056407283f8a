"""Routes: the meters, and their values now."""

from services.console.api.models.live import Live, Meters, OfMeter
from services.console.api.route import Call, Route


async def meters(call: Call) -> Meters:
    """GET /meters."""
    return Meters(meters=call.desk.hear.meters())


async def live(call: Call) -> Live:
    """GET /live."""
    return call.desk.hear.live(call.desk.meter(call.query.meter))


ROUTES = (
    Route(method="GET", path="/meters", handler=meters, answer=Meters, scope="view", summary="The meters"),
    Route(
        method="GET", path="/live", handler=live, answer=Live, scope="view", query=OfMeter, summary="A meter's values"
    ),
)
