"""A receiver is tried while nothing is pushed: by `metergate slaves test`, in a process of its own.

Where the pusher is off there is nobody on the bus who could. What speaks to receivers is the pusher's code, which this
role neither holds in memory nor imports; the command line borrows it for as long as the trial takes.
"""

import asyncio
import contextlib
import sys
from pathlib import Path
from typing import Final

COMMAND: Final = (sys.executable, "-P", "-c", "from supervisor.cli import main; main()")
START_S: Final = 15.0
"""For a slow machine to begin."""
MOST_WAITING: Final = 4
LONGEST_ANSWER: Final = 2000
_NAME: Final = "metergate: "


class Trial:
    """One at a time.

    Args:
        settings: path of the file whose receivers are meant.
        command: of the command line.
    """

    def __init__(self, settings: Path, command: tuple[str, ...] = COMMAND) -> None:
        self._settings = settings
        self._command = command
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def run(self, number: int, patience_s: float) -> tuple[bool, str]:
        """Whether the receiver of that number took the newest values, and what happened, in words."""
        if self._waiting >= MOST_WAITING:
            return False, "too many receivers are being tried; try again in a few seconds"
        self._waiting += 1
        try:
            return await self._run(number, patience_s)
        finally:
            self._waiting -= 1

    async def _run(self, number: int, patience_s: float) -> tuple[bool, str]:
        arguments = ("slaves", "test", str(number), "--config", str(self._settings))
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                *arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(patience_s + START_S):
                    words, trouble = await process.communicate()
            except TimeoutError:
                return False, f"no answer within {patience_s + START_S:g} s"
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError):
                        process.kill()
                    await process.wait()
        said = (trouble if process.returncode else words).decode(errors="replace").strip()[:LONGEST_ANSWER]
        lines = [line.removeprefix(_NAME) for line in said.splitlines()]
        return process.returncode == 0, " ".join(lines) or f"it ended with exit code {process.returncode}"
