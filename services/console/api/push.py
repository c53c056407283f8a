"""Routes: whom we push to (the device's "master"), and how it stands with each. Changes go into the settings file."""

import asyncio
import tomllib
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from services.console.api.errors import not_found
from services.console.api.models.push import (
    Applied,
    GroupRegister,
    GroupRegisters,
    NewSlave,
    OfSlave,
    Push,
    PushChange,
    PushSlave,
    SlaveChange,
    Tested,
)
from services.console.api.route import Call, Route
from services.console.times import age_ms
from shared import clock
from shared.bus.messages import Push as Told
from shared.config.master import GROUP_RANGES, MAX_RECEIVERS, Target
from shared.config.receivers_edit import added, changed, deleted
from shared.errors import PeerError, RefusedError
from shared.registers.table import TABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.console.api.desk import Desk
    from shared.config.model import Config

PUSHER: Final = "master-pusher"
TAKEN_OVER_S: Final = 5.0
"""A slave that was just added is tested once the pusher has it."""
LOOK_S: Final = 0.1
TLS_WHILE_OFF: Final = (
    "pushing is off. Over TLS only the running pusher may connect: it knows which certificates you accepted, and its "
    "connections are cut when you delete one. Switch pushing on, with this receiver disabled if nothing but the test "
    "shall reach it"
)
GROUPS: Final = tuple(
    (
        name,
        first,
        end - 1,
        tuple(
            GroupRegister(address=row.address, name=row.name, unit=row.unit)
            for row in TABLE
            if first <= row.address < end and row.type not in ("reserved", "pad")
        ),
    )
    for name, (first, end) in GROUP_RANGES.items()
)


def state(desk: "Desk", *, groups: bool = False) -> Push:
    """How it stands, by the settings file where it is right, else by the settings in force.

    Args:
        desk: knows both.
        groups: with the registers of each group, which never change.
    """
    config = desk.settings_file.config or desk.hear.in_force.config
    master, told = config.master, _told(desk)
    written = _written(desk.settings_file.text) if desk.settings_file.config else []
    return Push(
        enabled=master.enabled,
        running=told is not None,
        interval_ms=master.interval_ms,
        values=master.values,
        groups=tuple(
            GroupRegisters(name=name, enabled=getattr(master.groups, name), first=first, last=last, registers=rows)
            for name, first, last, rows in GROUPS
        )
        if groups
        else (),
        slaves=tuple(
            _slave(config, number, target, written, told) for number, target in enumerate(master.slave, start=1)
        ),
        most=MAX_RECEIVERS,
    )


def _told(desk: "Desk") -> dict[tuple[int, str], Told] | None:
    """What the pusher said last of each, by number and URL; None where it is silent."""
    said = desk.hear.town.pushing()
    return None if said is None else {(each.number, each.url): each for each in said.slaves}


def _written(text: str) -> "list[dict[str, Any]]":
    """The tables as they are set, without defaults."""
    found: list[dict[str, Any]] = tomllib.loads(text).get("master", {}).get("slave", [])
    return found


def _slave(
    config: "Config",
    number: int,
    target: Target,
    written: "list[dict[str, Any]]",
    told: "Mapping[tuple[int, str], Told] | None",
) -> PushSlave:
    url = target.receiver.url
    row = None if told is None else told.get((number, url))
    settings = written[number - 1] if number <= len(written) else msgspec.to_builtins(target, enc_hook=str)
    first = config.meter[0].id if config.meter else ""
    common: dict[str, Any] = {
        "number": number,
        "address": target.address,
        "settings": {key: value for key, value in settings.items() if key != "address"},
        "enabled": target.enabled,
        "name": target.name,
        "url": url,
        "meter": first if target.meter is UNSET else target.meter,
        "groups": config.master.groups_of(target),
    }
    if row is None:
        if not target.enabled or not config.master.enabled:
            return PushSlave(**common, state="disabled")
        silent = "master-pusher does not run" if told is None else "master-pusher has not taken this over yet"
        return PushSlave(**common, state="unknown", reason=silent)
    now = clock.now_ns()
    return PushSlave(
        **{**common, "meter": row.meter, "groups": row.groups},
        state=row.state,
        reason=row.reason,
        pushed_age_ms=age_ms(row.pushed_ns, now) if row.pushed_ns else None,
        holds_age_ms=age_ms(row.holds_ns, now) if row.holds_ns else None,
        latency_us=row.latency_us,
        pushes=row.pushes,
        failures=row.failures,
        skipped=row.skipped,
        streak=row.streak,
        exceptions=row.exceptions,
        fingerprint=row.fingerprint,
    )


