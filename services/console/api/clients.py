"""Routes: who is connected to our slaves; disconnect, pause and resume them.

A slave with several workers has several instances, and nobody knows to which of them a client will come next: all are
asked, where nobody names one.
"""

from typing import TYPE_CHECKING, Any, Final

from services.console.api.errors import not_found
from services.console.api.models.clients import Client, Clients, Disconnect, SlaveCounters, Steered, Who
from services.console.api.route import Call, Route
from services.console.times import age_ms
from shared import clock
from shared.errors import MetergateError, PeerError, RefusedError

if TYPE_CHECKING:
    from services.console.api.desk import Desk
    from shared.bus.messages import Client as Told

ANSWER_S: Final = 3.0
_DONE: Final = {"disconnect": "disconnected", "pause": "paused", "resume": "resumed"}


def state(desk: "Desk") -> Clients:
    """Who is connected, for a request and for the stream."""
    town, now = desk.hear.town, clock.now_ns()
    serving = sorted(town.serving().items())
    return Clients(
        clients=tuple(_client(desk, name, each, now) for name, said in serving for each in said.details),
        slaves=tuple(
            SlaveCounters(
                instance=name,
                port=said.port,
                connections=said.connections,
                accepted=said.accepted,
                refused=said.refused,
                requests=said.requests,
                exceptions=said.exceptions,
                framing_errors=said.framing_errors,
                rate=_rounded(town.rates.per_second((name, ""))),
                paused=said.paused,
            )
            for name, said in serving
        ),
    )


def _client(desk: "Desk", instance: str, told: "Told", now_ns: int) -> Client:
    return Client(
        instance=instance,
        peer=told.peer,
        address=told.address,
        tls=bool(told.protocol),
        protocol=told.protocol,
        label=told.label,
        fingerprint=told.fingerprint,
        role=told.role,
        connected_ms=age_ms(told.connected_ns, now_ns),
        asked_ms=age_ms(told.asked_ns, now_ns) if told.asked_ns else None,
        requests=told.requests,
        exceptions=told.exceptions,
        rate=_rounded(desk.hear.town.rates.per_second((instance, told.peer))),
        unit=told.unit if told.unit >= 0 else None,
        function=told.function or None,
        start=told.start if told.start >= 0 else None,
        count=told.count or None,
        paused=told.paused,
    )


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


async def clients(call: Call) -> Clients:
    """GET /clients."""
    return state(call.desk)


async def disconnect(call: Call) -> Steered:
    """POST /clients/disconnect."""
    body: Disconnect = call.body
    serving = call.desk.hear.town.serving()
    with_it = [name for name, said in serving.items() if any(each.peer == body.peer for each in said.details)]
    return await _steer(call, "disconnect", {"peer": body.peer}, body.instance, with_it or list(serving))


async def pause(call: Call) -> Steered:
    """POST /clients/pause."""
    body: Who = call.body
    return await _steer(call, "pause", {"who": body.who}, body.instance, _who_know(call.desk, body.who))


async def resume(call: Call) -> Steered:
    """POST /clients/resume."""
    body: Who = call.body
    return await _steer(call, "resume", {"who": body.who}, body.instance, _who_know(call.desk, body.who))


def _who_know(desk: "Desk", who: str) -> list[str]:
    """Instances to which somebody may come who is named like that: a certificate is shown to TLS slaves alone."""
    names = sorted(desk.hear.town.serving())
    return [name for name in names if name.startswith("tls-")] if len(who) == 64 else names


async def _steer(call: Call, verb: str, args: dict[str, Any], named: str | None, names: list[str]) -> Steered:
    """Done where one of them did it; where none did, the refusal of the last one."""
    desk = call.desk
    if named is not None:
        if named not in desk.hear.town.serving():
            raise not_found(f"{named!r} is no slave that runs", "instance")
        names = [named]
    if not names:
        raise not_found("no slave runs that could know it")
    whom = str(args.get("who", args.get("peer")))
    desk.note(call.caller, f"client.{verb}", whom, f"asked of {' '.join(names)}")
    connections, done = 0, 0
    refusal: MetergateError | None = None
    for name in names:
        try:
            answer = await desk.command(call.caller, name, verb, args, ANSWER_S)
        except (RefusedError, PeerError) as error:
            refusal = error
        else:
            connections += int(answer.get("connections", 0))
            done += 1
    if refusal is not None and (not done or isinstance(refusal, PeerError)):
        raise refusal
    plural = "" if connections == 1 else "s"
    return Steered(connections=connections, text=f"{whom} {_DONE[verb]}: {connections} connection{plural}")


ROUTES = (
    Route(
        method="GET",
        path="/clients",
        handler=clients,
        answer=Clients,
        scope="read",
        summary="Who is connected to our slaves",
    ),
    *(
        Route(
            method="POST",
            path=f"/clients/{verb}",
            handler=handler,
            body=body,
            answer=Steered,
            scope="operate",
            summary=words,
        )
        for verb, handler, body, words in (
            ("disconnect", disconnect, Disconnect, "Cut a connection; nothing keeps it from coming back"),
            ("pause", pause, Who, "Answer a client with exception 06 (busy) until it is resumed"),
            ("resume", resume, Who, "Serve a client again that was paused"),
        )
    ),
)
