"""GET /metrics: for who has the scope `read`, or by the settings for every program on this machine."""

from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from services.console.answers import failure
from services.console.api.errors import ApiError
from services.console.metrics.collect import collect
from services.console.metrics.exposition import MEDIA, text

if TYPE_CHECKING:
    from services.console.api.desk import Desk
    from services.console.security.caller import Caller


def routes() -> list[Route]:
    """The one."""
    return [Route("/metrics", _metrics)]


async def _metrics(request: Request) -> Response:
    desk: Desk = request.app.state.desk
    caller: Caller = request.scope["state"]["caller"]
    if "read" not in caller.scopes and not (desk.life.config.console.open_metrics and _is_here(caller.address)):
        text_ = "send an API token with the scope 'read': Authorization: Bearer mg_..."
        return failure(ApiError(HTTPStatus.UNAUTHORIZED, "sign_in", text_))
    return Response(text(collect(desk)), headers={"cache-control": "no-store"}, media_type=MEDIA)


def _is_here(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
