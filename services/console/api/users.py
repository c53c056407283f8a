"""Routes: users and API tokens."""

import secrets
import time
from typing import Annotated

from msgspec import Meta

from services.console.api.errors import conflict, not_found
from services.console.api.models.common import Done
from services.console.api.models.session import (
    MadeToken,
    NewToken,
    NewUser,
    Token,
    Tokens,
    User,
    UserName,
    Users,
)
from services.console.api.route import Call, Route
from services.console.security.accounts import MOST_TOKENS, MOST_USERS, TokenEntry, UserEntry, digest
from services.console.security.caller import scopes_up_to
from services.console.times import iso_s
from shared.tls.text import clean

TokenId = Annotated[str, Meta(pattern=r"^[0-9a-f]{16}$")]


async def users(call: Call) -> Users:
    """GET /users."""
    return Users(users=tuple(_user(call, each) for each in call.desk.door.accounts.users.values()))


async def add_user(call: Call) -> User:
    """POST /users."""
    body: NewUser = call.body
    door = call.desk.door
    accounts = door.accounts

    def check() -> None:
        if body.name not in accounts.users and len(accounts.users) >= MOST_USERS:
            raise conflict(f"there are {MOST_USERS} users already; remove one first")
        _keep_an_admin(call, body.name, becomes=body.scope)

    check()
    kept = await door.hashed(body.password)
    entry = UserEntry(name=body.name, password=kept, scope=body.scope, created=time.time())

    def put() -> None:
        accounts.users[entry.name] = entry
        accounts.drop_sessions(entry.name)
        if body.revoke_tokens:
            accounts.drop_tokens(entry.name)

    await door.change(call.caller, "user.set", f"{entry.name} ({entry.scope})", put, check)
    return _user(call, entry)


async def remove_user(call: Call) -> Done:
    """DELETE /users/{name}: ends his sessions and API tokens too."""
    door, name = call.desk.door, call.path["name"]

    def check() -> None:
        if name not in door.accounts.users:
            raise not_found("there is no such user", "name")
        _keep_an_admin(call, name, becomes="")

    def drop() -> None:
        door.accounts.users.pop(name, None)
        door.accounts.drop_sessions(name)
        door.accounts.drop_tokens(name)

    await door.change(call.caller, "user.removed", name, drop, check)
    return Done(text="removed")


async def tokens(call: Call) -> Tokens:
    """GET /tokens."""
    return Tokens(tokens=tuple(_token(call, each) for each in call.desk.door.accounts.tokens.values()))


async def add_token(call: Call) -> MadeToken:
    """POST /tokens."""
    body: NewToken = call.body
    door = call.desk.door

    def check() -> None:
        if len(door.accounts.tokens) >= MOST_TOKENS:
            raise conflict(f"there are {MOST_TOKENS} API tokens already; remove one first")

    secret = f"mg_{secrets.token_urlsafe(32)}"
    entry = TokenEntry(
        id=secrets.token_hex(8),
        name=clean(body.name),
        hash=digest(secret),
        scope=body.scope,
        created=time.time(),
        created_by=door.sessions.account_of(call.caller),
    )

    def put() -> None:
        door.accounts.tokens[entry.hash] = entry

    await door.change(call.caller, "token.made", f"{entry.name} ({entry.scope})", put, check)
    return MadeToken(token=_token(call, entry), secret=secret)


async def remove_token(call: Call) -> Done:
    """DELETE /tokens/{id}."""
    door = call.desk.door
    found = next((each for each in door.accounts.tokens.values() if each.id == call.path["id"]), None)
    if found is None:
        raise not_found("there is no such API token", "id")

    def drop() -> None:
        door.accounts.tokens.pop(found.hash, None)

    await door.change(call.caller, "token.removed", found.name, drop)
    return Done(text="removed")


def _keep_an_admin(call: Call, name: str, becomes: str) -> None:
    others = [each for each in call.desk.door.accounts.users.values() if each.name != name and each.scope == "admin"]
    if not others and becomes != "admin":
        raise conflict(f"{name} is the last who may change anything; make another admin first")


def _user(call: Call, entry: UserEntry) -> User:
    return User(
        name=entry.name,
        scopes=scopes_up_to(entry.scope),
        created=iso_s(entry.created),
        own=entry.name == call.caller.user,
    )


def _token(call: Call, entry: TokenEntry) -> Token:
    return Token(
        id=entry.id,
        name=entry.name,
        scopes=call.desk.door.accounts.scopes_of(entry),
        created=iso_s(entry.created),
        created_by=entry.created_by,
        used=iso_s(call.desk.door.sessions.used.get(entry.hash, 0.0) // 60 * 60),
    )


ROUTES = (
    Route(method="GET", path="/users", handler=users, answer=Users, scope="admin", summary="Users"),
    Route(
        method="POST",
        path="/users",
        handler=add_user,
        body=NewUser,
        answer=User,
        scope="admin",
        summary="Add a user, or set another's password and scope",
    ),
    Route(
        method="DELETE",
        path="/users/{name}",
        handler=remove_user,
        parts={"name": UserName},
        answer=Done,
        scope="admin",
        summary="Remove a user",
    ),
    Route(method="GET", path="/tokens", handler=tokens, answer=Tokens, scope="admin", summary="API tokens"),
    Route(
        method="POST",
        path="/tokens",
        handler=add_token,
        body=NewToken,
        answer=MadeToken,
        scope="admin",
        summary="Make an API token",
    ),
    Route(
        method="DELETE",
        path="/tokens/{id}",
        handler=remove_token,
        parts={"id": TokenId},
        answer=Done,
        scope="admin",
        summary="Remove an API token",
    ),
)
