"""What `tap` and `replay` share: the options that choose messages, and how these are printed."""

import functools
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from msgspec import Struct

from shared.bus.endpoints import Endpoints, endpoints_of
from shared.config.load import find, load
from shared.errors import ConfigError, RefusedError
from shared.tap.filters import KINDS, Filter
from shared.tap.recording import Entry
from shared.tap.view import View
from supervisor.cli.common import run_folder

_OPTIONS = (
    click.option("--role", "roles", multiple=True, metavar="R", help="Only this role or instance; may be repeated."),
    click.option(
        "--topic", "topics", multiple=True, metavar="T", help="Only this kind, or start of a topic; likewise."
    ),
    click.option("--meter", "meters", multiple=True, metavar="ID", help="Only this meter; likewise."),
    click.option("--json", "as_json", is_flag=True, help="JSON lines."),
    click.option("--verbose", "-v", is_flag=True, help="Everything in full, registers in hexadecimal."),
    click.option("--quiet", "-q", is_flag=True, help="No lines."),
)


class Display(Struct, frozen=True):
    """Which messages, and in which form.

    Attributes:
        wanted: which messages.
        as_json, verbose, quiet: as the options of these names say.
    """

    wanted: Filter
    as_json: bool
    verbose: bool
    quiet: bool

    def printer(self, boot: str) -> "Printer":
        """For messages that were received under this boot id."""
        return Printer(self, View(boot, colour=_wants_colour(), verbose=self.verbose))


class Printer:
    """Collects lines, and prints them at once."""

    __slots__ = ("_display", "_lines", "_view")

    def __init__(self, display: Display, view: View) -> None:
        self._display = display
        self._view = view
        self._lines: list[str] = []

    def add(self, instance: str, entry: Entry, at: datetime) -> None:
        """One message that came from `instance` at that time."""
        if not self._display.quiet:
            show = self._view.json if self._display.as_json else self._view.line
            self._lines.append(show(instance, entry, at))

    def flush(self) -> None:
        """Print.

        Raises:
            RefusedError: nobody reads it any more.
        """
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        try:
            sys.stdout.write("".join(f"{line}\n" for line in lines))
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest has nowhere to go at the exit
            raise RefusedError("whoever read the output has ended") from None


def reachable(config: str | None) -> tuple[Endpoints, tuple[str, ...]]:
    """Where instances are found, and the names of those that the settings place on any host.

    While the settings file is wrong, what runs on this host is found all the same, and goes on with the last good one.
    """
    run_dir = run_folder(config)
    try:
        loaded = load(find(config))
    except ConfigError:
        return Endpoints(run_dir), ()
    hosts = loaded.bus.host if loaded.bus.transport == "tcp" else ()
    return endpoints_of(loaded), tuple(role for host in hosts for role in host.roles)


def message_options(function: Callable[..., None]) -> Callable[..., None]:
    """The options, handed over as `display: Display`."""

    @functools.wraps(function)
    def wrapper(
        *,
        roles: tuple[str, ...],
        topics: tuple[str, ...],
        meters: tuple[str, ...],
        as_json: bool,
        verbose: bool,
        quiet: bool,
        **others: Any,
    ) -> None:
        wanted = Filter(roles, topics, meters)
        for unknown in wanted.unknown_topics:
            click.echo(f"no message has a topic like {unknown!r}; there are: {' '.join(KINDS)}", err=True)
        function(display=Display(wanted, as_json, verbose, quiet), **others)

    for option in reversed(_OPTIONS):
        wrapper = option(wrapper)
    return wrapper


def _wants_colour() -> bool:
    """Whether the output is a terminal whose owner did not ask for plain text."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
