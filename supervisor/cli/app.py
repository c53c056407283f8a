"""The click application: which commands there are, and how their errors become one line and an exit code.

A command is a file beside this one, imported when it is used; `COMMANDS` is the listing of `metergate --help`.
"""

import difflib
import importlib
import sys
from typing import Any, Final

import click

from shared.errors import MetergateError

COMMANDS: Final = {
    "up": ("roles:up", "Run everything; Ctrl-C stops in order."),
    "run": ("roles:run", "Run these roles only, e.g. one in each container."),
    "health": ("roles:health", "Exit 0 when the roles of this supervisor are ready."),
    "init": ("init:init", "Write a commented settings file."),
    "config": ("config:config", "Check, show or change the settings."),
    "ps": ("ps:ps", "Show the roles: state, process, restarts, memory."),
    "restart": ("steer:restart", "Restart a role; returns when it is ready again."),
    "stop": ("steer:stop", "Stop a role until it is started again."),
    "start": ("steer:start", "Start a role that was stopped or parked."),
    "clients": ("clients:clients", "Show who reads from the slaves; disconnect, pause or resume them."),
    "slaves": ("slaves.slaves:slaves", "Show, add, delete or try the slaves that are pushed to."),
    "registers": ("registers.registers:registers", "Show the register map with live raw words and values."),
    "read": ("registers.read:read", "Read registers over Modbus TCP, as a client does."),
    "certs": ("certs.certs:certs", "Show certificates, and decide who may connect."),
    "audit": ("audit:audit", "Show who did what, and whether the logs are whole."),
    "tap": ("tap.tap:tap", "Show the messages of all running roles."),
    "replay": ("tap.replay:replay", "Show or play back what the tap recorded."),
    "bus-key": ("bus_key:bus_key", "Make the key of a host for a bus between hosts."),
}
"""Name of each command -> `module:attribute` of its click command, and its line in the listing.

The lines stand here so that the listing need not import what only one command needs.
"""


class LazyGroup(click.Group):
    """Loads a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """All, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        """The click command of that name."""
        place, _ = COMMANDS.get(cmd_name, ("", ""))
        if not place:
            return None
        module, _, attribute = place.partition(":")
        command = getattr(importlib.import_module(f"supervisor.cli.{module}"), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{place} is no click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; for a mistyped name with a hint, which click can only give for what is imported."""
        name = args[0]
        if name not in COMMANDS and name[:1].isalnum() and not ctx.resilient_parsing:
            close = difflib.get_close_matches(name, COMMANDS, n=1)
            ctx.fail(f"No such command {name!r}." + (f" Did you mean {close[0]!r}?" if close else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as above
        """The listing of `metergate --help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

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
