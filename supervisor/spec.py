"""The roles as the supervisor knows them: by name, and by what each needs of the settings. No role is imported here.

The order of `ROLES` is the way of the data, and the order of starting. Stopping goes by `stop_stage`: first who serves
clients, last who measures, so that nobody serves while its source is already gone, and the register store still
writes its counters after the last sample was taken.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from msgspec import UNSET, Struct
from msgspec.structs import replace

from shared.config.model import Config, Identity, Meter, Slave
from shared.errors import RefusedError

OverBudget = Literal["escalate", "park"]


class Listen(Struct, frozen=True):
    """A listening socket that the supervisor holds for a role.

    Attributes:
        host: address or name, `::` for IPv6 and IPv4.
        port: TCP port.
        shared: several processes accept on this port, each with a socket of its own (SO_REUSEPORT).
        key: the setting of the port, for messages.
    """

    host: str
    port: int
    shared: bool = False
    key: str = "slave.port"


def _one(_: Config) -> int:
    return 1


def _always(_: Config) -> bool:
    return True


def _uses_tls(config: Config) -> bool:
    """Whether any role speaks TLS, in either direction."""
    return (
        (config.slave.enabled and config.slave.tls)
        or any(_is_tls(meter) for meter in config.meter)
        or (config.master.enabled and any(target.enabled and target.receiver.tls for target in config.master.slave))
    )


def _is_tls(meter: Meter) -> bool:
    return meter.source == "modbus" and meter.modbus is not UNSET and meter.modbus.tls


def _no_files(_: Config) -> tuple[Path, ...]:
    return ()


def _source_files(config: Config) -> Iterator[Path]:
    """Profiles that are files, and recordings."""
    for meter in config.meter:
        if meter.source == "modbus" and meter.modbus is not UNSET and meter.modbus.profile.endswith(".toml"):
            yield Path(meter.modbus.profile)
        elif meter.source == "replay" and meter.replay is not UNSET:
            yield meter.replay.file


def _nothing_else(_: Config) -> tuple[str, ...]:
    return ()


def _source_modules(config: Config) -> Iterator[str]:
    for meter in config.meter:
        yield f"services.measurement.{meter.source}.source"
        if _is_tls(meter):
            yield from ("services.measurement.modbus.tls_wire", "shared.tls.outward")
        elif meter.source == "modbus":
            yield "services.measurement.modbus.plain_wire"


def _receiver_modules(config: Config) -> Iterator[str]:
    receivers = [target.receiver for target in config.master.slave]
    if any(receiver.web for receiver in receivers):
        yield "services.master_pusher.web"
    if any(receiver.tls for receiver in receivers):
        yield "shared.tls.outward"


def _nowhere(_: Config) -> None:
    return None


class RoleSpec(Struct, frozen=True, kw_only=True):
    """What there is to know of a role.

    Attributes:
        name: on the command line, in compose and on the bus.
        module: package of the role; `python -m <module>` runs it, `<module>.actor` holds its `ACTOR`.
        needs: the settings that this role reads, and where it listens. Where they change, this role is started again
            and no other.
        verifier: module that checks the files named there, see `shared.verify`; empty where there are none.
        files: those files; a change of one may be the cure of what is refused or parked.
        enabled: whether it runs at all.
        workers: how many processes.
        loads: what it imports under these settings besides its actor, see `forkserver`.
        listen: where it accepts connections, if anywhere.
        over_budget: what happens when it dies too often: the whole supervisor gives up, or this role is parked.
        stop_stage: all roles of a lower stage have ended before this one is asked to.
    """

    name: str
    module: str
    needs: Callable[[Config], Any]
    verifier: str = ""
    files: Callable[[Config], Iterable[Path]] = _no_files
    enabled: Callable[[Config], bool] = _always
    workers: Callable[[Config], int] = _one
    loads: Callable[[Config], Iterable[str]] = _nothing_else
    listen: Callable[[Config], Listen | None] = _nowhere
    over_budget: OverBudget = "escalate"
    stop_stage: int = 1

    def instances(self, config: Config) -> tuple[str, ...]:
        """Names of its processes: `plain-slave`, `plain-slave.2`, ..."""
        count = self.workers(config) if self.enabled(config) else 1
        return (self.name, *(f"{self.name}.{number}" for number in range(2, count + 1)))


def _source_side(meter: Meter) -> Meter:
    """What measurement reads of a meter: not how it is shown to clients."""
    return replace(meter, unit=1, sunspec_layout="2.6", identity=Identity(), group=(), sensor=())


def _register_side(meter: Meter) -> Meter:
    """What the register store reads of a meter: not where it is reached."""
    return replace(meter, simulated=UNSET, modbus=UNSET, replay=UNSET)


def _far_workers(config: Config) -> int:
    """How many slaves on other hosts are asked whether they obeyed; on one host they are found by their locks."""
    return 1 if config.bus.transport == "ipc" else config.slave.workers


def _connection_limits(slave: Slave) -> tuple[float, ...]:
    """What either slave reads of it, besides where it listens."""
    return slave.max_connections, slave.max_connections_per_address, slave.idle_timeout_s


def _handshake_limits(slave: Slave) -> tuple[float, ...]:
    return slave.handshakes_per_s, slave.handshakes_per_s_per_address


def _tls_listen(config: Config) -> Listen:
    slave = config.slave
    return Listen(slave.host, slave.tls_port, shared=slave.workers > 1, key="slave.tls_port")


def _plain_listen(config: Config) -> Listen:
    slave = config.slave
    return Listen(slave.host, slave.port, shared=slave.workers > 1)


MEASUREMENT: Final = RoleSpec(
    name="measurement",
    module="services.measurement",
    needs=lambda config: (
        [_source_side(meter) for meter in config.meter],
        config.certificates.keys_dir if any(_is_tls(meter) for meter in config.meter) else None,
    ),
    verifier="services.measurement.verify",
    files=_source_files,
    loads=_source_modules,
    stop_stage=3,
)

REGISTER_STORE: Final = RoleSpec(
    name="register-store",
    module="services.register_store",
    needs=lambda config: ([_register_side(meter) for meter in config.meter], config.wallbox),
    stop_stage=4,
)

PLAIN_SLAVE: Final = RoleSpec(
    name="plain-slave",
    module="services.plain_slave",
    needs=lambda config: (
        _plain_listen(config),
        _connection_limits(config.slave),
        [(meter.id, meter.unit) for meter in config.meter],
    ),
    enabled=lambda config: config.slave.enabled and (not config.slave.tls or config.slave.plain_alongside_tls),
    workers=lambda config: config.slave.workers,
    listen=_plain_listen,
    stop_stage=1,
)

TLS_SLAVE: Final = RoleSpec(
    name="tls-slave",
    module="services.tls_slave",
    needs=lambda config: (
        _tls_listen(config),
        _connection_limits(config.slave),
        _handshake_limits(config.slave),
        config.wallbox.external_control,
        config.certificates.keys_dir,
        [(meter.id, meter.unit) for meter in config.meter],
    ),
    enabled=lambda config: config.slave.enabled and config.slave.tls,
    workers=lambda config: config.slave.workers,
    listen=_tls_listen,
    stop_stage=1,
)

MASTER_PUSHER: Final = RoleSpec(
    name="master-pusher",
    module="services.master_pusher",
    needs=lambda config: (config.master, config.certificates.keys_dir, [meter.id for meter in config.meter]),
    enabled=lambda config: config.master.enabled,
    loads=_receiver_modules,
    over_budget="park",
    stop_stage=1,
)

CERTIFICATE_MANAGER: Final = RoleSpec(
    name="certificate-manager",
    module="services.certificate_manager",
    needs=lambda config: (config.certificates, config.wallbox.external_control, _far_workers(config)),
    enabled=_uses_tls,
    stop_stage=4,
)

CONSOLE: Final = RoleSpec(
    name="console",
    module="services.console",
    needs=lambda config: config.console,
    enabled=lambda config: config.console.enabled,
    loads=lambda config: ("services.console.security.certificate",) if config.console.https else (),
    listen=lambda config: Listen(config.console.host, config.console.port, key="console.port"),
    over_budget="park",
    stop_stage=1,
)

ROLES: Final = (CERTIFICATE_MANAGER, MEASUREMENT, REGISTER_STORE, PLAIN_SLAVE, TLS_SLAVE, MASTER_PUSHER, CONSOLE)


def modules_of(specs: Iterable[RoleSpec], config: Config) -> tuple[str, ...]:
    """What those of these roles import that run, each once."""
    found = (name for spec in specs if spec.enabled(config) for name in (f"{spec.module}.actor", *spec.loads(config)))
    return tuple(dict.fromkeys(found))


def verifiers(specs: Iterable[RoleSpec], old: Config | None, new: Config) -> tuple[str, ...]:
    """The modules that check `new`: of roles that run and that these settings concern, all of them where `old` is None.

    Only those: what was wrong before must not keep another role from its settings.
    """
    return tuple(
        spec.verifier
        for spec in specs
        if spec.verifier and spec.enabled(new) and (old is None or spec.needs(old) != spec.needs(new))
    )


def files_of(specs: Iterable[RoleSpec], config: Config) -> tuple[Path, ...]:
    """The files that these settings name for roles that run, each once."""
    return tuple(dict.fromkeys(path for spec in specs if spec.enabled(config) for path in spec.files(config)))


class Effect(Struct, frozen=True):
    """What a change of the settings does to roles.

    Attributes:
        restarts: start again with other settings.
        starts: did not run, and start.
        stops: are disabled from then on.
    """

    restarts: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


def effect(specs: Iterable[RoleSpec], old: Config, new: Config) -> Effect:
    """By the settings alone."""
    before = {spec.name: spec for spec in specs if spec.enabled(old)}
    after = {spec.name: spec for spec in specs if spec.enabled(new)}
    return Effect(
        restarts=tuple(name for name, spec in after.items() if name in before and spec.needs(old) != spec.needs(new)),
        starts=tuple(name for name in after if name not in before),
        stops=tuple(name for name in before if name not in after),
    )


def named(names: list[str], specs: tuple[RoleSpec, ...] = ROLES) -> tuple[RoleSpec, ...]:
    """The specs of these roles, each once, in the order given.

    Raises:
        RefusedError: one of the names is no role.
    """
    known = {spec.name: spec for spec in specs}
    for name in names:
        if name not in known:
            raise RefusedError(f"{name!r} is no role; the roles are: {' '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names))
