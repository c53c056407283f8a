"""`metergate audit`: who did what, when; and whether the logs are as they were written."""

import sys

import click
import msgspec

from shared.audit.check import Broken, load, merged, owners, verify
from shared.audit.record import Record
from shared.bus.endpoints import instances
from shared.errors import EXIT_REFUSED, RefusedError
from shared.tls.fingerprint import beginning
from shared.tls.text import clean
from supervisor.cli.common import config_option, settings_of
from supervisor.spec import CERTIFICATE_MANAGER

ALWAYS = frozenset(("certificate-manager", "tls-slave"))
"""Roles that keep a log as long as they run; register-store does where registers can be written."""
LONGEST = 1000


@click.command()
@click.option("--verify", "only_verify", is_flag=True, help="Only say whether each log is whole.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines.")
@config_option
def audit(config: str | None, *, only_verify: bool, as_json: bool) -> None:
    """Show every decision and refusal, of all roles by time. Exit 1 where a log was tampered with, and where."""
    gateway = settings_of(config, CERTIFICATE_MANAGER.name).gateway
    running = [name for name in instances(gateway.run_dir) if name.partition(".")[0] in ALWAYS]
    gone = sorted({*running} - {*owners(gateway.state_dir)})
    try:
        chains = [load(gateway.state_dir, owner) for owner in owners(gateway.state_dir)]
    except OSError as error:
        raise RefusedError(f"{error.filename} cannot be read ({error.strerror})") from error
    checked = [(chain.owner, *verify(chain)) for chain in chains]
    checked += [(owner, [], Broken(f"{owner}.jsonl", 0, f"is missing, although {owner} runs")) for owner in gone]
    if not only_verify:
        for record in merged([records for _, records, _ in checked]):
            click.echo(msgspec.json.encode(record).decode() if as_json else _line(record))
    else:
        for owner, records, broken in checked:
            click.echo(f"{owner}: {len(records)} lines, {'BROKEN' if broken else 'whole'}")
    faults = [broken for _, _, broken in checked if broken is not None]
    for fault in faults:
        click.echo(f"metergate: {fault}", err=True)
    if not faults and not any(records for _, records, _ in checked):
        click.echo("nothing is logged yet: no decision, no write, no refusal", err=True)  # scripts read records only
    if faults:
        sys.exit(EXIT_REFUSED)


def _line(record: Record) -> str:
    who = record.who
    about = [
        who.label and f'"{who.label}"',
        who.fingerprint and beginning(who.fingerprint),
        who.role and f"role {who.role}",
        who.address,
    ]
    by = who.by + "".join(f" {each}" for each in about if each)
    line = f"{record.time}  {record.owner}  {record.what}  {record.target}: {record.result}  [{by}]"
    return clean(line, LONGEST)  # a file that was tampered with may hold anything
