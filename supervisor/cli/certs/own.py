"""`metergate certs own`: our own keys and certificates. A private key goes from file to file, never over the bus."""

import json
from pathlib import Path
from typing import Any, Final

import click

from shared.errors import RefusedError
from shared.tls.fingerprint import grouped
from shared.tls.hand_over import hand_over
from supervisor.cli.certs.manager import ask_manager
from supervisor.cli.common import config_option, settings_of
from supervisor.spec import CERTIFICATE_MANAGER

LARGEST_BYTES: Final = 64 * 1024


@click.command()
@click.option("--import", "pair", nargs=2, metavar="KEY CHAIN", help="Use this key and chain (PEM); KEY - keeps ours.")
@click.option("--renew", is_flag=True, help="Make new keys and certificates; peers must accept them again.")
@click.option("--csr", is_flag=True, help="Print a certificate signing request.")
@click.option("--export", "target", metavar="FILE", help="Write our certificates to a file, for peers; - prints them.")
@click.option("--kind", type=click.Choice(["ec", "rsa"]), help="Only this one of the two pairs.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def own(
    pair: tuple[str, str] | None,
    target: str | None,
    kind: str | None,
    config: str | None,
    *,
    renew: bool,
    csr: bool,
    as_json: bool,
) -> None:
    """Show our own certificates, or replace, renew, request or export them. Nothing is restarted by that."""
    if sum((pair is not None, renew, csr, target is not None)) > 1:
        raise click.UsageError("--import, --renew, --csr and --export exclude each other")
    args = {} if kind is None else {"kind": kind}
    if pair is not None:
        done = _import(Path(pair[0]), Path(pair[1]), config)
    elif renew:
        done = ask_manager(config, "own.renew", args)
    elif csr:
        click.echo(ask_manager(config, "own.csr", args)["pem"], nl=False)
        return
    elif target is not None:
        _export(ask_manager(config, "own.export", args)["pem"], target)
        return
    else:
        done = ask_manager(config, "own.show", {})
    rows = [row for row in done["certificates"] if kind in {None, row["kind"]}]
    click.echo(json.dumps(rows, indent=2) if as_json else "\n\n".join(map(_block, rows)))


def _import(key: Path, chain: Path, config: str | None) -> dict[str, Any]:
    text = read_file(chain).decode("ascii", "replace")
    if "PRIVATE KEY" in text:
        raise RefusedError(f"{chain} holds a private key; give KEY and CHAIN in this order, each in its own file")
    if str(key) == "-":
        return ask_manager(config, "own.import", {"chain": text})
    folder = settings_of(config, CERTIFICATE_MANAGER.name).certificates.keys_dir
    name = hand_over(read_file(key), folder)
    try:
        return ask_manager(config, "own.import", {"chain": text, "key_file": name})
    finally:
        (folder / name).unlink(missing_ok=True)  # where nobody was there to take it


def _export(pem: str, target: str) -> None:
    if target == "-":
        click.echo(pem, nl=False)
        return
    try:
        Path(target).write_text(pem, encoding="ascii")
    except OSError as error:
        raise RefusedError(f"{target} cannot be written ({error.strerror})") from error
    click.echo(f"{target}: {pem.count('BEGIN CERTIFICATE')} certificates")


def read_file(path: Path) -> bytes:
    """What is in a file with a key or certificates.

    Raises:
        RefusedError: it cannot be read, or is larger than such files are.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror})") from error
    if len(content) > LARGEST_BYTES:
        raise RefusedError(f"{path} has {len(content)} bytes; a key or a chain has at most {LARGEST_BYTES}")
    return content


def _block(row: dict[str, Any]) -> str:
    issued = "signed by itself" if row["self_signed"] else f"issued by {row['issuer']}, chain of {row['chain']}"
    lines = [
        f"{row['key']}  {row['subject']}  ({issued})",
        grouped(row["fingerprint"]),
        f"valid {row['not_before'][:10]} to {row['not_after'][:10]}; names: {', '.join(row['names'])}",
        row["role"] and f"role {row['role']}",
    ]
    return "\n  ".join(filter(None, lines))
