"""A writer that is killed at any moment, over and over, and what it said until then."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import ROOT

_LIVES = """
while sys.stdin.buffer.read(1):
    pid = os.fork()  # imports cost more than a life
    if pid:
        os.waitpid(pid, 0)
        tell("end")
        continue
    tell(os.getpid())
    write()
"""
_BEGIN = """
import os, sys
from pathlib import Path

def tell(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())
"""


class Writer:
    """See module; made by `writer`."""

    def __init__(self, process: subprocess.Popen[bytes], seed: int) -> None:
        self._process = process
        self._chance = random.Random(seed)

    def life(self, lines: int, longest_s: float = 0.0) -> list[list[str]]:
        """Let it live once; the words of each line that it told.

        Args:
            lines: so many are waited for.
            longest_s: then it is killed after a random time up to this.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(b"+")
        pid = int(self._words()[0])
        told = [self._words() for _ in range(lines)]
        moment = time.perf_counter() + self._chance.uniform(0, longest_s)
        while time.perf_counter() < moment:  # finer than a sleep can tell
            pass
        os.kill(pid, signal.SIGKILL)
        while (words := self._words()) != ["end"]:
            told.append(words)
        return told

    def _words(self) -> list[str]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        assert line.endswith("\n"), "the writer ended by itself"
        return line.split()


@contextlib.contextmanager
def writer(program: str, *arguments: Path, seed: int = 1) -> Iterator[Writer]:
    """A program that has a function `write()`, which never returns and calls `tell(*words)` for what it has done.

    Args:
        program: Python text; `os`, `sys` and `Path` are there.
        arguments: `sys.argv[1:]`.
        seed: of the moments.
    """
    with subprocess.Popen(
        [sys.executable, "-c", f"{_BEGIN}{program}{_LIVES}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        env={"PYTHONPATH": str(ROOT)},
    ) as process:
        yield Writer(process, seed)
        assert process.stdin is not None
        process.stdin.close()
