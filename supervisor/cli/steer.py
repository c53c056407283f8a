"""`metergate restart`, `stop` and `start`: return when it is done, or say why it is not."""

import time

import click

from supervisor.cli.common import config_option, run_folder, supervisor_of, tell

PATIENCE_S = 90.0
"""The longest stop timeout that the settings allow, and then a start."""


def _steer(verb: str, role: str, config: str | None) -> None:
    run_dir = run_folder(config)
    began = time.monotonic()
    tell(run_dir, supervisor_of(run_dir, role), verb, {"role": role}, PATIENCE_S)
    done = {"restart": "restarted", "stop": "stopped", "start": "ready"}[verb]
    click.echo(f"{role} {done} in {time.monotonic() - began:.2f} s")


@click.command()
@click.argument("role")
@config_option
def restart(role: str, config: str | None) -> None:
    """Restart a role; returns when it is ready again. Clients that connect meanwhile wait."""
    _steer("restart", role, config)


@click.command()
@click.argument("role")
@config_option
def stop(role: str, config: str | None) -> None:
    """Stop a role until it is started again; it stops listening."""
    _steer("stop", role, config)


@click.command()
@click.argument("role")
@config_option
def start(role: str, config: str | None) -> None:
    """Start a role that was stopped or parked; returns when it is ready."""
    _steer("start", role, config)
