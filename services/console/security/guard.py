"""The guard before every request: is it meant for us, does it come from our own page, and who asks.

    Host known? -> from another site? -> a change from our own page? -> who asks -> its token right? -> the application

A browser sends cookies along whoever wrote the page; therefore a change needs an Origin that is ours and the token
that only our page could read. An API token is sent by no browser by itself and needs neither.
"""

import hmac
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from services.console.answers import failure
from services.console.api.errors import ApiError
from services.console.api.route import PREFIX
from services.console.security.caller import Caller
from services.console.security.headers import HEADERS
from services.console.security.hosts import Hosts
from services.console.security.sessions import Sessions
from services.console.words.language import wanted

SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
WITHOUT_TOKEN: Final = frozenset({("POST", f"{PREFIX}/session"), ("POST", f"{PREFIX}/session/code")})
"""Where nobody has a token yet."""
TOKEN_HEADER: Final = b"x-metergate-token"
_OWN_SITES: Final = frozenset({"same-origin", "none"})
MOST_COOKIE: Final = 4096

App = Callable[[dict[str, Any], Any, Any], Any]


def cookie_name(port: int, *, https: bool) -> str:
    """Several gateways on one machine share its cookies, whatever their ports: each has its own name."""
    return f"{'__Host-' if https else ''}metergate_{port}"


class Guard:
    """ASGI middleware.

    Args:
        app: what it guards.
        sessions: whose they are.
        hosts: names under which we are.
        cookie: name of the session's cookie.
        https: whether this server speaks it.
    """

    def __init__(self, app: App, sessions: Sessions, hosts: Hosts, cookie: str, *, https: bool) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts = hosts
        self._cookie = cookie
        self._https = https

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        language = wanted(next((_decoded(value) for name, value in scope["headers"] if name == b"accept-language"), ""))
        try:
            scope["state"] = {**scope.get("state", {}), "language": language, "caller": self._admit(scope)}
        except ApiError as error:
            await failure(error, language)(scope, receive, _with_headers(send))
            return
        if scope["state"]["caller"].session and "welcome" in scope["state"]:
            scope["state"]["welcome"]()
        await self._app(scope, receive, _with_headers(send))

    def _admit(self, scope: dict[str, Any]) -> Caller:
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            if name in headers and name in {b"host", b"origin", b"authorization", TOKEN_HEADER}:
                raise ApiError(HTTPStatus.BAD_REQUEST, "malformed", f"the header {name.decode('latin-1')} stands twice")
            headers[name] = value
        host = _text(headers, b"host")
        if refusal := self._hosts.refusal(host):
            raise ApiError(HTTPStatus.MISDIRECTED_REQUEST, "host", refusal)
        api = scope["path"].startswith(PREFIX) or scope["path"] == "/metrics"
        if api and _text(headers, b"sec-fetch-site", "none") not in _OWN_SITES:
            raise ApiError(HTTPStatus.FORBIDDEN, "origin", "another site's page asked for this; it may not")
        address = scope["client"][0] if scope.get("client") else ""
        bearer = _bearer(headers)
        caller = self._by_cookie(headers, address) if bearer is None else self._by_token(bearer, address)
        if scope["method"] not in SAFE:
            signs_in = (scope["method"], scope["path"]) in WITHOUT_TOKEN
            browser = bearer is None and (bool(caller.session) or signs_in)
            if browser or b"origin" in headers:  # who comes without any key to us can change nothing anyway
                self._check_origin(_text(headers, b"origin"), host)
            if browser and not signs_in:
                _check_token(_text(headers, TOKEN_HEADER), caller)
        return caller

    def _check_origin(self, origin: str, host: str) -> None:
        """Behind a proxy that speaks https for us, the browser's origin is https too."""
        own = {f"https://{host}"} if self._https else {f"http://{host}", f"https://{host}"}
        if origin.lower() not in {each.lower() for each in own}:
            what = "another page asked for this change" if origin else "the header Origin is missing"
            raise ApiError(HTTPStatus.FORBIDDEN, "origin", f"{what}; only this page's own may, or an API token")

    def _by_token(self, secret: str, address: str) -> Caller:
        caller = self._sessions.by_token(secret, address)
        if caller is None:
            raise ApiError(HTTPStatus.UNAUTHORIZED, "token_unknown", "this API token is not known, or was removed")
        return caller

    def _by_cookie(self, headers: dict[bytes, bytes], address: str) -> Caller:
        others = []
        for part in _text(headers, b"cookie")[:MOST_COOKIE].split(";"):
            name, _, value = part.strip().partition("=")
            if name != self._cookie or not value:
                continue
            if (caller := self._sessions.by_cookie(value, address)) is not None:
                return caller
            others.append(value)
        return self._sessions.nobody(others, address)


def _check_token(given: str, caller: Caller) -> None:
    if not hmac.compare_digest(given.encode(), caller.csrf.encode()):
        raise ApiError(
            HTTPStatus.FORBIDDEN, "token", "the header X-Metergate-Token is missing or not this session's; reload"
        )


def _bearer(headers: dict[bytes, bytes]) -> str | None:
    kind, _, secret = _text(headers, b"authorization").partition(" ")
    if not kind:
        return None
    if kind.lower() != "bearer" or not secret.strip():
        raise ApiError(HTTPStatus.UNAUTHORIZED, "token_unknown", "give an API token: Authorization: Bearer mg_...")
    return secret.strip()


def _text(headers: dict[bytes, bytes], name: bytes, default: str = "") -> str:
    return _decoded(headers[name]) if name in headers else default


def _decoded(value: bytes) -> str:
    return value.decode("latin-1")


def _with_headers(send: Any) -> Any:
    async def sent(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS]}
        await send(message)

    return sent
