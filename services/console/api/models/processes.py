"""The processes of metergate, and the bus between them."""

from typing import Annotated

from msgspec import Meta

from services.console.api.models.common import Answer, Ask, Words


class Process(Answer, frozen=True, kw_only=True):
    """One supervised process.

    Attributes:
        name: instance name, e.g. `plain-slave.2`.
        role: role name.
        supervisor: instance that runs it, e.g. `supervisor`, or `supervisor.tls-slave` in a container of its own.
        state: `starting`, `ready`, `backoff`, `stopping`, `stopped`, `parked`, `disabled`.
        pid: 0 while there is none.
        restarts: since its supervisor started.
        asked: of these, those that a command or new settings asked for; the others follow a death or a kill.
        uptime_ms: since its last start; null while there is none.
        rss_kib: resident memory, KiB; shared pages count whole.
        cpu_ms: processor time since its start.
        cpu_percent: of one core, lately; null while not known.
        queue: bus messages of one topic that it found waiting behind the first when it came to read, the most of the
            last 30 s: so many cycles it was late. 0 in ordinary work; null while not known.
        pending: commands that it took or sent and that are not answered, and pushes that are due and not confirmed, the
            most of the last 30 s; null while not known.
        missed: bus messages that never reached it since its start, by the gaps in their numbers; null while not known.
        reason: why it is not ready, or what its owner should know, in words.
    """

    name: str
    role: str
    supervisor: str
    state: str
    pid: int = 0
    restarts: int = 0
    asked: int = 0
    uptime_ms: int | None = None
    rss_kib: int = 0
    cpu_ms: int = 0
    cpu_percent: float | None = None
    queue: int | None = None
    pending: int | None = None
    missed: int | None = None
    reason: Words = ""


class Processes(Answer, frozen=True, kw_only=True):
    """GET /processes, and the event `processes`.

    Attributes:
        processes: in the order of the data.
        silent: supervisors that were heard of and say nothing any more.
    """

    processes: tuple[Process, ...]
    silent: tuple[str, ...] = ()


class Tap(Ask, frozen=True, kw_only=True):
    """GET /tap: server-sent events `message`, each a TapMessage; GET /tap/record too, with `seconds`.

    Attributes:
        role: only of this role or instance; all without.
        topic: only of topics that begin like this, e.g. `image/` or `sample/house`.
    """

    role: Annotated[str, Meta(max_length=32)] = ""
    topic: Annotated[str, Meta(max_length=64)] = ""


class Record(Ask, frozen=True, kw_only=True):
    """GET /tap/record: a download that `metergate tap` and `metergate replay` read."""

    seconds: Annotated[int, Meta(ge=1, le=600)] = 10
    role: Annotated[str, Meta(max_length=32)] = ""
    topic: Annotated[str, Meta(max_length=64)] = ""


class TapMessage(Answer, frozen=True, kw_only=True):
    """One message of the bus.

    Attributes:
        time_ms: when it was received.
        topic: e.g. `sample/house`.
        kind: e.g. `sample/1`.
        instance: who wrote it.
        seq: its number.
        size: bytes.
        text: in short, for a person; only ever to be shown as text.
        missed: messages that were left out before this one, since the reader is slow or they come too fast.
    """

    time_ms: int
    topic: str
    kind: str
    instance: str
    seq: int
    size: int
    text: str
    missed: int = 0
