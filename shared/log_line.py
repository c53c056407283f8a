"""Writes log lines to standard error, which may be closed, on a full disk, or a pipe that nobody reads.

None of that may end, or hold up, what the lines speak of: what is not taken in time is lost, and the next line that is
taken says how many were.
"""

import contextlib
import os
import select
from typing import Final

PATIENCE_MS: Final = 200
"""Once; after a line that was lost there is none, until one is taken again."""


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
