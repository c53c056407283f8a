"""Rules that no single key can break: what the settings must be together."""

from collections.abc import Callable, Iterator
from ipaddress import IPv6Address, ip_address
from typing import Final

from msgspec import UNSET

from shared.config.check import Problem
from shared.config.master import GROUP_RANGES, MAX_RECEIVERS, GroupName, Target
from shared.config.model import Config, Meter


def across(config: Config) -> Iterator[Problem]:
    """Every broken rule."""
    for rule in _RULES:
        yield from rule(config)
    for index, meter in enumerate(config.meter):
        for each in _METER_RULES:
            for problem in each(meter):
                yield Problem(("meter", index, *problem.key), problem.reason)


def _unique_meters(config: Config) -> Iterator[Problem]:
    for name in ("id", "unit"):
        seen: dict[object, int] = {}
        for index, meter in enumerate(config.meter):
            value = getattr(meter, name)
            if value in seen:
                yield Problem(
                    ("meter", index, name),
                    f"is {value!r} like that of meter {seen[value] + 1}; each meter needs its own",
                )
            seen.setdefault(value, index)


def _connection_caps(config: Config) -> Iterator[Problem]:
    if config.slave.max_connections_per_address > config.slave.max_connections:
        yield Problem(
            ("slave", "max_connections_per_address"),
            f"is {config.slave.max_connections_per_address}, more than max_connections "
            f"({config.slave.max_connections}); lower it, or raise max_connections",
        )


def _encryption(config: Config) -> Iterator[Problem]:
    slave, wallbox = config.slave, config.wallbox
    if slave.plain_alongside_tls and not slave.tls:
        yield Problem(
            ("slave", "plain_alongside_tls"), "is true without slave.tls; set slave.tls = true, or take it out"
        )
    if slave.tls and slave.tls_port == slave.port:
        yield Problem(("slave", "tls_port"), f"is {slave.tls_port} like slave.port; give each its own (502 and 802)")
    if wallbox.external_control and not slave.tls:
        yield Problem(
            ("wallbox", "external_control"),
            "is true without slave.tls; a wallbox may only be steered while all connections are encrypted",
        )
    if wallbox.external_control and slave.plain_alongside_tls:
        yield Problem(
            ("wallbox", "external_control"),
            "is true beside slave.plain_alongside_tls; a wallbox may only be steered while all connections are TLS",
        )


def _role_rows(config: Config) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, row in enumerate(config.certificates.role):
        if row.name in seen:
            yield Problem(("certificates", "role", index, "name"), f"is {row.name!r} a second time; each has one row")
        seen.add(row.name)
        for name in ("read", "write"):
            for first, last in getattr(row, name):
                if first > last:
                    yield Problem(
                        ("certificates", "role", index, name), f"has [{first}, {last}]; the lower comes first"
                    )


def _master(config: Config) -> Iterator[Problem]:
    master = config.master
    if 0 < master.interval_ms < 100:
        yield Problem(("master", "interval_ms"), f"is {master.interval_ms}; 100 or more, or 0 for each measuring cycle")
    if len(master.slave) > MAX_RECEIVERS:
        yield Problem(
            ("master", "slave", MAX_RECEIVERS),
            f"is one too many: there are {len(master.slave)}, and {MAX_RECEIVERS} at most are pushed to; take some out",
        )
    meters = {meter.id for meter in config.meter}
    for index, target in enumerate(master.slave):
        for key, reason in _target(target, master.groups_of(target), meters):
            yield Problem(("master", "slave", index, key), reason)


def _target(target: Target, groups: tuple[GroupName, ...], meters: set[str]) -> Iterator[tuple[str, str]]:
    if target.meter is not UNSET and target.meter not in meters:
        yield "meter", f"is {target.meter!r}; the meters here are: {', '.join(sorted(meters)) or 'none'}"
    if target.groups is not UNSET and not target.groups:
        yield "groups", "is empty, so nothing would be pushed; name a group, or set enabled = false"
    try:
        place = target.receiver
    except ValueError as error:
        yield "address", str(error)
        return
    if place.web:
        for name, default in (("function", 16), ("base_offset", 0), ("word_order", "high_first"), ("unit", 1)):
            if getattr(target, name) != default:
                yield name, f"is of no use beside {place.scheme}://, which gets no registers; take it out"
        return
    first = min((GROUP_RANGES[name][0] for name in groups), default=0) + target.base_offset
    end = max((GROUP_RANGES[name][1] for name in groups), default=1) + target.base_offset
    if first < 0 or end > 65536:
        yield "base_offset", f"is {target.base_offset}, which moves registers to {first}-{end - 1}, outside of 0-65535"


