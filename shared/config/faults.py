"""Mistakes in the settings with their places, and the error that says them: one line each, `file:line: key: reason`."""

from collections.abc import Iterable
from pathlib import Path

from shared.config.check import Problem, dotted
from shared.config.lines import line_of, places
from shared.errors import ConfigError, Fault


def located(text: str, problems: Iterable[Problem]) -> tuple[Fault, ...]:
    """The problems of a text with the line of each, in the order of the lines."""
    found = places(text)
    return tuple(
        sorted(Fault(line_of(found, problem.key), dotted(problem.key), problem.reason) for problem in problems)
    )


def wrong(path: Path, faults: tuple[Fault, ...]) -> ConfigError:
    """The error to raise for these; `path` is for its text."""
    return ConfigError("\n".join(f"{path}{_place(fault)}: {fault.reason}" for fault in faults), faults)


def faults_of(error: ConfigError) -> tuple[Fault, ...]:
    """What an error says, with places where they are known."""
    return error.faults or (Fault(0, "", str(error)),)


def _place(fault: Fault) -> str:
    return (f":{fault.line}" if fault.line else "") + (f": {fault.key}" if fault.key else "")
