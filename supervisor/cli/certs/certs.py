"""`metergate certs`: who may connect. Shows certificates, and carries the owner's decisions to their manager."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from shared.tls.fingerprint import WHOLE, chosen, grouped, joined
from supervisor.cli.certs.manager import LIST_S, ask_manager
from supervisor.cli.certs.own import own, read_file
from supervisor.cli.common import config_option

Row = dict[str, Any]

_ORDER: Final = ("pending", "accepted", "ca", "blocked")
_COLOUR: Final = {"pending": "red", "accepted": "green", "ca": "cyan", "blocked": "yellow"}
_SHOWN: Final = {"pending": "NOT ACCEPTED", "accepted": "accepted", "ca": "vouched for by a CA", "blocked": "blocked"}
_GRANT: Final = {"rw": "reads and writes", "r": "reads only", "": ""}
_DIRECTION: Final = {"in": "connects from", "out": "is connected to at", "both": "in and out, at", "": "at"}


@click.group()
def certs() -> None:
    """Certificates: who may connect with TLS, and our own."""


def _fingerprint_argument(function: Callable[..., None]) -> Callable[..., None]:
    """`FP`: the fingerprint or its beginning, in groups or not, as it was copied from somewhere."""
    return click.argument("fp", nargs=-1, required=True, metavar="FP")(function)


@certs.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def list_(config: str | None, *, as_json: bool) -> None:
    """List certificates: those that wait for a decision first."""
    rows = sorted(all_rows(config), key=lambda row: (_ORDER.index(row["status"]), row["label"], row["fingerprint"]))
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo("no certificate was seen yet, and none is accepted")
    else:
        click.echo("\n\n".join(_block(row) for row in rows))


@certs.command()
@_fingerprint_argument
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def show(fp: tuple[str, ...], config: str | None, *, as_json: bool) -> None:
    """Show all that a certificate says, and the certificate itself."""
    row = ask_manager(config, "show", {"fingerprint": _resolved(fp, config)}, LIST_S)
    if as_json:
        click.echo(json.dumps(row, indent=2))
        return
    details = {
        "issuer": row["issuer"] + (" (signed by itself)" if row["self_signed"] else ""),
        "names": ", ".join(row["names"]),
        "serial": row["serial"],
        "key hash": grouped(row["key_hash"]),
        "decided": f"{row['decided_at']} by {row['decided_by']}" if row["decided_at"] else "",
    }
    lines = [f"  {name}: {value}" for name, value in details.items() if value]
    click.echo("\n".join([_block(row), *lines, "", row["pem"].rstrip()]))


@certs.command()
@_fingerprint_argument
@click.option("--read-only", is_flag=True, help="It may read, never write.")
@click.option("--label", metavar="L", help="A name for it.")
@config_option
def accept(fp: tuple[str, ...], label: str | None, config: str | None, *, read_only: bool) -> None:
    """Serve a certificate from now on; again to change what it may do. Compare the whole fingerprint first."""
    args = {"fingerprint": _resolved(fp, config), "grant": "r" if read_only else "rw"}
    done = ask_manager(config, "accept", args if label is None else {**args, "label": label})
    click.echo(f"accepted, {_GRANT[done['grant']]}: {grouped(done['fingerprint'])}")
    for flag in done["flags"]:
        click.echo(f"note: {flag}", err=True)


@certs.command()
@_fingerprint_argument
@config_option
def delete(fp: tuple[str, ...], config: str | None) -> None:
    """Serve a certificate no more. Returns when its connections are closed, and prints how many there were."""
    _end("delete", fp, config)


@certs.command()
@_fingerprint_argument
@config_option
def block(fp: tuple[str, ...], config: str | None) -> None:
    """Refuse a certificate that a known CA vouches for. Returns when its connections are closed."""
    _end("block", fp, config)


@certs.command()
@_fingerprint_argument
@config_option
def unblock(fp: tuple[str, ...], config: str | None) -> None:
    """Forget that a certificate was blocked: its CA vouches for it again."""
    done = ask_manager(config, "unblock", {"fingerprint": _resolved(fp, config)})
    click.echo(f"unblocked: {grouped(done['fingerprint'])}")


@certs.command()
@_fingerprint_argument
@click.argument("label")
@config_option
def label(fp: tuple[str, ...], label: str, config: str | None) -> None:
    """Give a certificate a name; an empty one takes it away."""
    args = {"fingerprint": _resolved(fp, config), "label": label}
    done = ask_manager(config, "label", args)
    click.echo(f"{grouped(done['fingerprint'])} is called {done['label']!r}")


@certs.command()
@_fingerprint_argument
@config_option
def dismiss(fp: tuple[str, ...], config: str | None) -> None:
    """Take a certificate off the list of those that wait; at its next contact it is there again."""
    done = ask_manager(config, "dismiss", {"fingerprint": _resolved(fp, config)})
    click.echo(f"dismissed: {grouped(done['fingerprint'])}")


@certs.command()
@click.option("--add", "pem", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Copy a CA into it.")
@click.option("--remove", "file", metavar="NAME", help="Remove this file from it; whom it vouched for is cut off.")
@click.option("--reload", "again", is_flag=True, help="Read the folder again now.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def ca(config: str | None, pem: Path | None, file: str | None, *, again: bool, as_json: bool) -> None:
    """List the authorities of the local CA folder. Whom they vouch for is served without being accepted."""
    if sum((pem is not None, file is not None, again)) > 1:
        raise click.UsageError("--add, --remove and --reload exclude each other")
    if pem is not None:
        args = {"name": pem.stem, "pem": read_file(pem).decode("ascii", "replace")}
        found = ask_manager(config, "ca.add", args)
    elif file is not None:
        found = ask_manager(config, "ca.remove", {"file": file})
    else:
        found = ask_manager(config, "ca.reload" if again else "ca.list", {})
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    if file is not None or found.get("closed"):
        click.echo(f"removed, {_cut(found)}")
    for row in found["authorities"]:
        click.echo(f"{row['subject']}  ({row['file']}, {row['key']}, until {row['not_after'][:10]})")
        click.echo(f"  {grouped(row['fingerprint'])}")
    if not found["authorities"]:
        click.echo("no authority is known: every certificate has to be accepted by itself")
    for fault in found["faults"]:
        click.echo(f"note: {fault}", err=True)
    _tell_killed(found)


certs.add_command(own)


def all_rows(config: str | None) -> list[Row]:
    """Every certificate that is known, page by page."""
    rows: list[Row] = []
    while True:
        after = rows[-1]["fingerprint"] if rows else ""
        page = ask_manager(config, "list", {"after": after}, LIST_S)
        rows += page["certificates"]
        if not page["more"]:
            return rows


def _resolved(parts: Sequence[str], config: str | None) -> str:
    known = [] if len(joined(parts)) == WHOLE else [row["fingerprint"] for row in all_rows(config)]
    return chosen(parts, known)


def _end(verb: str, fp: Sequence[str], config: str | None) -> None:
    done = ask_manager(config, verb, {"fingerprint": _resolved(fp, config)})
    word = "blocked" if done["blocked"] else "deleted"
    click.echo(f"{word}, {_cut(done)}: {grouped(done['fingerprint'])}")
    _tell_killed(done)


def _cut(done: Mapping[str, Any]) -> str:
    """How many connections a change of trust has ended."""
    count = done["closed"]
    return f"{count} connection{'' if count == 1 else 's'} closed"


def _tell_killed(done: Mapping[str, Any]) -> None:
    for instance in done.get("killed", ()):
        click.echo(f"note: {instance} did not answer and was killed", err=True)


def _block(row: Row) -> str:
    """A certificate in a few lines."""
    state = click.style(_SHOWN[row["status"]], fg=_COLOUR[row["status"]], bold=True)
    title = [state, row["label"] and f'"{row["label"]}"', row["subject"] or "(no subject)"]
    facts = [
        _GRANT[row["grant"]],
        row["role"] and f"role {row['role']}",
        row["key"],
        f"valid {row['not_before'][:10]} to {row['not_after'][:10]}",
    ]
    contacts = [
        f"{_DIRECTION[row['direction']]} {', '.join(row['addresses'])}" if row["addresses"] else "",
        row["last_seen"] and f"last seen {row['last_seen']}",
        row["connections"] and f"{row['connections']} connections open",
    ]
    lines = ["  ".join(filter(None, title)), grouped(row["fingerprint"]), "; ".join(filter(None, facts))]
    lines += ["; ".join(filter(None, contacts)), row["reason"], *row["flags"]]
    return "\n  ".join(filter(None, lines))
