"""Routes: who is asking. Signing in and out, the set-up code, the password, open sessions."""

import socket
import time
from typing import Annotated, Final

from msgspec import Meta
from starlette.responses import Response

from services.console.answers import answer
from services.console.api.errors import not_found
from services.console.api.models.common import Done
from services.console.api.models.session import (
    Code,
    Gateway,
    OpenSession,
    OpenSessions,
    PasswordChange,
    Session,
    SignIn,
)
from services.console.api.route import Call, Route
from services.console.security.accounts import SessionEntry
from services.console.security.caller import Caller, scopes_up_to
from services.console.times import iso_s
from shared.registers.identity import SOFTWARE_VERSION

KNOWN_S: Final = 400 * 86_400
"""A browser shows the cookie so long, also once its session has ended: it is told from strangers by it."""
SessionId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]


async def show(call: Call) -> Session:
    """GET /session."""
    return _session(call, call.caller, call.desk.door.sessions.entry(call.caller))


async def by_code(call: Call) -> Response:
    """POST /session/code."""
    secret, entry = call.desk.door.by_code(call.caller, call.body.code, _agent(call))
    return _signed_in(call, secret, entry)


async def sign_in(call: Call) -> Response:
    """POST /session."""
    body: SignIn = call.body
    secret, entry = await call.desk.door.sign_in(call.caller, body.user, body.password, _agent(call))
    return _signed_in(call, secret, entry)


async def sign_out(call: Call) -> Response:
    """DELETE /session."""
    if call.desk.door.sessions.entry(call.caller) is not None:
        await call.desk.door.end(call.caller, call.caller.session)
    response = answer(Done(text="signed out"), language=call.language)
    response.headers["set-cookie"] = _cookie(call, "", 0)
    return response


async def set_password(call: Call) -> Response:
    """PUT /password."""
    secret, entry = await call.desk.door.set_password(call.caller, call.body, _agent(call))
    return _signed_in(call, secret, entry)


async def sessions(call: Call) -> OpenSessions:
    """GET /sessions: one's own; of everybody for an admin."""
    door, caller = call.desk.door, call.caller
    return OpenSessions(
        sessions=tuple(
            OpenSession(
                id=each.id,
                user=each.user,
                address=each.address,
                agent=each.agent,
                created=iso_s(each.created),
                used=iso_s(door.sessions.used.get(each.hash, 0.0) // 60 * 60),
                expires=iso_s(each.expires),
                own=each.hash == caller.session,
            )
            for each in _visible(call)
        )
    )


async def end_session(call: Call) -> Done:
    """DELETE /sessions/{id}."""
    found = next((each for each in _visible(call) if each.id == call.path["id"]), None)
    if found is None:
        raise not_found("there is no such session", "id")
    await call.desk.door.end(call.caller, found.hash)
    return Done(text="ended")


def _visible(call: Call) -> list[SessionEntry]:
    caller = call.caller
    everybody = "admin" in caller.scopes
    return [each for each in call.desk.door.sessions.opened() if everybody or (each.user and each.user == caller.user)]


def _agent(call: Call) -> str:
    return call.request.headers.get("user-agent", "")


def _signed_in(call: Call, secret: str, entry: SessionEntry) -> Response:
    user = call.desk.door.accounts.users.get(entry.user)
    scopes = scopes_up_to("view" if user is None else user.scope)
    caller = Caller(address=call.caller.address, scopes=scopes, user=entry.user, session=entry.hash, csrf=entry.csrf)
    response = answer(_session(call, caller, entry), language=call.language)
    lasts_s = KNOWN_S if entry.user else round(entry.expires - entry.created)
    response.headers["set-cookie"] = _cookie(call, secret, lasts_s)
    return response


def _cookie(call: Call, value: str, lasts_s: int) -> str:
    site = call.desk.site
    secure = "; Secure" if site.https else ""
    return f"{site.cookie}={value}; Path=/; Max-Age={lasts_s}; HttpOnly; SameSite=Strict{secure}"


def _session(call: Call, caller: Caller, entry: SessionEntry | None) -> Session:
    desk = call.desk
    accounts = desk.door.accounts
    known = bool(caller.scopes)
    return Session(
        state="none" if not known else "viewer" if not caller.user else "user",
        password_set=bool(accounts.users) or bool(accounts.fault),
        trouble=accounts.fault,
        user=caller.user,
        scopes=caller.scopes,
        csrf=caller.csrf,
        expires="" if entry is None else iso_s(entry.expires),
        gateway=Gateway(
            version=SOFTWARE_VERSION,
            host=socket.gethostname(),
            https=desk.site.https,
            simulated=any(each.simulated for each in desk.hear.meters()),
            fingerprint=desk.site.fingerprint,
            time=iso_s(time.time()),
        )
        if known
        else None,
    )


ROUTES = (
    Route(method="GET", path="/session", handler=show, answer=Session, scope=None, summary="Who is asking"),
    Route(method="POST", path="/session", handler=sign_in, body=SignIn, answer=Session, scope=None, summary="Sign in"),
    Route(method="DELETE", path="/session", handler=sign_out, answer=Done, scope=None, summary="Sign out"),
    Route(
        method="POST",
        path="/session/code",
        handler=by_code,
        body=Code,
        answer=Session,
        scope=None,
        summary="See live values by the set-up code",
    ),
    Route(
        method="PUT",
        path="/password",
        handler=set_password,
        body=PasswordChange,
        answer=Session,
        scope="view",
        summary="Set the first password, or change one's own",
    ),
    Route(method="GET", path="/sessions", handler=sessions, answer=OpenSessions, scope="read", summary="Open sessions"),
    Route(
        method="DELETE",
        path="/sessions/{id}",
        handler=end_session,
        parts={"id": SessionId},
        answer=Done,
        scope="read",
        summary="End a session",
    ),
)
