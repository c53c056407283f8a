"""Every message that crosses the bus, one struct each. `docs/messages.md` lists them; a test compares the two.

Adding a field with a default is compatible. Anything else is a new major: a new tag beside the old one.
"""

from typing import Annotated, Any

import msgspec
from msgspec import field

from shared.bus.message import Message, topic
from shared.bus.session_messages import Client, Sessions
from shared.bus.trust_messages import Enforced, RoleRights, Seen, Trust
from shared.clock import BOOT_ID

Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]


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
    texts: dict[str, str] = field(default_factory=dict)


class SourceState(Message, frozen=True, kw_only=True, tag="source/1", gc=False):
    """Whether a meter answers. Written by measurement at each change, and every 5 s while the counts move.

    Attributes:
        meter: meter id of the settings.
        connected: True while samples come.
        reason: what is wrong, in words.
        polls: attempts since this start: reads of a meter, frames of a recording, cycles of a simulation.
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
    device: dict[int, str] = field(default_factory=dict)


class WallboxSettings(Message, frozen=True, kw_only=True, tag="wallbox/1", gc=False):
    """What was written to the wallbox registers. Written by register-store; measurement has the wallbox obey.

    Attributes:
        meter: meter id of the settings.
        mode: 41168: 0 off, 1 lock, 2 power, 3 solar pure, 4 solar plus, 5 time; -1 while never written.
        min_pv_power_quota: 41170, %.
        min_charging_power_quota: 41172, %.
    """

    meter: str
    mode: Annotated[int, msgspec.Meta(ge=-1, le=5)] = -1
    min_pv_power_quota: Percent = 0
    min_charging_power_quota: Percent = 0


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
    data: dict[str, str | int | float | bool] = field(default_factory=dict)


class Push(msgspec.Struct, frozen=True, gc=False):
    """How it stands with one receiver of the master pusher.

    Attributes:
        number: place among `[[master.slave]]`, from 1.
        name: its label, else its address as the settings have it.
        url: where it is and what it speaks, e.g. `mbaps://plc.local:802`.
        meter: whose registers it gets.
        groups: which of them.
        state: `ok`, `partly` (it refuses a group), `failing`, `untrusted` (its certificate is not accepted),
            `connecting`, `waiting` (there is nothing fresh to push), `disabled`.
        reason: why it is not `ok`, in words.
        pushed_ns: CLOCK_BOOTTIME of the last push that it confirmed; 0 for none.
        holds_ns: time at which the source had the values that it holds; 0 for none.
        latency_us: of the last confirmed push, from the first request to the last response.
        pushes, failures: since this start. A push counts once its last response came.
        skipped: images that a newer one overtook before they could be sent.
        streak: failures since the last success.
        exceptions: group -> exception code with which it is refused.
        fingerprint: of the certificate that it showed last.
    """

    number: int
    name: str
    url: str
    meter: str
    groups: tuple[str, ...]
    state: str
    reason: str = ""
    pushed_ns: int = 0
    holds_ns: int = 0
    latency_us: int = 0
    pushes: int = 0
    failures: int = 0
    skipped: int = 0
    streak: int = 0
    exceptions: dict[str, int] = {}
    fingerprint: str = ""


class Pushes(Message, frozen=True, kw_only=True, tag="pushes/1", gc=False):
    """How it stands with every receiver. Written by master-pusher once a second and when a state changes.

    Attributes:
        interval_ms: how often is pushed; 0 for each measuring cycle.
        values: `current` or `mean`.
        slaves: one row for each `[[master.slave]]`, in their order.
    """

    interval_ms: int
    values: str
    slaves: tuple[Push, ...]


class Child(msgspec.Struct, frozen=True, gc=False):
    """One supervised process, as `metergate ps` shows it.

    Attributes:
        name: instance name.
        role: role name.
        state: `starting`, `ready`, `backoff`, `stopping`, `stopped`, `parked`, `disabled`.
        pid: 0 while there is none.
        restarts: since the supervisor started.
        asked: of these, those that a command or new settings asked for; the others follow a death or a kill.
        started_ns: CLOCK_BOOTTIME of the last start.
        rss_kib, cpu_ms: from /proc; 0 while there is no process.
        reason: why it is not ready, in words; of one that is, what its owner should know.
        queue: messages of one topic that it found waiting behind the first, the most of the last 30 s.
        pending: commands, and pushes that are due, begun and not done, the most of the last 30 s.
        missed: messages that never reached it, since its start. All three: -1 while it told nothing.
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
    queue: int = -1
    pending: int = -1
    missed: int = -1
    asked: int = 0


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
        deadline_ns: CLOCK_BOOTTIME after which the owner drops it unread; its caller waits as long, or longer.
        sent_ns: CLOCK_BOOTTIME of sending, so that another host can tell how long the deadline is.
        boot: boot id of both.
    """

    id: int
    verb: str
    args: dict[str, Any] = field(default_factory=dict)
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
    result: dict[str, Any] = field(default_factory=dict)


Published = (
    Sample | SourceState | Image | Trust | Seen | Enforced | WallboxSettings | Event | Sessions | Pushes | Processes
)
"""All that appears on an XPUB."""

__all__ = [
    "Block",
    "Child",
    "Client",
    "Command",
    "Enforced",
    "Event",
    "Image",
    "Message",
    "Processes",
    "Published",
    "Reply",
    "RoleRights",
    "Sample",
    "Seen",
    "Sessions",
    "SourceState",
    "Trust",
    "WallboxSettings",
    "topic",
]
