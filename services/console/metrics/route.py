"""GET /metrics: for who has the scope `read`, or by the settings for every program on this machine."""

from collections.abc import Awaitable, Callable
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


def routes(desk: "Desk") -> list[Route]:
    """The one."""
    return [Route("/metrics", _endpoint(desk))]


def _endpoint(desk: "Desk") -> Callable[[Request], Awaitable[Response]]:
    async def metrics(request: Request) -> Response:
        caller: Caller = request.scope["state"]["caller"]
        if "read" not in caller.scopes and not (desk.life.config.console.open_metrics and _is_here(caller.address)):
            text_ = "send an API token with the scope 'read': Authorization: Bearer mg_..."
            return failure(ApiError(HTTPStatus.UNAUTHORIZED, "sign_in", text_))
        return Response(text(collect(desk)), headers={"cache-control": "no-store"}, media_type=MEDIA)

    return metrics


def _is_here(address: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_loopback
