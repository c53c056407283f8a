"""Routes: what this API is."""

from typing import Final

import msgspec
from starlette.responses import Response

from services.console.api.openapi import JSON, document
from services.console.api.route import Call, Route
from shared.registers.identity import SOFTWARE_VERSION

_made: Final[list[bytes]] = []


async def openapi(call: Call) -> Response:
    """GET /openapi.json: made at the first question, since it costs memory that few need."""
    del call
    from services.console.api.table import ROUTES as ALL  # noqa: PLC0415  # the table has this module's rows too

    if not _made:
        _made.append(msgspec.json.encode(document(ALL, SOFTWARE_VERSION)))
    return Response(_made[0], headers={"cache-control": "no-store"}, media_type=JSON)


ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        answer=None,
        media=JSON,
        scope=None,
        summary="This API, in OpenAPI 3.1",
    ),
)
