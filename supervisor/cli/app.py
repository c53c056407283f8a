"""The click application: which commands there are, and how their errors become one line and an exit code.

A command is a file beside this one, imported when it is used; `COMMANDS` is the listing of `metergate --help`.
"""

import importlib
import sys
from typing import Any, Final

import click

from shared.errors import MetergateError

COMMANDS: Final = {
    "up": "supervisor.cli.roles:up",
    "run": "supervisor.cli.roles:run",
    "health": "supervisor.cli.roles:health",
    "ps": "supervisor.cli.ps:ps",
    "restart": "supervisor.cli.steer:restart",
    "stop": "supervisor.cli.steer:stop",
    "start": "supervisor.cli.steer:start",
    "tap": "supervisor.cli.tap:tap",
    "replay": "supervisor.cli.replay:replay",
    "registers": "supervisor.cli.registers:registers",
    "read": "supervisor.cli.read:read",
}
"""Name of each command -> `module:attribute` of its click command."""


class LazyGroup(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """All, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        """The click command of that name."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is no click command")
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours ends the process with its exit code and its text on standard error."""
        try:
            return super().invoke(ctx)
        except MetergateError as error:
            for line in str(error).splitlines():
                click.echo(f"metergate: {line}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="metergate")
def app() -> None:
    """A software smart energy meter that speaks the Modbus interface of the KOSTAL Smart Energy Meter."""
