"""The built page: `index.html` at `/`, and its files, which a browser may keep for ever, since their names hold a hash.

It is read from the package at each request: whoever builds it anew needs no restart, and nobody's memory holds it.
"""

import re
from http import HTTPStatus
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.console.answers import failure
from services.console.api.errors import ApiError

DIST: Final = Path(__file__).with_name("page") / "dist"
TYPES: Final = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/json",
}
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
NOT_BUILT: Final = (
    "The page is not built. In the source tree `make page` builds it; a released wheel or image brings it along.\n"
    "The API is at api/v1, its description at api/v1/openapi.json.\n"
)
FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"
"""Kept, but asked about each time: the next release has another page at the same address."""


def routes(dist: Path = DIST) -> list[Route]:
    """Of the page.

    Args:
        dist: folder that `make page` writes.
    """

    async def index(request: Request) -> Response:
        del request
        try:
            page = (dist / "index.html").read_bytes()
        except OSError:
            return PlainTextResponse(NOT_BUILT, HTTPStatus.SERVICE_UNAVAILABLE, {"cache-control": "no-store"})
        return Response(page, headers={"cache-control": ASK_AGAIN}, media_type="text/html")

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        kind = TYPES.get(Path(name).suffix)
        if kind is None or not NAME.fullmatch(name):
            return _missing()
        try:
            content = (dist / "assets" / name).read_bytes()
        except OSError:
            return _missing()
        return Response(content, headers={"cache-control": FOR_EVER}, media_type=kind)

    return [Route("/", index), Route("/assets/{name}", asset)]


def _missing() -> Response:
    text = "there is no such file; the page was built anew meanwhile, load it again"
    return failure(ApiError(HTTPStatus.NOT_FOUND, "not_found", text))
