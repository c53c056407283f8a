"""`metergate up`, `run` and `health` as click sees them: their help and their usage errors.

When their arguments are right, `supervisor.cli.main` runs them without click.
"""

import sys

import click

from supervisor.cli.common import config_option
from supervisor.cli.health import health as check
from supervisor.up import run as run_roles
from supervisor.up import up as run_everything


@click.command()
@config_option
def up(config: str | None) -> None:
    """Run everything; Ctrl-C stops in order."""
    sys.exit(run_everything(config))


@click.command()
@click.argument("roles", nargs=-1, required=True, metavar="ROLE...")
@config_option
def run(roles: tuple[str, ...], config: str | None) -> None:
    """Run these roles only, e.g. one in each container."""
    sys.exit(run_roles(list(roles), config))


@click.command()
@click.argument("roles", nargs=-1, metavar="[ROLE...]")
@click.option("--fresh", is_flag=True, help="Also ask that the image served is not stale.")
@config_option
def health(roles: tuple[str, ...], config: str | None, *, fresh: bool) -> None:
    """Exit 0 when the roles of this supervisor are ready."""
    code, line = check(list(roles), fresh=fresh, config=config)
    click.echo(line, err=bool(code))
    sys.exit(code)
