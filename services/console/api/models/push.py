"""Push (the device's "master"), and our own slave's switches."""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, UnsetType, field

from services.console.api.models.common import Answer, Ask, Words
from shared.config.master import GroupName


class PushSlave(Answer, frozen=True, kw_only=True):
    """One `[[master.slave]]`: what the settings say, and how it stands with it.

    Attributes:
        number: place in the settings, from 1.
        address: as the settings have it; the page sends it along where it changes or removes one.
        settings: the other keys of the table as they are set, e.g. `port`, `label`, `tls`, `groups`, `unit`.
        enabled: of the settings.
        name: its label, else its address.
        url: where it is and what it speaks.
        meter: whose registers it gets.
        groups: which of them.
        state: `ok`, `partly` (it refuses a group), `failing`, `untrusted` (its certificate is not accepted),
            `connecting`, `waiting` (nothing fresh to push), `disabled`, `unknown` (the pusher does not run).
        reason: the last error, in words.
        pushed_age_ms: since the last push that it confirmed; null for none.
        holds_age_ms: age of the values that it holds; null for none.
        latency_us: of the last confirmed push.
        pushes, failures, skipped, streak: counters since the pusher started; `streak` failures since the last success.
        exceptions: group -> exception code with which it is refused.
        fingerprint: of the certificate that it showed last.
    """

    number: int
    address: str
    settings: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    name: str = ""
    url: str = ""
    meter: str = ""
    groups: tuple[str, ...] = ()
    state: str = "unknown"
    reason: Words = ""
    pushed_age_ms: int | None = None
    holds_age_ms: int | None = None
    latency_us: int = 0
    pushes: int = 0
    failures: int = 0
    skipped: int = 0
    streak: int = 0
    exceptions: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""


class GroupRegisters(Answer, frozen=True, kw_only=True):
    """A register group: whether it is pushed, and what is in it.

    Attributes:
        name: of the group.
        enabled: of the settings.
        first, last: wire addresses.
        registers: names with unit, in order, e.g. `["active_power_import", "W"]`, each with its address.
    """

    name: GroupName
    enabled: bool
    first: int
    last: int
    registers: tuple["GroupRegister", ...] = ()


class GroupRegister(Answer, frozen=True, kw_only=True):
    """A row of a group."""

    address: int
    name: str
    unit: str


class Push(Answer, frozen=True, kw_only=True):
    """GET /push, and the event `pushes`.

    Attributes:
        enabled: of the settings.
        running: whether the pusher runs and said something in the last 5 s.
        interval_ms: how often; 0 for each measuring cycle.
        values: `current` or `mean`.
        groups: the four register groups; empty in the event.
        slaves: up to 10.
        most: how many there may be.
    """

    enabled: bool
    running: bool
    interval_ms: int
    values: Literal["current", "mean"]
    groups: tuple[GroupRegisters, ...] = ()
    slaves: tuple[PushSlave, ...] = ()
    most: int = 10


class PushChange(Ask, frozen=True, kw_only=True):
    """PATCH /push: what is absent stays.

    Attributes:
        enabled: push at all.
        interval_ms: 0 for each measuring cycle, else 100 or more.
        values: `current` or `mean`.
        groups: group -> whether it is pushed.
    """

    enabled: bool | UnsetType = UNSET
    interval_ms: Annotated[int, Meta(ge=0, le=86_400_000)] | UnsetType = UNSET
    values: Literal["current", "mean"] | UnsetType = UNSET
    groups: dict[GroupName, bool] | UnsetType = UNSET


Value = bool | int | float | str | list[str]


class NewSlave(Ask, frozen=True, kw_only=True):
    """POST /push/slaves: the keys of a `[[master.slave]]`; docs/push.md names them.

    Attributes:
        address: host, `host:port`, or a URL `modbus:// mbaps:// http:// https://`.
        settings: other keys, e.g. `{"port": 502, "tls": true, "label": "PLC"}`.
    """

    address: Annotated[str, Meta(min_length=1, max_length=253)]
    settings: dict[Annotated[str, Meta(max_length=32)], Value] = field(default_factory=dict)


class SlaveChange(Ask, frozen=True, kw_only=True):
    """PATCH /push/slaves/{number}.

    Attributes:
        address: as it stands now, so that no other one is changed by mistake.
        settings: keys to set; null takes one out. `address` may be among them.
    """

    address: Annotated[str, Meta(min_length=1, max_length=253)]
    settings: dict[Annotated[str, Meta(max_length=32)], Value | None]


class OfSlave(Ask, frozen=True, kw_only=True):
    """DELETE and test of /push/slaves/{number}?address=: the address as it stands now."""

    address: Annotated[str, Meta(min_length=1, max_length=253)]


class Tested(Answer, frozen=True, kw_only=True):
    """The answer of POST /push/slaves/{number}/test: what came of pushing once, in words."""

    ok: bool
    text: Words


class Slave(Answer, frozen=True, kw_only=True):
    """GET /slave: the switches of our own Modbus slave, and who would be cut off by them.

    Attributes:
        enabled: it serves.
        tls: encryption: `tls_port` is served, `port` closes.
        plain_alongside_tls: `port` stays open for reading.
        host, port, tls_port: where it listens.
        plain_clients: peers (`address:port`) on `port` now, at most 64.
        plain_connections: how many there are.
        tls_connections: on `tls_port`.
        external_control: wallbox registers may be written.
        roles: state of `plain-slave` and `tls-slave` as in Processes; empty where not known.
    """

    enabled: bool
    tls: bool
    plain_alongside_tls: bool
    host: str
    port: int
    tls_port: int
    plain_clients: tuple[str, ...] = ()
    plain_connections: int = 0
    tls_connections: int = 0
    external_control: bool = False
    roles: dict[str, str] = field(default_factory=dict)


class SlaveSwitch(Ask, frozen=True, kw_only=True):
    """PATCH /slave: what is absent stays."""

    enabled: bool | UnsetType = UNSET
    tls: bool | UnsetType = UNSET
    plain_alongside_tls: bool | UnsetType = UNSET
    external_control: bool | UnsetType = UNSET


class Applied(Answer, frozen=True, kw_only=True):
    """The answer to every change of the settings file.

    Attributes:
        revision: of the file now.
        restarts: roles that start again because of it.
        text: what follows, in words.
        warnings: what is allowed and new, but should be known, one sentence each.
    """

    revision: str
    restarts: tuple[str, ...] = ()
    text: Words = ""
    warnings: tuple[Words, ...] = ()