async def push(call: Call) -> Push:
    """GET /push."""
    call.desk.settings_file.look()
    return state(call.desk, groups=True)


async def change(call: Call) -> Applied:
    """PATCH /push."""
    body: PushChange = call.body
    given: dict[str, Any] = {
        f"master.{name}": value
        for name in ("enabled", "interval_ms", "values")
        if (value := getattr(body, name)) is not UNSET
    }
    if body.groups is not UNSET:
        given |= {f"master.groups.{name}": value for name, value in body.groups.items()}
    return await call.desk.settings_file.patch(call.caller, given)


async def add(call: Call) -> Applied:
    """POST /push/slaves."""
    body: NewSlave = call.body
    entry = {"address": body.address, **body.settings}
    return await call.desk.settings_file.apply(call.caller, lambda text: added(text, entry))


async def change_slave(call: Call) -> Applied:
    """PATCH /push/slaves/{number}."""
    body: SlaveChange = call.body
    number: int = call.path["number"]
    return await call.desk.settings_file.apply(
        call.caller, lambda text: changed(text, number, body.address, body.settings)
    )


async def remove(call: Call) -> Applied:
    """DELETE /push/slaves/{number}."""
    query: OfSlave = call.query
    number: int = call.path["number"]
    return await call.desk.settings_file.apply(call.caller, lambda text: deleted(text, number, query.address))


async def test(call: Call) -> Tested:
    """POST /push/slaves/{number}/test: by the pusher, which knows whom the owner trusts; while it is off by `Trial`."""
    query: OfSlave = call.query
    number: int = call.path["number"]
    desk = call.desk
    config = desk.settings_file.config or desk.hear.in_force.config
    slaves = config.master.slave
    if not 1 <= number <= len(slaves) or slaves[number - 1].address != query.address:
        raise not_found(f"slave {number} is no longer {query.address!r}: the settings were changed; look again")
    target = slaves[number - 1]
    if not config.master.enabled:
        if target.receiver.tls:
            return Tested(ok=False, text=TLS_WHILE_OFF)
        desk.life.log.info("receiver is tried", number=number, by=call.caller.by, address=call.caller.address)
        ok, text = await desk.trial.run(number, target.trial_s)
        return Tested(ok=ok, text=text)
    await _taken_over(desk, number, target)
    args = {"number": number, "address": target.address}
    try:
        answer = await desk.command(call.caller, PUSHER, "test", args, target.trial_s)
    except (RefusedError, PeerError) as error:
        return Tested(ok=False, text=str(error))
    return Tested(ok=True, text=str(answer["words"]))


async def _taken_over(desk: "Desk", number: int, target: Target) -> None:
    """Wait until the pusher runs and speaks of this slave, for a while."""
    for _ in range(round(TAKEN_OVER_S / LOOK_S)):
        if desk.runs(PUSHER) and (number, target.receiver.url) in (_told(desk) or {}):
            return
        await asyncio.sleep(LOOK_S)


ROUTES = (
    Route(method="GET", path="/push", handler=push, answer=Push, scope="read", summary="Whom we push to"),
    Route(
        method="PATCH",
        path="/push",
        handler=change,
        body=PushChange,
        answer=Applied,
        scope="admin",
        summary="Switch pushing, its interval, values and register groups",
    ),
    Route(
        method="POST",
        path="/push/slaves",
        handler=add,
        body=NewSlave,
        answer=Applied,
        scope="admin",
        status=201,
        summary="Push to one more slave or web service",
    ),
    Route(
        method="PATCH",
        path="/push/slaves/{number}",
        handler=change_slave,
        body=SlaveChange,
        answer=Applied,
        scope="admin",
        summary="Change one",
    ),
    Route(
        method="DELETE",
        path="/push/slaves/{number}",
        handler=remove,
        query=OfSlave,
        answer=Applied,
        scope="admin",
        summary="Push to it no more",
    ),
    Route(
        method="POST",
        path="/push/slaves/{number}/test",
        handler=test,
        query=OfSlave,
        answer=Tested,
        scope="operate",
        summary="Push to it once now, and say what came of it",
    ),
)
