"""Routes: the processes of every supervisor on this host."""

import asyncio
from typing import TYPE_CHECKING, Final, get_args

from services.console.api.models.common import Done
from services.console.api.models.processes import Process, Processes
from services.console.api.route import Call, Route
from services.console.times import age_ms
from shared import clock
from shared.config.section import RoleName
from shared.errors import MetergateError

if TYPE_CHECKING:
    from services.console.api.desk import Desk
    from shared.bus.messages import Child

STEER_S: Final = 60.0
"""The longest stop timeout that the settings allow."""
FAREWELL_S: Final = 0.2
"""The answer goes out before the console itself is ended."""
ORDER: Final[tuple[str, ...]] = get_args(RoleName)
_DONE: Final = {"restart": "started again", "stop": "stopped", "start": "started"}
_later: Final[set[asyncio.Task[None]]] = set()


def state(desk: "Desk") -> Processes:
    """All of them, for a request and for the stream."""
    town = desk.hear.town
    speaking = town.speaking()
    now = clock.now_ns()
    found = [
        _process(desk, supervisor, child, now, speaks=supervisor in speaking)
        for supervisor, (_, said) in town.processes.items()
        for child in said.children
    ]
    found.sort(key=lambda each: (ORDER.index(each.role) if each.role in ORDER else len(ORDER), each.name))
    return Processes(processes=tuple(found), silent=tuple(sorted(town.processes.keys() - speaking.keys())))


def _process(desk: "Desk", supervisor: str, child: "Child", now_ns: int, *, speaks: bool) -> Process:
    rate = desk.hear.town.rates.per_second((child.name, child.pid)) if child.pid else None
    return Process(
        name=child.name,
        role=child.role,
        supervisor=supervisor,
        state=child.state if speaks else "unknown",
        pid=child.pid,
        restarts=child.restarts,
        asked=child.asked,
        uptime_ms=age_ms(child.started_ns, now_ns) if child.pid else None,
        rss_kib=child.rss_kib,
        cpu_ms=child.cpu_ms,
        cpu_percent=None if rate is None or not speaks else round(rate / 10, 1),
        queue=_known(child.queue),
        pending=_known(child.pending),
        missed=_known(child.missed),
        reason=child.reason if speaks else f"{supervisor} says nothing",
    )


def _known(count: int) -> int | None:
    return count if count >= 0 else None


async def processes(call: Call) -> Processes:
    """GET /processes."""
    return state(call.desk)


async def restart(call: Call) -> Done:
    """POST /processes/{name}/restart."""
    return await _steer(call, "restart")


async def stop(call: Call) -> Done:
    """POST /processes/{name}/stop."""
    return await _steer(call, "stop")


async def start(call: Call) -> Done:
    """POST /processes/{name}/start."""
    return await _steer(call, "start")


async def _steer(call: Call, verb: str) -> Done:
    """Answers when it is done. What ends the console itself is begun once the answer is on its way."""
    desk, name = call.desk, call.path["name"]
    supervisor = desk.supervisors.of(name)
    desk.note(call.caller, f"role.{verb}", name, "asked for")
    if name.partition(".")[0] == "console" and verb != "start":
        task = asyncio.get_running_loop().create_task(_farewell(call, supervisor, verb))
        _later.add(task)
        task.add_done_callback(_later.discard)
        back = "it is back within seconds" if verb == "restart" else "`metergate start console` brings it back"
        return Done(text=f"the page itself ends now; {back}")
    await desk.command(call.caller, supervisor, verb, {"role": name}, STEER_S)
    return Done(text=f"{name} {_DONE[verb]}")


async def _farewell(call: Call, supervisor: str, verb: str) -> None:
    await asyncio.sleep(FAREWELL_S)
    try:
        await call.desk.command(call.caller, supervisor, verb, {"role": call.path["name"]}, STEER_S)
    except MetergateError as error:  # nobody waits for the answer any more
        call.desk.tell(f"role.{verb}", f"{call.path['name']}: not done: {error}", "error")


ROUTES = (
    Route(
        method="GET",
        path="/processes",
        handler=processes,
        answer=Processes,
        scope="read",
        summary="Every process, its state, memory and processor time",
    ),
    *(
        Route(
            method="POST",
            path=f"/processes/{{name}}/{verb}",
            handler=handler,
            answer=Done,
            scope="operate",
            summary=words,
        )
        for verb, handler, words in (
            ("restart", restart, "Start a role or process again; answers when it is ready"),
            ("stop", stop, "Stop a role or process until it is started again"),
            ("start", start, "Start a role or process that was stopped or parked"),
        )
    ),
)
