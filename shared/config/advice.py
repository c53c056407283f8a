"""What settings may say, and their owner should know all the same: nothing is refused for it."""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final

from msgspec import UNSET

from shared.config.check import Problem, dotted
from shared.config.lines import Key
from shared.config.master import Target, all_warnings, warnings
from shared.config.model import Config

_DOCUMENTATION: Final = tuple(map(ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")))
"""Addresses for examples (RFC 5737, RFC 3849), as `metergate init` writes one: nothing real has any of them."""


def advice(config: Config) -> Iterator[Problem]:
    """All of it, by section."""
    yield from of_meters(config)
    yield from of_receivers(config)


def of_meters(config: Config) -> Iterator[Problem]:
    """About `[[meter]]`."""
    for index, meter in enumerate(config.meter):
        if meter.source == "modbus" and meter.modbus is not UNSET:
            yield from _example(("meter", index, "modbus", "host"), meter.modbus.host)


def of_receivers(config: Config) -> Iterator[Problem]:
    """About each `[[master.slave]]` that is pushed to."""
    for place, target in _pushed_to(config):
        yield from _example((*place, "address"), target.receiver.host)
        yield from (Problem(place, text) for text in warnings(target))


def sentences(config: Config) -> Iterator[str]:
    """All of it, and what is known of receivers and pushing besides, each as a sentence that names what it is about."""
    for name, text in all_warnings(config.master):
        yield f"{name}: {text}" if name else text
    yield from (f"{dotted(each.key)}: {each.reason}" for each in of_meters(config))
    for place, target in _pushed_to(config):
        yield from (
            f"{dotted(each.key)}: {each.reason}" for each in _example((*place, "address"), target.receiver.host)
        )


def _pushed_to(config: Config) -> Iterator[tuple[Key, Target]]:
    if config.master.enabled:
        for index, target in enumerate(config.master.slave):
            if target.enabled:
                yield ("master", "slave", index), target


def _example(key: Key, host: str) -> Iterator[Problem]:
    try:
        address = ip_address(host)
    except ValueError:
        return
    if any(address in network for network in _DOCUMENTATION):
        yield Problem(
            key,
            f"is {host}, an address for examples, at which nothing answers; give that of yours: "
            f"`metergate config set {dotted(key)} ADDRESS`",
        )
