"""What happened: events of the bus, the audit log, and what the stream sends."""

from typing import Annotated, Literal

from msgspec import Meta, field

from services.console.api.models.common import Answer, Ask, ShortText, Words

Topic = Literal["live", "source", "sessions", "certificates", "pushes", "processes", "events", "settings"]


class Event(Answer, frozen=True, kw_only=True):
    """Something that happened once.

    Attributes:
        id: rises; for `after` and for the order.
        time, time_ms: when.
        instance: who says so.
        kind: dotted name, e.g. `certificate.seen`, `register.written`, `child.exited`, `counter.held`.
        level: `info`, `warning`, `error`.
        text: one sentence for a person, only ever to be shown as text.
        data: details.
    """

    id: int
    time: str
    time_ms: int
    instance: str
    kind: str
    level: str
    text: Words
    data: dict[str, str | int | float | bool] = field(default_factory=dict)


class AfterEvent(Ask, frozen=True, kw_only=True):
    """GET /events.

    Attributes:
        after: id of the last one known.
        limit: at most so many, the newest.
    """

    after: Annotated[int, Meta(ge=0, le=2**53)] = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 200


class Events(Answer, frozen=True, kw_only=True):
    """What is remembered since the console started, oldest first; some hundreds.

    Attributes:
        events: younger than `after`.
        last: id of the newest one, to ask with next time.
        since: when the console began to listen.
    """

    events: tuple[Event, ...]
    last: int
    since: str


class AuditRange(Ask, frozen=True, kw_only=True):
    """GET /audit: newest first.

    Attributes:
        owner: only of this instance's log.
        what: only where the name begins like this, e.g. `certificate.`.
        limit: at most so many.
    """

    owner: ShortText = ""
    what: ShortText = ""
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class AuditRecord(Answer, frozen=True, kw_only=True):
    """One line of the audit log: who did what, when, with which result. All texts are to be shown as text.

    Attributes:
        owner: instance whose log it is.
        seq: its number there.
        time: when.
        by: `cli`, `console:NAME`, `modbus`, or the owner itself.
        fingerprint, label, address, role: of the peer, where one did it.
        what: dotted name.
        target: what it was done to.
        result: how it ended.
    """

    owner: str
    seq: int
    time: str
    by: str
    what: str
    target: str
    result: str
    fingerprint: str = ""
    label: str = ""
    address: str = ""
    role: str = ""


class Audit(Answer, frozen=True, kw_only=True):
    """GET /audit.

    Attributes:
        records: newest first.
        faults: chains that do not hold, in words.
    """

    records: tuple[AuditRecord, ...]
    faults: tuple[Words, ...] = ()


class Stream(Ask, frozen=True, kw_only=True):
    """GET /stream: server-sent events. `event:` is the topic, `data:` the model of its subject as JSON.

    live -> Live (of `meter`), source -> Source, sessions -> Clients, certificates -> Changed (fetch the list again),
    pushes -> Push, processes -> Processes, events -> Event, settings -> SettingsState. First comes the state of
    each topic as it is, then each change. After a reconnect with `Last-Event-ID` what was missed comes instead, or
    `event: reset` and the states, where too much was missed. A comment line comes each 10 s.

    Attributes:
        topics: with commas; each that the scope allows without. The set-up code sees `live` and `source`.
        meter: whose `live`; the first of the settings without.
        last_event_id: as the header `Last-Event-ID`, for who cannot set it.
    """

    topics: Annotated[str, Meta(max_length=120)] = ""
    meter: Annotated[str, Meta(max_length=32)] = ""
    last_event_id: Annotated[str, Meta(max_length=64)] = ""


class Source(Answer, frozen=True, kw_only=True):
    """Event `source`: whether a meter answers, at each change, with the counts of that moment."""

    meter: str
    connected: bool
    reason: Words = ""
    polls: int = 0
    failures: int = 0


class Changed(Answer, frozen=True, kw_only=True):
    """Event `certificates`: the list is another one now.

    Attributes:
        pending: certificates that wait for a decision.
        accepted: certificates that are accepted.
        changes: rises with each change, also with one that leaves the counts as they are: a name, last seen.
    """

    pending: int
    accepted: int
    changes: int = 0


class SettingsState(Answer, frozen=True, kw_only=True):
    """Event `settings`: the settings in force, or the state of the file, changed.

    Attributes:
        revision: SHA-256 of the file's content, hex; as in GET /settings.
        error: what is wrong with the file now, so that the settings before stay in force; empty while it is right.
        pending: what changed in it and needs a restart of the supervisor itself.
    """

    revision: str
    error: Words = ""
    pending: Words = ""
