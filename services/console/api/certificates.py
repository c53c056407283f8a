"""Routes: certificates of others, and the owner's decision about each. Their manager decides; this asks it.

While nothing speaks TLS the manager does not run: then the list is empty and says so.
"""

import re
from typing import Any, Final, TypeVar

import msgspec

from services.console.api.errors import ApiError
from services.console.api.models.certificates import (
    Accept,
    Certificate,
    CertificateInFull,
    Certificates,
    Closed,
    Decided,
    LabelChange,
)
from services.console.api.route import Call, Route
from services.console.hear.certificates import MANAGER, listed
from shared.errors import PeerError, RefusedError

ORDER: Final = ("pending", "accepted", "ca", "blocked")
NOT_CONFIRMED: Final = "not confirmed"
"""How the manager begins where what it was told is in force, but not all is known of it."""
_CLOSED: Final = re.compile(r"connections known to be closed: (\d+)")

Row = dict[str, Any]
T = TypeVar("T")


def away(call: Call) -> str | None:
    """Why the manager is not asked: empty where the settings need none; None where it should answer."""
    state, reason = call.desk.hear.town.state_of(MANAGER)
    if state == "disabled":
        return ""
    if state in {"parked", "stopped"}:
        return f"{MANAGER} does not run: {reason or state}"
    return None


def groups(fingerprint: str) -> tuple[str, ...]:
    """In fours, for comparing by eye."""
    return tuple(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4))


async def certificates(call: Call) -> Certificates:
    """GET /certificates."""
    trouble = away(call)
    if trouble is not None:
        return Certificates(certificates=(), running=False, trouble=trouble)
    try:
        rows = await listed(call.desk.ask)
    except PeerError as error:
        return Certificates(certificates=(), running=False, trouble=str(error))
    rows.sort(key=first_pending)
    return Certificates(certificates=tuple(_of(row) for row in rows))


async def certificate(call: Call) -> CertificateInFull:
    """GET /certificates/{fingerprint}."""
    return _convert(await _show(call), CertificateInFull)


async def accept(call: Call) -> Decided:
    """POST /certificates/{fingerprint}/accept."""
    body: Accept = call.body
    named = {} if body.label is None else {"label": body.label}
    await _command(call, "accept", {"grant": body.grant, **named})
    return await _decided(call)


async def label(call: Call) -> Decided:
    """POST /certificates/{fingerprint}/label."""
    body: LabelChange = call.body
    await _command(call, "label", {"label": body.label})
    return await _decided(call)


async def unblock(call: Call) -> Decided:
    """POST /certificates/{fingerprint}/unblock."""
    await _command(call, "unblock", {})
    return Decided()


async def dismiss(call: Call) -> Decided:
    """POST /certificates/{fingerprint}/dismiss."""
    await _command(call, "dismiss", {})
    return Decided()


async def block(call: Call) -> Closed:
    """POST /certificates/{fingerprint}/block."""
    return await _end(call, "block")


async def delete(call: Call) -> Closed:
    """DELETE /certificates/{fingerprint}."""
    return await _end(call, "delete")


async def _end(call: Call, verb: str) -> Closed:
    try:
        result = await _command(call, verb, {})
    except RefusedError as error:
        return not_confirmed(error)
    return confirmed("blocked" if result["blocked"] else "deleted", result)


def confirmed(words: str, result: Row) -> Closed:
    """What was cut, as the manager's result has it."""
    killed = result["killed"]
    text = f"{words}; connections closed: {result['closed']}"
    return Closed(
        closed=result["closed"],
        text=f"{text}; killed, since they did not acknowledge: {' '.join(killed)}" if killed else text,
    )


def not_confirmed(error: RefusedError) -> Closed:
    """What was cut as far as is known, where the manager says that it is done and not confirmed.

    Raises:
        RefusedError: it says something else.
    """
    text = str(error)
    if not text.startswith(NOT_CONFIRMED):
        raise error
    closed = _CLOSED.search(text)
    return Closed(closed=int(closed[1]) if closed else 0, confirmed=False, text=text)


async def _decided(call: Call) -> Decided:
    """The certificate as it stands now; none where it went meanwhile, or nobody says."""
    try:
        return Decided(certificate=_of(await _show(call)))
    except (ApiError, PeerError, RefusedError):
        return Decided()


async def _show(call: Call) -> Row:
    return await call.desk.ask(MANAGER, "show", {"fingerprint": call.path["fingerprint"]})


async def _command(call: Call, verb: str, args: Row) -> Row:
    return await call.desk.command(call.caller, MANAGER, verb, {"fingerprint": call.path["fingerprint"], **args})


def first_pending(row: Row) -> tuple[int, str, str]:
    """Pending first, the newest of them on top; the others by name, so that none moves while it is looked at."""
    status = row["status"]
    place = ORDER.index(status) if status in ORDER else len(ORDER)
    if status == "pending":
        return place, "".join(chr(0x10FFFF - ord(letter)) for letter in row["first_seen"]), row["fingerprint"]
    return place, (row["label"] or row["subject"]).casefold(), row["fingerprint"]


def _of(row: Row) -> Certificate:
    return _convert(row, Certificate)


def _convert(row: Row, kind: type[T]) -> T:
    return msgspec.convert({**row, "groups": groups(row["fingerprint"])}, kind)


_ONE: Final = "/certificates/{fingerprint}"

ROUTES = (
    Route(
        method="GET",
        path="/certificates",
        handler=certificates,
        answer=Certificates,
        scope="read",
        summary="Certificates of others",
    ),
    Route(method="GET", path=_ONE, handler=certificate, answer=CertificateInFull, scope="read", summary="One, in full"),
    Route(
        method="DELETE",
        path=_ONE,
        handler=delete,
        answer=Closed,
        scope="admin",
        summary="Serve it no more; its connections are cut",
    ),
    Route(
        method="POST",
        path=f"{_ONE}/accept",
        handler=accept,
        body=Accept,
        answer=Decided,
        scope="admin",
        summary="Serve it, or change what it may do",
    ),
    Route(
        method="POST", path=f"{_ONE}/block", handler=block, answer=Closed, scope="admin", summary="Refuse it for good"
    ),
    Route(
        method="POST",
        path=f"{_ONE}/unblock",
        handler=unblock,
        answer=Decided,
        scope="admin",
        summary="Forget that it was blocked",
    ),
    Route(
        method="POST",
        path=f"{_ONE}/label",
        handler=label,
        body=LabelChange,
        answer=Decided,
        scope="admin",
        summary="Name it",
    ),
    Route(
        method="POST",
        path=f"{_ONE}/dismiss",
        handler=dismiss,
        answer=Decided,
        scope="admin",
        summary="Off the list until its next contact",
    ),
)
