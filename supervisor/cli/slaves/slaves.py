"""`metergate slaves`: the receivers of the master pusher: show how they stand, add one, delete one, try one."""

import json
from typing import Any, Final

import click
import msgspec
from msgspec import UNSET

from shared import clock
from shared.bus.endpoints import endpoints_of, is_held
from shared.bus.messages import Push, Pushes
from shared.config.load import find, load
from shared.config.master import GROUP_RANGES, Target, warnings
from shared.config.model import Config
from shared.config.receivers_edit import add_receiver, delete_receiver
from shared.errors import RefusedError
from supervisor.cli.common import config_option
from supervisor.cli.latest import latest
from supervisor.cli.slaves.trial import try_receiver
from supervisor.cli.table import by_state

PUSHER: Final = "master-pusher"
_COLOUR: Final = {"ok": "green", "connecting": "yellow", "waiting": "yellow", "partly": "yellow", "disabled": "white"}
_HEADINGS: Final = ("NO", "NAME", "RECEIVER", "METER", "STATE", "LAST", "HOLDS", "TOOK", "FAILED", "REASON")


@click.group()
def slaves() -> None:
    """The slaves and web services that the registers are pushed to: at most ten."""


@slaves.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def list_(*, as_json: bool, config: str | None) -> None:
    """Show every receiver: where it is, how it stands, what it holds, and what is wrong in words.

    LAST: since its last confirmed push. HOLDS: age of the values that it holds. TOOK: how long the last push took.
    """
    loaded = load(find(config))
    rows = _rows(loaded)
    if as_json:
        click.echo(json.dumps([_plain(row) for row in rows], indent=1))
        return
    master = loaded.master
    how = f"every {master.interval_ms} ms, {master.values} values" if master.interval_ms else "after each cycle"
    click.echo(f"pushing is {f'on: {how}' if master.enabled else 'off: `metergate config set master.enabled true`'}")
    click.echo(
        by_state(_HEADINGS, [_cells(push) for push in rows], _COLOUR)
        if rows
        else "no receiver; add one with `metergate slaves add ADDRESS`"
    )


@slaves.command()
@click.argument("address")
@click.option("--port", type=click.IntRange(1, 65535), help="TCP port; 502, with TLS 802.")
@click.option("--label", help="A name for people.")
@click.option("--unit", type=click.IntRange(0, 255), help="Modbus unit id; default 1.")
@click.option("--meter", help="Id of the meter whose registers it gets; default the first.")
@click.option("--tls", is_flag=True, help="Modbus/TCP Security.")
@click.option("--group", "groups", multiple=True, type=click.Choice(list(GROUP_RANGES)), help="Only this; repeatable.")
@click.option("--function", type=click.Choice(["16", "6"]), help="6 only for slaves that know nothing else.")
@click.option("--base-offset", type=int, help="Added to each register's address.")
@click.option("--word-order", type=click.Choice(["high_first", "low_first"]), help="Of values over several registers.")
@click.option("--timeout-s", type=float, help="For a connection, and for each response; default 1.")
@click.option("--only-changes", is_flag=True, help="Send only groups that have changed.")
@click.option("--refresh-s", type=float, help="With --only-changes: everything again after so long; default 60.")
@click.option("--token-file", type=click.Path(), help="Web service: file with a bearer token.")
@click.option("--hmac-file", type=click.Path(), help="Web service: file with a key that signs each message.")
@click.option("--disabled", is_flag=True, help="Add it, but do not push to it yet.")
@config_option
def add(*, address: str, config: str | None, groups: tuple[str, ...], disabled: bool, **given: Any) -> None:
    """Add a receiver.

    ADDRESS is an IP address, a host name, or a URL: modbus://HOST:PORT, mbaps://HOST:PORT (TLS), http(s)://... for a
    web service that takes JSON.
    """
    path = find(config)
    entry: dict[str, Any] = {"address": address}
    entry |= {key: value for key, value in given.items() if value is not None and value is not False}
    if "function" in entry:
        entry["function"] = int(entry["function"])
    if groups:
        entry["groups"] = list(groups)
    if disabled:
        entry["enabled"] = False
    add_receiver(path, entry)
    after = load(path)
    number, settings = len(after.master.slave), after.master.slave[-1]
    click.echo(f"{path}: slave {number} added: {settings.receiver.url}")
    for text in warnings(settings):
        click.echo(f"warning: {text}", err=True)
    if not after.master.enabled:
        click.echo("pushing is off; switch it on with `metergate config set master.enabled true`")
    click.echo(f"try it with `metergate slaves test {number}`")


