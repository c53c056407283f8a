"""Writes log lines to standard error, which may be closed, on a full disk, or a pipe that nobody reads.

None of that may end, or hold up, what the lines speak of: what is not taken in time is lost, and the next line that is
taken says how many were.
"""

import contextlib
import os
import select
import time
from collections.abc import Mapping
from typing import Final

PATIENCE_MS: Final = 200
"""Once; after a line that was lost there is none, until one is taken again."""

_COLOUR: Final = {"debug": "\33[2m", "info": "\33[32m", "warning": "\33[33m", "error": "\33[31m"}


def for_people(level: str, instance: str, event: str, fields: Mapping[str, object], *, colours: bool) -> str:
    """A line as a terminal shows it, with the local time; fields that are empty say nothing there."""
    stamp = time.strftime("%H:%M:%S")
    shown = f"{level:<7}"
    if colours:
        stamp, shown = f"\33[2m{stamp}\33[0m", f"{_COLOUR.get(level, _COLOUR['error'])}{shown}\33[0m"
    tail = "".join(f" {name}={value}" for name, value in fields.items() if value != "")
    return f"{stamp} [{shown}] {instance}: {event}{tail}"


class LineWriter:
    """For one process.

    Args:
        descriptor: where lines go.
    """

    __slots__ = ("__weakref__", "_descriptor", "_lost", "_poll")

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._lost = 0
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, text: str) -> None:
        """One line with its end, as a file would take it."""
        if self._lost:
            note = f'{{"event":"{self._lost} log lines were lost: nobody took them","level":"warning"}}\n'
            if not self._took(note.encode()):
                self._lost += 1
                return
        self._lost = 0 if self._took(text.encode(errors="backslashreplace")) else 1

    def flush(self) -> None:
        """Nothing is held back."""

    def _took(self, line: bytes) -> bool:
        """Whether all of it went out. A pipe that is writable takes PIPE_BUF bytes without waiting."""
        with contextlib.suppress(OSError):
            for at in range(0, len(line), select.PIPE_BUF):
                if not self._poll.poll(0 if self._lost else PATIENCE_MS):
                    return False
                os.write(self._descriptor, line[at : at + select.PIPE_BUF])
            return True
        return False
