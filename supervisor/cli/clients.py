"""`metergate clients`: who is connected to the slaves; disconnect, pause and resume them.

A slave with several workers has several instances, and nobody knows which of them a client will come to next: all are
asked.
"""

import ipaddress
import json
import re
from typing import Any, Final

import click
import msgspec

from shared.bus.command import call
from shared.bus.endpoints import Endpoints, endpoints_of, is_held
from shared.bus.messages import Client, Sessions
from shared.errors import MetergateError, RefusedError
from shared.tls.fingerprint import beginning, chosen, joined
from supervisor.cli.common import config_option, settings_of
from supervisor.cli.latest import latest
from supervisor.cli.table import aligned
from supervisor.spec import PLAIN_SLAVE, TLS_SLAVE

ANSWER_S: Final = 2.0
_HEADINGS: Final = ("SLAVE", "CLIENT", "NAME", "CONNECTED", "REQUESTS", "EXCEPTIONS", "ASKED", "LAST REQUEST", "")


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
@click.pass_context
def clients(ctx: click.Context, config: str | None, *, as_json: bool) -> None:
    """Show who is connected to the slaves: the 64 busiest of each; and disconnect, pause or resume them.

    ASKED: since its last request, to the second.
    """
    if ctx.invoked_subcommand is None:
        _show(config, as_json=as_json)


@clients.command()
@click.argument("peer", metavar="ADDRESS:PORT")
@config_option
def disconnect(peer: str, config: str | None) -> None:
    """End a connection. The client may connect again at once."""
    endpoints, names = _slaves(config)
    _any(endpoints, names, "disconnect", {"peer": peer})
    click.echo(f"{peer} disconnected")


@clients.command()
@click.argument("who", nargs=-1, required=True, metavar="ADDRESS|FP")
@config_option
def pause(who: tuple[str, ...], config: str | None) -> None:
    """Answer each request of a client with exception 06 (busy), also over connections that are still to come.

    The client is an IP address, or the fingerprint of a certificate or its beginning.
    It ends with `metergate clients resume`, or when the slave is started again.
    """
    endpoints, names = _slaves(config)
    name, names = _named(endpoints, names, who)
    done = [_tell(endpoints, instance, "pause", {"who": name}) for instance in names]
    click.echo(f"{name} paused, {_connections(done)}")


@clients.command()
@click.argument("who", nargs=-1, required=True, metavar="ADDRESS|FP")
@config_option
def resume(who: tuple[str, ...], config: str | None) -> None:
    """Serve a client again that was paused."""
    endpoints, names = _slaves(config)
    name, names = _named(endpoints, names, who)
    click.echo(f"{name} resumed, {_connections(_any(endpoints, names, 'resume', {'who': name}))}")


def _slaves(config: str | None) -> tuple[Endpoints, list[str]]:
    """Instances of slaves that run."""
    loaded = settings_of(config, PLAIN_SLAVE.name)
    endpoints = endpoints_of(loaded)
    names = [name for spec in (PLAIN_SLAVE, TLS_SLAVE) if spec.enabled(loaded) for name in spec.instances(loaded)]
    found = [name for name in names if endpoints.cmd(name).curve is not None or is_held(endpoints.run_dir, name)]
    if not found:
        raise RefusedError(f"no slave runs under {endpoints.run_dir}; `metergate ps` shows what runs")
    return endpoints, found


def _named(endpoints: Endpoints, names: list[str], who: tuple[str, ...]) -> tuple[str, list[str]]:
    """Whom the words mean, and the instances that can know him."""
    text = " ".join(who)
    try:
        return str(ipaddress.ip_address(text)), names
    except ValueError:
        names = [name for name in names if name.partition(".")[0] == TLS_SLAVE.name]
    if not names:
        raise RefusedError(f"{text!r} is no IP address, and no slave that knows certificates runs")
    if not re.fullmatch("[0-9a-f]+", joined(who)):
        raise RefusedError(f"{text!r} is neither an IP address nor a fingerprint; `metergate clients` shows them")
    known = set[str]()
    for told in _told(endpoints, names).values():
        known.update(client.fingerprint for client in told.details)
        known.update(told.paused)
    return chosen(who, sorted(known)), names


def _tell(endpoints: Endpoints, instance: str, verb: str, args: dict[str, Any]) -> dict[str, Any]:
    return call(endpoints.cmd(instance), instance, verb, {**args, "by": "cli"}, ANSWER_S)


def _any(endpoints: Endpoints, names: list[str], verb: str, args: dict[str, Any]) -> list[dict[str, Any]]:
    """What those say who have that client; where none has it, or one does not answer, the error."""
    done: list[dict[str, Any]] = []
    refusal: MetergateError | None = None
    for instance in names:
        try:
            done.append(_tell(endpoints, instance, verb, args))
        except RefusedError as error:
            refusal = error
    if refusal is not None and not done:
        raise refusal
    return done


def _connections(done: list[dict[str, Any]]) -> str:
    count = sum(each["connections"] for each in done)
    return f"{count} connection{'' if count == 1 else 's'} open"


def _told(endpoints: Endpoints, names: list[str]) -> dict[str, Sessions]:
    return {name: latest(endpoints, name, Sessions) for name in names}


def _show(config: str | None, *, as_json: bool) -> None:
    endpoints, names = _slaves(config)
    told = _told(endpoints, names)
    rows = [(name, each.t_ns, client) for name, each in told.items() for client in each.details]
    if as_json:
        shown: dict[str, Any] = {
            "clients": [_plain(*row) for row in rows],
            "paused": [{"instance": name, "who": who} for name, each in told.items() for who in each.paused],
        }
        click.echo(json.dumps(shown, indent=2))
        return
    if rows:
        for line in aligned([_HEADINGS, *(_cells(*row) for row in rows)]):
            click.echo(line)
    else:
        click.echo("no client is connected")
    for who in dict.fromkeys(who for each in told.values() for who in each.paused):
        click.echo(f"paused: {who}")
    if untold := sum(each.connections - len(each.details) for each in told.values()):
        click.echo(f"and {untold} more connections", err=True)


def _plain(instance: str, t_ns: int, client: Client) -> dict[str, Any]:
    plain: dict[str, Any] = {"instance": instance, **msgspec.to_builtins(client)}
    for key, name in (("connected_ns", "connected_s"), ("asked_ns", "asked_s")):
        since = plain.pop(key)
        plain[name] = round((t_ns - since) / 1e9, 3) if since else None
    return plain


def _cells(instance: str, t_ns: int, client: Client) -> tuple[str, ...]:
    return (
        instance,
        client.peer,
        client.label or beginning(client.fingerprint) or "-",
        f"{(t_ns - client.connected_ns) / 1e9:.0f} s",
        str(client.requests),
        str(client.exceptions),
        f"{(t_ns - client.asked_ns) / 1e9:.0f} s" if client.asked_ns else "-",
        _words(client),
        "paused" if client.paused else "",
    )


def _words(client: Client) -> str:
    if not client.function:
        return "-"
    where = f" on {client.start} to {client.start + client.count - 1}" if client.count else ""
    return f"function {client.function}{where}, unit {client.unit}"
