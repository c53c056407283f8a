"""From the route table to an application: each request is checked, handled, answered; every failure has its words."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as WebRoute

from services.console import assets
from services.console.answers import answer, failure
from services.console.api import errors
from services.console.api.errors import ApiError
from services.console.api.route import PATH_PARTS, PREFIX, Call, Route
from services.console.api.table import ROUTES
from services.console.metrics import route as metrics
from shared.errors import MetergateError

if TYPE_CHECKING:
    from services.console.api.desk import Desk
    from services.console.security.caller import Caller
    from services.console.words.language import Language

BODY_S: Final = 10.0
"""For a request's body."""


def application(desk: "Desk") -> Starlette:
    """The API and the page. The guard stands before it and has found out who asks.

    Args:
        desk: given to every handler.
    """
    app = Starlette(routes=_ROUTES, exception_handlers={HTTPException: _told})
    app.state.desk = desk
    return app


def _web_routes(routes: Iterable[Route]) -> list[WebRoute]:
    by_path: dict[str, dict[str, Route]] = {}
    for route in routes:
        by_path.setdefault(route.path, {})[route.method] = route
    return [
        *(WebRoute(PREFIX + path, _endpoint(methods), methods=list(methods)) for path, methods in by_path.items()),
        *metrics.routes(),
        *assets.routes(),
    ]


def _endpoint(methods: dict[str, Route]) -> Callable[[Request], Awaitable[Response]]:
    async def handle(request: Request) -> Response:
        desk: Desk = request.app.state.desk
        route = methods["GET" if request.method == "HEAD" else request.method]
        language: Language = request.scope["state"]["language"]
        try:
            made = await route.handler(await _call(desk, route, request, request.scope["state"]["caller"]))
        except MetergateError as error:
            return failure(errors.of(error), language)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception:
            desk.life.log.exception("request failed", method=request.method, path=request.url.path)
            text = "something is wrong in metergate itself; its log says more"
            return failure(ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "failed", text), language)
        return made if isinstance(made, Response) else answer(made, route.status, language)

    return handle


async def _call(desk: "Desk", route: Route, request: Request, caller: "Caller") -> Call:
    wait_s = desk.pace.wait_s(caller.session, caller.address, route.cost, time.monotonic())
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        text = f"too many requests; try again in {seconds} s"
        headers = {"retry-after": str(seconds)}
        raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "too_fast", text, headers=headers)
    if route.scope is not None and route.scope not in caller.scopes:
        if not caller.scopes:
            raise errors.signed_out()
        raise ApiError(
            HTTPStatus.FORBIDDEN, "not_allowed", f"this needs the scope {route.scope!r}; there is {caller.scopes[-1]!r}"
        )
    path = {
        name: _converted(value, route.parts.get(name, PATH_PARTS.get(name, str)), name)
        for name, value in request.path_params.items()
    }
    query = None
    if route.query is not None:
        query = _converted(_once(request.query_params.multi_items()), route.query, "")
    body = None
    if route.body is not None:
        body = _decoded(await _read(request, route.largest), route.body)
        if caller.scopes and not desk.door.sessions.may_still(
            caller
        ):  # his rights may have ended while he took his time
            raise errors.signed_out()
    return Call(desk, caller, path, query, body, request, request.scope["state"]["language"])


def _once(items: list[tuple[str, str]]) -> dict[str, str]:
    """Each name once; and no text for nothing, which would be taken for it."""
    found: dict[str, str] = {}
    for name, value in items:
        wrong = (
            "stands twice" if name in found else "is 'null'; leave it out instead" if value.lower() == "null" else ""
        )
        if wrong:
            raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", f"{name} {wrong}", name)
        found[name] = value
    return found


def _converted(value: Any, kind: Any, name: str) -> Any:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", _plain(error), name or _where(error)) from None


def _decoded(body: bytes, kind: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", _plain(error), _where(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "malformed", f"the body is no JSON: {error}") from None


async def _read(request: Request, largest: int) -> bytes:
    too_large = ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", f"at most {largest} bytes", headers={"connection": "close"}
    )
    said = request.headers.get("content-length", "0")
    if not said.isdecimal() or int(said) > largest:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > largest:
                    raise too_large
    except TimeoutError:
        text = f"the body did not come within {BODY_S:g} s"
        raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "too_slow", text, headers={"connection": "close"}) from None
    return bytes(body)


def _plain(error: msgspec.ValidationError) -> str:
    return str(error).partition(" - at `")[0]


def _where(error: msgspec.ValidationError) -> str:
    return str(error).partition(" - at `$.")[2].rstrip("`")


async def _told(request: Request, fault: Exception) -> Response:
    status = fault.status_code if isinstance(fault, HTTPException) else 500
    headers = dict(fault.headers or {}) if isinstance(fault, HTTPException) else {}
    code = {404: "not_found", 405: "method"}.get(status, "failed")
    error = ApiError(HTTPStatus(status), code, HTTPStatus(status).phrase.lower(), headers=headers)
    return failure(error, request.scope["state"]["language"])


_ROUTES: Final = _web_routes(ROUTES)
"""Made before the fork: a pattern is compiled for each path."""
