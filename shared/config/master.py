"""`[master]` of the settings: what is pushed, how often, and to whom. Part of `model`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from msgspec import UNSET, Meta, UnsetType, field

from shared.config.receiver import Receiver, receiver
from shared.config.section import Label, Name, Port, Section, UnitId

GroupName = Literal["instantaneous_total", "instantaneous_phases", "energy_total", "energy_phases"]
GROUP_RANGES: Final[dict[GroupName, tuple[int, int]]] = {
    "instantaneous_total": (0, 28),
    "instantaneous_phases": (40, 146),
    "energy_total": (512, 552),
    "energy_phases": (592, 792),
}
"""Register ranges [first, end) that the device's manual gives to the groups; they alone decide what is in one."""
MAX_RECEIVERS: Final = 10
"""As many as the device has."""
_TRIAL_MARGIN_S: Final = 2.0
_LONGEST_TRIAL_S: Final = 60.0
"""Proxies before the page wait no longer for an answer."""
_REQUESTS: Final = {16: 8, 6: 400}
"""By function: somewhat more than all groups take."""


class MasterGroups(Section, frozen=True):
    """`[master.groups]`: which registers are pushed. Identity and SunSpec never are.

    Attributes:
        instantaneous_total: current values in sum, registers 0-27.
        instantaneous_phases: current values of the phases, registers 40-145.
        energy_total: energy counters in sum, registers 512-551.
        energy_phases: energy counters of the phases, registers 592-791.
    """

    instantaneous_total: bool = True
    instantaneous_phases: bool = True
    energy_total: bool = True
    energy_phases: bool = True

    @property
    def names(self) -> tuple[GroupName, ...]:
        """Those that are on, by address."""
        every: tuple[GroupName, ...] = get_args(GroupName)
        return tuple(name for name in every if getattr(self, name))


class Target(Section, frozen=True):
    """`[[master.slave]]`: a receiver, ten at most: a Modbus slave, or a web service.

    Attributes:
        address: IP address, host name, or URL: modbus://HOST:PORT, mbaps://HOST:PORT (TLS), http://..., https://...
        port: TCP port, where the address names none; without it 502, with TLS 802.
        label: a name for people.
        enabled: whether it is pushed to.
        tls: Modbus/TCP Security; the slave's certificate is listed and must be accepted once.
        unit: its Modbus unit id.
        meter: id of the meter whose registers it gets; without it the first.
        groups: which registers it gets; without it those of [master.groups].
        function: 16 writes whole values; 6 writes one register at a time, which cuts values in two: only for slaves
            that know nothing else.
        base_offset: added to each register's address.
        word_order: of values that are longer than a register; `high_first` as on the KSEM.
        timeout_s: for a connection, and for each response.
        only_changes: send only groups whose registers have changed.
        refresh_s: with only_changes: everything again after so many seconds.
        token_file: web service only: file with a token, sent as `Authorization: Bearer`.
        hmac_file: web service only: file with a key, by which each message is signed (HMAC-SHA256).
    """

    address: Annotated[str, Meta(min_length=1, max_length=2048)]
    port: Port | UnsetType = UNSET
    label: Label = ""
    enabled: bool = True
    tls: bool = False
    unit: UnitId = 1
    meter: Name | UnsetType = UNSET
    groups: tuple[GroupName, ...] | UnsetType = UNSET
    function: Literal[16, 6] = 16
    base_offset: Annotated[int, Meta(ge=-65535, le=65535)] = 0
    word_order: Literal["high_first", "low_first"] = "high_first"
    timeout_s: Annotated[float, Meta(ge=0.05, le=60)] = 1.0
    only_changes: bool = False
    refresh_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    token_file: Path | UnsetType = UNSET
    hmac_file: Path | UnsetType = UNSET

    @property
    def receiver(self) -> Receiver:
        """Where it is and what it speaks. ValueError for what `rules` refuses."""
        return receiver(self.address, None if self.port is UNSET else self.port, tls=self.tls)

    @property
    def name(self) -> str:
        """What a person calls it."""
        return self.label or self.address

    @property
    def trial_s(self) -> float:
        """How long whoever has it tried waits for the words about that: connection, handshake and requests together."""
        return min(self.timeout_s * (2 + _REQUESTS[self.function]) + _TRIAL_MARGIN_S, _LONGEST_TRIAL_S)


class Master(Section, frozen=True):
    """`[master]`: pushes the registers into up to ten slaves.

    Attributes:
        enabled: whether it runs.
        interval_ms: how often, 100 to 86400000; 0: after each measuring cycle.
        values: `current` those of the newest cycle; `mean` the mean over the interval (energies are never averaged).
        groups: for slaves that do not name their own.
        slave: the receivers.
    """

    enabled: bool = False
    interval_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    values: Literal["current", "mean"] = "current"
    groups: MasterGroups = field(default_factory=MasterGroups)
    slave: tuple[Target, ...] = ()

    def groups_of(self, target: Target) -> tuple[GroupName, ...]:
        """What that receiver gets, by address."""
        chosen = target.groups
        return self.groups.names if chosen is UNSET else tuple(n for n in get_args(GroupName) if n in chosen)


def all_warnings(master: Master) -> Iterator[tuple[str, str]]:
    """What is allowed, but should be known: the name of the receiver that it is about, empty for all; and the words."""
    if master.values == "mean" and not master.interval_ms:
        yield "", "mean values count only with an interval: each cycle is pushed as it is; set master.interval_ms"
    for settings in master.slave:
        for text in warnings(settings):
            yield settings.name, text


def warnings(settings: Target) -> Iterator[str]:
    """What is allowed of a receiver, but should be known."""
    if settings.function == 6:
        yield "function 6 writes one register at a time, so that a reader may see values cut in two; use 16 if it can"
    secrets = settings.token_file is not UNSET or settings.hmac_file is not UNSET
    if secrets and not settings.receiver.web:
        yield "token_file and hmac_file are for web services; a Modbus slave is never told them"
    if settings.receiver.scheme == "http" and settings.token_file is not UNSET:
        yield "the token goes over the network unencrypted; use https://"
