"""One load on one server: what came back, how long it took, what it cost the server."""

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import Server


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of load.

    Attributes:
        connections: open at the same time.
        depth: requests in flight on each.
        registers: read by each request.
    """

    connections: int
    depth: int
    registers: int

    def __str__(self) -> str:
        depth = f" x {self.depth} in flight" if self.depth > 1 else ""
        return f"{self.connections} conn{depth}, {self.registers} regs"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one load gave.

    Attributes:
        completed: requests with a right answer.
        lost: requests that were never answered.
        errors: wrong answers and ended connections.
        seconds: of load.
        cpu_s: that the server used meanwhile.
        p50_us, p99_us: latency.
    """

    completed: int
    lost: int
    errors: int
    seconds: float
    cpu_s: float
    p50_us: float
    p99_us: float

    @property
    def per_cpu_s(self) -> float:
        """Requests per processor second of the server."""
        return self.completed / self.cpu_s if self.cpu_s else 0.0

    @property
    def per_s(self) -> float:
        """Requests per second."""
        return self.completed / self.seconds


def load(program: Path, server: Server, case: Case, first: int, seconds: float) -> Outcome:
    """Put one load on a server. Connecting and closing stay out of the figures."""
    numbers = (server.port, case.connections, case.depth, seconds, first, case.registers)
    return run_load([str(program), *map(str, numbers)], server)


def run_load(command: Sequence[str], server: Server, look: Callable[[], None] = lambda: None) -> Outcome:
    """Run a load generator; `look` is called when the load is over and its connections still stand.

    It and the server get a processor each, every server the same one: otherwise the scheduler's choices, which hit the
    larger program harder, are measured along.
    """
    places = sorted(os.sched_getaffinity(0))
    if len(places) > 1:
        server.pin(places[0])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if len(places) > 1:
            os.sched_setaffinity(process.pid, {places[1]})
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"the load could not connect to {server.name}")
        before = server.cpu_s()
        process.stdin.write("go\n")
        process.stdin.flush()
        result = json.loads(process.stdout.readline())
        used = server.cpu_s() - before
        look()
        return Outcome(cpu_s=used, **result)
