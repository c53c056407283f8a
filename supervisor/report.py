"""The supervisor's log lines: of the same shape as a role's, without the memory that structlog and asyncio take."""

import os
import time
from typing import Final

import msgspec

from shared.config.model import Log
from shared.log_line import LineWriter, for_people

Value = str | int | float | bool
_RANK: Final = {"debug": 0, "info": 1, "warning": 2, "error": 3}


class Report:
    """Writes lines to standard error.

    Args:
        settings: level and shape.
        instance: bound to every line.
        terminal: whether `auto` means lines for people; asked of standard error where not given.
        descriptor: where to write.
    """

    __slots__ = ("_colours", "_console", "_instance", "_lines", "_rank")

    def __init__(self, settings: Log, instance: str, terminal: bool | None = None, descriptor: int = 2) -> None:
        self._colours = os.isatty(descriptor) if terminal is None else terminal
        self._console = settings.format == "console" or (settings.format == "auto" and self._colours)
        self._rank = _RANK[settings.level]
        self._instance = instance
        self._lines = LineWriter(descriptor)

    def debug(self, event: str, **fields: Value) -> None:
        """What only helps in finding a fault."""
        self.line("debug", event, fields)

    def info(self, event: str, **fields: Value) -> None:
        """What happened as it should."""
        self.line("info", event, fields)

    def warning(self, event: str, **fields: Value) -> None:
        """What was not expected and is being dealt with."""
        self.line("warning", event, fields)

    def error(self, event: str, **fields: Value) -> None:
        """What needs somebody's attention."""
        self.line("error", event, fields)

    def line(self, level: str, event: str, fields: dict[str, Value]) -> None:
        """One line of any level."""
        if _RANK[level] < self._rank:
            return
        text = self._for_people(level, event, fields) if self._console else self._for_machines(level, event, fields)
        self._lines.write(text)

    def _for_machines(self, level: str, event: str, fields: dict[str, Value]) -> str:
        seconds, fraction = divmod(time.time_ns() // 1000, 1_000_000)
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
        line = {
            "instance": self._instance,
            **fields,
            "event": event,
            "level": level,
            "timestamp": f"{stamp}.{fraction:06d}Z",
        }
        return msgspec.json.encode(line).decode() + "\n"

    def _for_people(self, level: str, event: str, fields: dict[str, Value]) -> str:
        return for_people(level, self._instance, event, fields, colours=self._colours) + "\n"


def say(text: str) -> None:
    """One line for the person at the command line, on standard error, where also refusals go."""
    LineWriter().write(f"{text}\n")
