"""Mistakes in the settings with their places, and the error that says them: one line each, `file:line: key: reason`."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from shared.config.check import Problem, dotted
from shared.config.lines import line_of, places
from shared.config.toml import shortened
from shared.errors import ConfigError, Fault

MOST_LISTED: Final = 50
"""Mistakes that are told; they have to fit into a message of the bus, and nobody mends more at once."""

LONGEST_KEY: Final = 120
"""Characters of a key that are shown."""


def located(text: str, problems: Iterable[Problem]) -> tuple[Fault, ...]:
    """The problems of a text with the line of each, in the order of the lines; the first `MOST_LISTED` of them."""
    problems = tuple(problems)
    found = places(text) if problems else {}
    faults = sorted(
        Fault(line_of(found, problem.key), shortened(dotted(problem.key), LONGEST_KEY), problem.reason)
        for problem in problems
    )
    if len(faults) > MOST_LISTED:
        more = Fault(faults[MOST_LISTED].line, "", f"from here on {len(faults) - MOST_LISTED} mistakes more")
        faults = [*faults[:MOST_LISTED], more]
    return tuple(faults)


def wrong(path: Path, faults: tuple[Fault, ...]) -> ConfigError:
    """The error to raise for these; `path` is for its text."""
    return ConfigError("\n".join(lines(path, faults)), faults)


def lines(path: Path, faults: Iterable[Fault]) -> Iterator[str]:
    """As they are told: `file:line: key: reason`."""
    return (f"{path}{_place(fault)}: {fault.reason}" for fault in faults)


def faults_of(error: ConfigError) -> tuple[Fault, ...]:
    """What an error says, with places where they are known."""
    return error.faults or (Fault(0, "", str(error)),)


def _place(fault: Fault) -> str:
    return (f":{fault.line}" if fault.line else "") + (f": {fault.key}" if fault.key else "")
