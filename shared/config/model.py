"""Every key of `metergate.toml`: name, type, range, default. Rules across keys are in `rules`."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType, field

from shared.config.bus import Bus
from shared.config.console import Console
from shared.config.master import Master
from shared.config.section import Host, Label, Name, Port, Register, Section, TimeOfDay, UnitId


class Gateway(Section, frozen=True):
    """`[gateway]`: where the running instance keeps its sockets and its memory.

    Attributes:
        run_dir: sockets and locks, which nobody misses after a reboot. METERGATE_RUN_DIR overrides.
        state_dir: what survives a restart: energy counters. METERGATE_STATE_DIR overrides.
    """

    run_dir: Path = Path("run")
    state_dir: Path = Path("state")


class Simulated(Section, frozen=True):
    """`[meter.simulated]`: an invented household. Announces itself as SIMULATION in the model strings.

    Attributes:
        seed: the same seed gives the same household.
        start: time of day at which it starts; without it, the wall clock's.
        speed: how many simulated seconds pass in one.
        pv_kwp: peak power of the solar roof, kW; 0 for none.
        battery_kwh: capacity of the battery, kWh; 0 for none.
        wallbox_kw: largest charging power, kW; 0 for none.
    """

    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 1
    start: TimeOfDay | UnsetType = UNSET
    speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0
    pv_kwp: Annotated[float, Meta(ge=0, le=1_000)] = 9.8
    battery_kwh: Annotated[float, Meta(ge=0, le=10_000)] = 10.0
    wallbox_kw: Annotated[float, Meta(ge=0, le=350)] = 11.0


class Modbus(Section, frozen=True):
    """`[meter.modbus]`: a real meter on Modbus TCP.

    Attributes:
        profile: name of a shipped profile (`ksem`, `sunspec`) or path of a TOML file of your own.
        host: name or address at which the meter answers.
        port: TCP port at which it answers.
        unit: Modbus unit id under which it answers.
        timeout_s: for one request.
        tls: Modbus/TCP Security (usually port 802); the meter's certificate is listed and must be accepted once.
    """

    host: Host
    profile: Annotated[str, Meta(min_length=1)] = "ksem"
    port: Port = 502
    unit: UnitId = 1
    timeout_s: Annotated[float, Meta(ge=0.05, le=60)] = 1.0
    tls: bool = False


class Replay(Section, frozen=True):
    """`[meter.replay]`: a recording instead of a meter.

    Attributes:
        file: a CSV file, or a recording made by `metergate tap --record`.
        speed: 1 as recorded, 10 ten times as fast.
        loop: start again at the end; otherwise the last value grows old.
        meter: which meter of the recording; without it the only one.
    """

    file: Path
    speed: Annotated[float, Meta(gt=0, le=10_000)] = 1.0
    loop: bool = False
    meter: Name | UnsetType = UNSET


class Identity(Section, frozen=True):
    """`[meter.identity]`: what the meter calls itself on the wire. Absent keys: what the source says.

    Attributes:
        manufacturer: who made it, at most 32 bytes in UTF-8.
        model: what it is, likewise.
        version: of its firmware, at most 16 bytes.
        serial_number: its own, at most 32 bytes.
    """

    manufacturer: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET
    model: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET
    version: Annotated[str, Meta(max_length=16)] | UnsetType = UNSET
    serial_number: Annotated[str, Meta(max_length=32)] | UnsetType = UNSET


class Group(Section, frozen=True):
    """`[[meter.group]]`: one of 48 groups, 40 registers from 59392 + 40 * (number - 1).

    Attributes:
        number: which of the groups.
        label: its name for clients; at most 8 bytes are shown in the register.
    """

    number: Annotated[int, Meta(ge=1, le=48)]
    label: Label = ""


class Sensor(Section, frozen=True):
    """`[[meter.sensor]]`: one of 96 sensors, 40 registers from 61440 + 40 * (number - 1).

    Attributes:
        number: which of the sensors.
        label: its name for clients; at most 8 bytes are shown in the register.
        serial_and_index: the register's number, free to choose.
        phase: 1 to 3, 0 where it has none.
    """

    number: Annotated[int, Meta(ge=1, le=96)]
    label: Label = ""
    serial_and_index: Annotated[int, Meta(ge=0, le=2**63 - 1)] = 0
    phase: Annotated[int, Meta(ge=0, le=3)] = 0


class Meter(Section, frozen=True):
    """`[[meter]]`: one meter. The only section without which nothing live is served.

    Attributes:
        id: name on the bus and in files.
        unit: Modbus unit id; selects the meter where several are configured.
        source: which of the tables below feeds it.
        cycle_ms: how often it is measured, ms.
        stale_after_s: age in seconds from which live registers get exception 04; without it max(5 s, 3 cycles).
        sunspec_layout: `2.6` as firmware 2.6 and later (end model at 40177), `2.5` as before (from 40070 one lower).
        max_power_kw: a power beyond it, or an energy step that would need it, is taken for a fault of the source.
    """

    id: Name
    source: Literal["simulated", "modbus", "replay"]
    unit: UnitId = 1
    cycle_ms: Annotated[int, Meta(ge=100, le=300_000)] = 200
    stale_after_s: Annotated[float, Meta(ge=2, le=900)] | UnsetType = UNSET
    sunspec_layout: Literal["2.6", "2.5"] = "2.6"
    max_power_kw: Annotated[float, Meta(gt=0, le=400_000)] = 1_000.0
    simulated: Simulated | UnsetType = UNSET
    modbus: Modbus | UnsetType = UNSET
    replay: Replay | UnsetType = UNSET
    identity: Identity = field(default_factory=Identity)
    group: tuple[Group, ...] = ()
    sensor: tuple[Sensor, ...] = ()

    @property
    def stale_after_ms(self) -> int:
        """Age from which live registers are no longer served, ms; see `stale_after_s` for the default."""
        seconds = max(5.0, 3 * self.cycle_ms / 1000) if self.stale_after_s is UNSET else self.stale_after_s
        return round(seconds * 1000)


class Slave(Section, frozen=True):
    """`[slave]`: the Modbus slave, plain on one port or with TLS on another.

    Attributes:
        enabled: whether it runs.
        tls: serve Modbus/TCP Security on `tls_port`; closes `port` for everybody, as on the device.
        plain_alongside_tls: keep `port` open all the same, for reading only.
        host: where it listens; `::` for IPv6 and IPv4.
        port: TCP port on which it listens in plain.
        tls_port: TCP port on which it listens with TLS.
        workers: processes that share each port.
        max_connections: in all; one more is refused, unless one that has asked nothing yet for 10 s makes room.
        max_connections_per_address: of one client; one more is refused.
        idle_timeout_s: a connection without a request for so long is closed; 0 for never.
        handshakes_per_s: more TLS handshakes than that, from all clients, wait or are refused.
        handshakes_per_s_per_address: the same for one client.
    """

    enabled: bool = True
    tls: bool = False
    plain_alongside_tls: bool = False
    host: Host = "0.0.0.0"
    port: Port = 502
    tls_port: Port = 802
    workers: Annotated[int, Meta(ge=1, le=16)] = 1
    max_connections: Annotated[int, Meta(ge=1, le=60_000)] = 256
    max_connections_per_address: Annotated[int, Meta(ge=1, le=60_000)] = 64
    idle_timeout_s: Annotated[float, Meta(ge=0, le=86_400)] = 600.0
    handshakes_per_s: Annotated[float, Meta(gt=0, le=10_000)] = 100.0
    handshakes_per_s_per_address: Annotated[float, Meta(gt=0, le=10_000)] = 10.0


class RoleRow(Section, frozen=True):
    """`[[certificates.role]]`: what a role in a certificate may do, within what Accept granted.

    Attributes:
        name: the whole text of the certificate's role; "" for certificates without one.
        functions: Modbus function codes.
        read, write: lists of [first, last] register addresses.
    """

    name: Annotated[str, Meta(max_length=64)]
    functions: tuple[Annotated[int, Meta(ge=1, le=127)], ...] = (3, 4, 43)
    read: tuple[tuple[Register, Register], ...] = ((0, 65535),)
    write: tuple[tuple[Register, Register], ...] = ()


class Certificates(Section, frozen=True):
    """`[certificates]`: own keys and the certificates of others.

    Attributes:
        keys_dir: own keys and certificates; METERGATE_KEYS_DIR overrides.
        ca_dir: PEM files of authorities whose client certificates are served without being accepted one by one.
        names: host names and IP addresses that go into own certificates; empty: this host's name.
        own_role: role text in own certificates; empty for none.
        warn_days: a certificate that ends within so many days is warned about.
        role: the rights table. Without any row of yours, the shipped rows count, see docs/certificates.md.
    """

    keys_dir: Path = Path("keys")
    ca_dir: Path = Path("ca")
    names: tuple[Host, ...] = ()
    own_role: Annotated[str, Meta(max_length=64)] = ""
    warn_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    role: tuple[RoleRow, ...] = ()


class Wallbox(Section, frozen=True):
    """`[wallbox]`: the wallbox behind the meter.

    Attributes:
        present: one is attached, so that its block 49206-49261 exists.
        external_control: its registers 41168-41172 may be written, over TLS only; needs `slave.tls`.
    """

    present: bool = False
    external_control: bool = False


class Supervisor(Section, frozen=True):
    """`[supervisor]`: how failures are handled.

    Attributes:
        beat_timeout_s: a role whose loop is silent for so long is killed and started again.
        stop_timeout_s: how long a role may take to end before it is killed.
        max_deaths_per_minute: over it a role is parked or the supervisor gives up, by role.
    """

    beat_timeout_s: Annotated[float, Meta(ge=0.3, le=60)] = 3.0
    stop_timeout_s: Annotated[float, Meta(ge=0.1, le=60)] = 5.0
    max_deaths_per_minute: Annotated[int, Meta(ge=1, le=100_000)] = 10


class Log(Section, frozen=True):
    """`[log]`: how much is written to standard error, and in which shape.

    Attributes:
        level: lines of this weight and above.
        format: `console` for people, `json` for programs; `auto` is colours at a terminal, JSON elsewhere.
    """

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "console"] = "auto"


class Config(Section, frozen=True):
    """The whole file. Paths in it are relative to its folder and absolute once loaded."""

    gateway: Gateway = field(default_factory=Gateway)
    bus: Bus = field(default_factory=Bus)
    meter: tuple[Meter, ...] = ()
    slave: Slave = field(default_factory=Slave)
    master: Master = field(default_factory=Master)
    certificates: Certificates = field(default_factory=Certificates)
    wallbox: Wallbox = field(default_factory=Wallbox)
    console: Console = field(default_factory=Console)
    supervisor: Supervisor = field(default_factory=Supervisor)
    log: Log = field(default_factory=Log)
