"""The servers under test: started as processes of their own, and what processor time they have used."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        name: in tables.
        port: where it serves.
        pid: of its process.
        behind: of further processes that work for it.
    """

    name: str
    port: int
    pid: int
    behind: tuple[int, ...] = ()

    def cpu_s(self) -> float:
        """User and system time of all its threads so far."""
        return sum(_cpu_s(pid) for pid in (self.pid, *self.behind))

    def pin(self, processor: int) -> None:
        """Keep all its threads on one processor."""
        for pid in (self.pid, *self.behind):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.sched_setaffinity(int(thread.name), {processor})

    def rss_kib(self) -> int:
        """Resident memory."""
        return sum(_rss_kib(pid) for pid in (self.pid, *self.behind))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def _rss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has ended")


def python(module: str) -> list[str]:
    """Command line of one of `benchmarks.peers`."""
    return [sys.executable, "-m", f"benchmarks.peers.{module}"]


@contextmanager
def serve(name: str, command: Sequence[str | Path], first: int, count: int) -> Iterator[Server]:
    """Start a server of `count` holding registers from `first`; it prints its port."""
    with subprocess.Popen(
        [*command, str(first), str(count)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"{name} did not start: {' '.join(map(str, command))}")
            yield Server(name, int(line), process.pid)
        finally:
            process.kill()