def _receivers_once(config: Config) -> Iterator[Problem]:
    """No receiver twice, and no register written from two entries: the second would undo the first at each push."""
    master, first = config.master, next((meter.id for meter in config.meter), "")
    seen: list[tuple[int, tuple[object, ...], set[int]]] = []
    for index, target in enumerate(master.slave):
        try:
            place = target.receiver
        except ValueError:  # said by `_target`
            continue
        if not target.enabled:
            continue
        meter = first if target.meter is UNSET else target.meter
        who = (place.url, meter) if place.web else (_same(place.host), place.port, target.unit)
        registers = {0} if place.web else _written(target, master.groups_of(target))
        for before, other, taken in seen:
            if other == who and not taken.isdisjoint(registers):
                yield Problem(("master", "slave", index, "address"), _twice(target, before, registers & taken))
                break
        seen.append((index, who, registers))


def _same(host: str) -> str:
    """One spelling of an address or name that can be written in several ways."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.casefold().removesuffix(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _written(target: Target, groups: tuple[GroupName, ...]) -> set[int]:
    return {register + target.base_offset for name in groups for register in range(*GROUP_RANGES[name])}


def _twice(target: Target, before: int, registers: set[int]) -> str:
    if target.receiver.web:
        return f"is {target.address!r} like that of slave {before + 1}, for the same meter; take one of them out"
    return (
        f"is {target.address!r}, unit {target.unit}, where slave {before + 1} writes register {min(registers)} too; "
        "take one of them out, or give this one another unit, base_offset or groups"
    )


def _console(config: Config) -> Iterator[Problem]:
    console = config.console
    if console.tls == "off" and not console.is_local:
        yield Problem(
            ("console", "tls"),
            f"is 'off' beside console.host {console.host!r}: passwords would cross the network in plain; "
            "take it out for https, or set console.host = '127.0.0.1'",
        )


def _bus_hosts(config: Config) -> Iterator[Problem]:
    bus = config.bus
    names = [host.name for host in bus.host]
    if bus.transport == "tcp":
        if bus.secret_key_file is UNSET:
            yield Problem(("bus", "secret_key_file"), "is missing; `metergate bus-key FILE` makes one")
        if bus.this not in names:
            have = f"is {bus.this!r}" if bus.this is not UNSET else "is missing for transport 'tcp'"
            yield Problem(("bus", "this"), f"{have}; give the name of this host's [[bus.host]] ({', '.join(names)})")
    host_of: dict[str, str] = {}
    for index, host in enumerate(bus.host):
        for role in host.roles:
            if role in host_of:
                yield Problem(("bus", "host", index, "roles"), f"has {role!r}, which {host_of[role]!r} has already")
            host_of[role] = host.name


def _source_table(meter: Meter) -> Iterator[Problem]:
    if meter.source != "simulated" and getattr(meter, meter.source) is UNSET:
        need = {"modbus": "host", "replay": "file"}[meter.source]
        yield Problem(
            ("source",), f"is {meter.source!r}, but there is no [meter.{meter.source}]; add it with at least {need!r}"
        )


def _stale_after(meter: Meter) -> Iterator[Problem]:
    if meter.stale_after_ms < 2 * meter.cycle_ms:
        yield Problem(
            ("stale_after_s",),
            f"is {meter.stale_after_ms / 1000:g}, less than two cycles ({2 * meter.cycle_ms / 1000:g} s): "
            "every value would be stale before the next comes; raise it, or lower cycle_ms",
        )


def _numbers_once(meter: Meter) -> Iterator[Problem]:
    for name in ("group", "sensor"):
        seen: set[int] = set()
        for index, item in enumerate(getattr(meter, name)):
            if item.number in seen:
                yield Problem((name, index, "number"), f"is {item.number} a second time; each {name} has its own")
            seen.add(item.number)


_RULES: Final[tuple[Callable[[Config], Iterator[Problem]], ...]] = (
    _unique_meters,
    _connection_caps,
    _bus_hosts,
    _console,
    _encryption,
    _role_rows,
    _master,
    _receivers_once,
)
_METER_RULES: Final[tuple[Callable[[Meter], Iterator[Problem]], ...]] = (_source_table, _stale_after, _numbers_once)