@slaves.command()
@click.argument("slave")
@config_option
def delete(*, slave: str, config: str | None) -> None:
    """Delete a receiver; SLAVE is its number in the list, its label, or its address."""
    path = find(config)
    number, settings = pick(load(path), slave)
    delete_receiver(path, number, settings.address)
    click.echo(f"{path}: slave {number} ({settings.name}) deleted")


@slaves.command()
@click.argument("slave")
@config_option
def test(*, slave: str, config: str | None) -> None:
    """Connect to a receiver, write the newest values once, and say what happened; SLAVE as for `delete`."""
    loaded = load(find(config))
    number, _ = pick(loaded, slave)
    click.echo(try_receiver(loaded, number))


def pick(config: Config, named: str) -> tuple[int, Target]:
    """A receiver by number, label or address.

    Raises:
        RefusedError: there is none, or more than one.
    """
    known = config.master.slave
    if named.isdigit() and 1 <= int(named) <= len(known):
        return int(named), known[int(named) - 1]
    places = [
        number
        for number, settings in enumerate(known, start=1)
        if named in (settings.label, settings.address, settings.receiver.place, settings.receiver.url)
    ]
    if not places:
        names = ", ".join(f"{number} {settings.name}" for number, settings in enumerate(known, start=1))
        raise RefusedError(f"no slave {named!r}; there are: {names or 'none'}")
    if len(places) > 1:
        raise RefusedError(f"{named!r} are the slaves {', '.join(map(str, places))}; give the number")
    return places[0], known[places[0] - 1]


def _rows(config: Config) -> list[Push]:
    """One for each receiver of the settings: as the pusher reports it where it knows that very one."""
    endpoints = endpoints_of(config)
    remote = endpoints.pub(PUSHER).curve is not None
    reported: dict[tuple[int, str], Push] = {}
    if remote or is_held(config.gateway.run_dir, PUSHER):
        reported = {(push.number, push.url): push for push in latest(endpoints, PUSHER, Pushes).slaves}
    meters = [meter.id for meter in config.meter]
    rows = []
    for number, settings in enumerate(config.master.slave, start=1):
        url = settings.receiver.url
        first = meters[0] if meters else ""
        state = "unknown" if settings.enabled and config.master.enabled else "disabled"
        silent = Push(
            number=number,
            name=settings.name,
            url=url,
            meter=first if settings.meter is UNSET else settings.meter,
            groups=config.master.groups_of(settings),
            state=state,
            reason="master-pusher does not run, or has not taken this over yet" if state == "unknown" else "",
        )
        rows.append(reported.get((number, url), silent))
    return rows


def _plain(push: Push) -> dict[str, Any]:
    now = clock.now_ns()
    plain: dict[str, Any] = msgspec.to_builtins(push)
    for key, name in (("pushed_ns", "last_push_s"), ("holds_ns", "holds_age_s")):
        since = plain.pop(key)
        plain[name] = round((now - since) / 1e9, 3) if since else None
    return plain


def _cells(push: Push) -> tuple[str, ...]:
    now = clock.now_ns()
    return (
        str(push.number),
        push.name,
        push.url,
        push.meter or "-",
        push.state,
        _ago(now, push.pushed_ns),
        _ago(now, push.holds_ns),
        f"{push.latency_us / 1000:.1f} ms" if push.pushed_ns else "-",
        str(push.streak) if push.streak else "-",
        push.reason,
    )


def _ago(now: int, t_ns: int) -> str:
    return f"{max(0, now - t_ns) / 1e9:.1f} s" if t_ns else "-"
