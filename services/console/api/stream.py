"""Routes: the stream of server-sent events, and what happened."""

from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from typing import Final, get_args

from msgspec import Struct
from starlette.responses import Response

from services.console.api.errors import ApiError, invalid
from services.console.api.models.events import AfterEvent, Event, Events, SettingsState, Source, Stream, Topic
from services.console.api.models.live import Live
from services.console.api.models.processes import Processes
from services.console.api.models.push import Push
from services.console.api.route import Call, Route
from services.console.stream.response import EventStream
from services.console.words.language import Language
from services.console.words.translate import json_in_language

TOPICS: Final[tuple[str, ...]] = get_args(Topic)
WITH_WORDS: Final[Mapping[str, type[Struct]]] = {
    "live": Live,
    "source": Source,
    "pushes": Push,
    "processes": Processes,
    "events": Event,
    "settings": SettingsState,
}
"""Topics with something to read; the others are numbers and names."""
FOR_VIEWERS: Final = frozenset({"live", "source"})


async def stream(call: Call) -> Response:
    """GET /stream."""
    query: Stream = call.query
    desk, caller = call.desk, call.caller
    may = frozenset(TOPICS) if "read" in caller.scopes else FOR_VIEWERS
    wanted = frozenset(name for name in query.topics.split(",") if name) or may
    if unknown := wanted - set(TOPICS):
        raise invalid(f"there is no topic {min(unknown)!r}; there are: {' '.join(TOPICS)}", "topics")
    if forbidden := wanted - may:
        raise ApiError(HTTPStatus.FORBIDDEN, "not_allowed", f"the topic {min(forbidden)!r} needs the scope 'read'")
    meter = query.meter
    if "live" in wanted and (meter or desk.hear.in_force.config.meter):
        meter = desk.meter(meter or None).id
    last_id = call.request.headers.get("last-event-id", "") or query.last_event_id
    said = None if call.language == "en" else partial(_said, language=call.language)
    return EventStream(desk.topics.hub.follow(wanted, meter, last_id[:64], said), desk.streams, caller.session)


def _said(topic: str, data: bytes, language: Language) -> bytes:
    kind = WITH_WORDS.get(topic)
    return data if kind is None else json_in_language(data, kind, language)


async def events(call: Call) -> Events:
    """GET /events."""
    query: AfterEvent = call.query
    return call.desk.hear.events.after(query.after, query.limit)


ROUTES = (
    Route(
        method="GET",
        path="/stream",
        handler=stream,
        query=Stream,
        answer=None,
        media="text/event-stream",
        scope="view",
        summary="Server-sent events",
    ),
    Route(
        method="GET",
        path="/events",
        handler=events,
        query=AfterEvent,
        answer=Events,
        scope="read",
        summary="What happened lately",
    ),
)
