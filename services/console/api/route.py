"""What a route is: a row of the table from which the server, the OpenAPI document and its test are made."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import Struct, field

from services.console.api.models.common import Fingerprint, Instance
from services.console.words.language import Language

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from services.console.api.desk import Desk
    from services.console.api.models.session import Scope
    from services.console.security.caller import Caller

PREFIX: Final = "/api/v1"
USUAL_BODY: Final = 64 * 1024
"""Bytes of a request's body where a route does not say otherwise."""

PATH_PARTS: Final[Mapping[str, Any]] = {"fingerprint": Fingerprint, "name": Instance, "number": int}
"""Types of the usual `{parts}` of paths; a route may name others."""


class Call(Struct, frozen=True):
    """One request, checked: scope, body, query and path are right when a handler gets it.

    Attributes:
        desk: all that a handler may use.
        caller: who asks.
        path: `{parts}` of the path, converted.
        query: an instance of the route's `query`; None where it has none.
        body: an instance of the route's `body`; None where it has none.
        request: for what the above does not say.
        language: that the reader wants.
    """

    desk: "Desk"
    caller: "Caller"
    path: dict[str, Any]
    query: Any
    body: Any
    request: "Request"
    language: Language = "en"


Handler = Callable[[Call], Awaitable["Struct | Response"]]


class Route(Struct, frozen=True, kw_only=True):
    """One row.

    Attributes:
        method: of HTTP.
        path: below /api/v1, with `{parts}`.
        handler: does it; returns an instance of `answer`, or a whole response.
        answer: model; None where the handler makes the response, of type `media`.
        scope: that the caller needs; None: everybody may.
        summary: one line for the OpenAPI document.
        body, query: models of what is asked.
        parts: types of path parts besides `PATH_PARTS`.
        status: of a success.
        media: type of the answer.
        largest: bytes of the body.
        cost: what it counts for, see `security.pace`.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Handler
    answer: type[Struct] | None
    scope: "Scope | None"
    summary: str
    body: type[Struct] | None = None
    query: type[Struct] | None = None
    parts: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    media: str = "application/json"
    largest: int = USUAL_BODY
    cost: int = 1
