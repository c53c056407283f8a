"""Routes: the folder of known authorities. The certificate manager is its one writer; this asks it."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from services.console.api.certificates import away, confirmed, groups, not_confirmed
from services.console.api.models.certificates import Authorities, Authority, NewAuthority
from services.console.api.route import Call, Route
from services.console.hear.certificates import MANAGER
from shared.errors import PeerError, RefusedError

LARGEST: Final = 160 * 1024
FileName = Annotated[str, Meta(pattern=r"^[^/.\x00-\x1f][^/\x00-\x1f]{0,127}$")]


async def authorities(call: Call) -> Authorities:
    """GET /authorities."""
    if away(call) is None:
        try:
            return _authorities(call, await call.desk.ask(MANAGER, "ca.list"))
        except PeerError:
            pass
    return Authorities(authorities=(), folder=_folder(call), running=False)


async def add(call: Call) -> Authorities:
    """POST /authorities."""
    body: NewAuthority = call.body
    return await _change(call, "ca.add", {"name": body.name, "pem": body.pem})


async def remove(call: Call) -> Authorities:
    """DELETE /authorities/{file}."""
    return await _cut(call, "ca.remove", {"file": call.path["file"]})


async def reload(call: Call) -> Authorities:
    """POST /authorities/reload."""
    return await _cut(call, "ca.reload", {})


async def _change(call: Call, verb: str, args: dict[str, Any]) -> Authorities:
    return _authorities(call, await call.desk.command(call.caller, MANAGER, verb, args))


async def _cut(call: Call, verb: str, args: dict[str, Any]) -> Authorities:
    """As they are after a change that may cut somebody off, also where that is not confirmed."""
    try:
        made = await call.desk.command(call.caller, MANAGER, verb, args)
    except RefusedError as error:
        cut = not_confirmed(error)
        return replace(await authorities(call), cut=cut)
    return replace(_authorities(call, made), cut=confirmed("removed", made))


def _folder(call: Call) -> str:
    return str(call.desk.life.config.certificates.ca_dir)


def _authorities(call: Call, made: dict[str, Any]) -> Authorities:
    rows = made["authorities"]
    return Authorities(
        authorities=tuple(msgspec.convert({**row, "groups": groups(row["fingerprint"])}, Authority) for row in rows),
        faults=tuple(made["faults"]),
        folder=_folder(call),
    )


ROUTES = (
    Route(
        method="GET",
        path="/authorities",
        handler=authorities,
        answer=Authorities,
        scope="read",
        summary="Known authorities",
    ),
    Route(
        method="POST",
        path="/authorities",
        handler=add,
        body=NewAuthority,
        answer=Authorities,
        scope="admin",
        summary="Trust an authority",
        largest=LARGEST,
    ),
    Route(
        method="POST",
        path="/authorities/reload",
        handler=reload,
        answer=Authorities,
        scope="admin",
        summary="Read the folder again",
    ),
    Route(
        method="DELETE",
        path="/authorities/{file}",
        handler=remove,
        parts={"file": FileName},
        answer=Authorities,
        scope="admin",
        summary="Trust an authority no more",
    ),
)
