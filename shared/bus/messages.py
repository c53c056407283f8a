"""Every message that crosses the bus, one struct each. `docs/messages.md` lists them; a test compares the two.

Adding a field with a default is compatible. Anything else is a new major: a new tag beside the old one.
"""

from typing import Any

import msgspec

from shared.clock import BOOT_ID


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", gc=False):
    """Fields that each message carries.

    Attributes:
        src: instance that wrote it, e.g. `measurement` or `plain-slave.2`.
        gen: generation of the writer; rises at each of its starts.
        seq: rises by one with each message of that writer and topic.
        t_ns: CLOCK_BOOTTIME in ns. For data the time at which the *source* had it, which nobody downstream re-stamps.
        boot: boot id under which `t_ns` was read.
    """

    src: str
    gen: int
    seq: int
    t_ns: int
    boot: str = BOOT_ID

    @property
    def version(self) -> tuple[int, int]:
        """What a replica compares: a larger one is newer."""
        return (self.gen, self.seq)


class Sample(Message, frozen=True, kw_only=True, tag="sample/1", gc=False):
    """One measurement of one meter, all quantities of the same moment. Written by measurement.

    Attributes:
        meter: meter id of the settings.
        values: quantity name -> value in SI base units (W, var, VA, A, V, Hz, ratio, Wh, %). Import is positive.
            A name that is absent is one that this source never gives. See `shared.registers.quantities`.
        source: kind of the source (`simulated`, `modbus`, `replay`).
        simulated: True where the values are invented.
        period_ms: cycle of the source.
        derived: names in `values` that were computed here, not given by the source.
        texts: identity of the meter as its source tells it (manufacturer, model, serial_number, ...).
    """

    meter: str
    values: dict[str, float]
    source: str = ""
    simulated: bool = False
    period_ms: int = 0
    derived: tuple[str, ...] = ()
    texts: dict[str, str] = {}


class SourceState(Message, frozen=True, kw_only=True, tag="source/1", gc=False):
    """Whether a meter answers. Written by measurement at each change.

    Attributes:
        meter: meter id of the settings.
        connected: True while samples come.
        reason: what is wrong, in words.
        polls: attempts since this start.
        failures: of these without a sample.
    """

    meter: str
    connected: bool
    reason: str = ""
    polls: int = 0
    failures: int = 0


class Block(msgspec.Struct, frozen=True, gc=False):
    """A run of registers that exists on the wire; outside of all blocks a read gets exception 02.

    Attributes:
        start: wire address of the first register.
        data: big-endian register bytes, two per register.
        stale: what is served instead once the image is stale; empty where `data` stays valid.
        live: [first, end) address ranges that get exception 04 once the image is stale.
        unknown: [first, end) address ranges that get exception 04 now: never known so far.
        writable: [first, end) address ranges that accept functions 6 and 16 where the peer may write.
    """

    start: int
    data: bytes
    stale: bytes = b""
    live: tuple[tuple[int, int], ...] = ()
    unknown: tuple[tuple[int, int], ...] = ()
    writable: tuple[tuple[int, int], ...] = ()


class Image(Message, frozen=True, kw_only=True, tag="image/1", gc=False):
    """The whole register image of one meter. Written by register-store, never as a delta.

    Attributes:
        meter: meter id of the settings.
        unit: Modbus unit id that selects this meter where several are configured.
        t_ns: time at which the source had the sample; 0 before the first one.
        stale_after_ms: age from which live registers are no longer served.
        blocks: ascending, never overlapping.
        device: object id -> text for function 43/14.
    """

    meter: str
    unit: int
    stale_after_ms: int
    blocks: tuple[Block, ...]
    device: dict[int, str] = {}


class Event(Message, frozen=True, kw_only=True, tag="event/1", gc=False):
    """Something that happened once and that an owner wants to know: counter correction, damaged journal, restart.

    Attributes:
        kind: dotted name, e.g. `counter.held`, `child.exited`.
        level: `info`, `warning` or `error`.
        text: one sentence for a person.
        data: details for a machine.
    """

    kind: str
    text: str
    level: str = "info"
    data: dict[str, str | int | float | bool] = {}


class Sessions(Message, frozen=True, kw_only=True, tag="sessions/1", gc=False):
    """What a slave is doing. Written by each slave instance once a second.

    Attributes:
        port: listening port, 0 where none.
        connections: open now.
        accepted, refused, requests, exceptions, framing_errors: counters since this start.
        clients: address -> requests since connect, for at most 64 open connections.
    """

    port: int
    connections: int
    accepted: int = 0
    refused: int = 0
    requests: int = 0
    exceptions: int = 0
    framing_errors: int = 0
    clients: dict[str, int] = {}


class Child(msgspec.Struct, frozen=True, gc=False):
    """One supervised process, as `metergate ps` shows it.

    Attributes:
        name: instance name.
        role: role name.
        state: `starting`, `ready`, `backoff`, `stopping`, `stopped`, `parked`, `disabled`.
        pid: 0 while there is none.
        restarts: since the supervisor started.
        started_ns: CLOCK_BOOTTIME of the last start.
        rss_kib, cpu_ms: from /proc; 0 while there is no process.
        reason: why it is not ready, in words; of one that is, what its owner should know.
    """

    name: str
    role: str
    state: str
    pid: int = 0
    restarts: int = 0
    started_ns: int = 0
    rss_kib: int = 0
    cpu_ms: int = 0
    reason: str = ""


class Processes(Message, frozen=True, kw_only=True, tag="processes/1", gc=False):
    """The children of one supervisor. Written at each change and every two seconds.

    Attributes:
        children: one row each.
        config_error: what is wrong with the settings file now; empty while it is valid.
        config_pending: what changed in it and needs a restart of the supervisor itself.
    """

    children: tuple[Child, ...]
    config_error: str = ""
    config_pending: str = ""


class Command(msgspec.Struct, frozen=True, kw_only=True, tag="command/1", tag_field="type", gc=False):
    """A request to the owner of some state.

    Attributes:
        id: chosen by the caller, echoed in the reply.
        verb: what to do, e.g. `restart`.
        args: details by name.
        deadline_ns: CLOCK_BOOTTIME after which the owner drops it unread, since the caller has given up.
        sent_ns: CLOCK_BOOTTIME of sending, so that another host can tell how long the deadline is.
        boot: boot id of both.
    """

    id: int
    verb: str
    args: dict[str, Any] = {}
    deadline_ns: int
    sent_ns: int = 0
    boot: str = BOOT_ID


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag="reply/1", tag_field="type", gc=False):
    """The answer to one command.

    Attributes:
        id: of the command.
        ok: whether it was done.
        error: one sentence where it was not.
        result: details by name.
    """

    id: int
    ok: bool
    error: str = ""
    result: dict[str, Any] = {}


Published = Sample | SourceState | Image | Event | Sessions | Processes
"""All that appears on an XPUB."""


def topic(kind: type[Message], key: str = "") -> bytes:
    """Topic of a published message: its tag without the version, then the key, e.g. `image/house`."""
    tag = str(kind.__struct_config__.tag)
    return f"{tag.partition('/')[0]}/{key}".encode()
