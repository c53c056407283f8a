"""Pushing all four groups into ten slaves: time and cost of a cycle against pymodbus; and with nine of them dead.

The slaves are libmodbus servers in C, each a process. Dead ones never answer a connection, or take everything and never
answer. Ratios count within a round; the table shows the median.
"""

import json
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

from benchmarks.native import build
from benchmarks.options import Options
from benchmarks.report import Cell, Table
from benchmarks.servers import ROOT, serve

SLAVES = 10
DEAD = 9
PERIOD_MS = 200
KINDS = ("metergate", "pymodbus-gather", "pymodbus")
FIGURES = ("p50_ms", "p99_ms", "cpu_ms", "period_ms", "period_max_ms")

Round = dict[str, dict[str, float]]


def run(options: Options) -> list[Table]:
    """Measure both."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        program = build("libmodbus_server", Path(folder), "libmodbus")
        ports = [stack.enter_context(serve("libmodbus", [program], 0, 1000)).port for _ in range(SLAVES)]
        cycles = 50 if options.quick else round(400 * options.seconds)
        rounds = [_round(cycles, 0, ports, number) for number in range(options.rounds)]
        gone = [stack.enter_context(dead(mute=number % 2 == 0)) for number in range(DEAD)]
        few = 5 if options.quick else round(25 * options.seconds)
        with_dead = [_round(few, PERIOD_MS, [ports[0], *gone], 0, slow=3) for _ in range(min(options.rounds, 2))]
    return [_table("push: all groups into 10 slaves", rounds), _dead_table(with_dead)]


def _round(cycles: int, period_ms: int, ports: Sequence[int], number: int, slow: int = 0) -> Round:
    """Every second round the other way round. `slow`: that many cycles for those whom a dead slave holds up."""
    kinds = KINDS if number % 2 == 0 else KINDS[::-1]
    return {kind: _client(kind, slow if slow and kind != KINDS[0] else cycles, period_ms, ports) for kind in kinds}


def _client(kind: str, cycles: int, period_ms: int, ports: Sequence[int]) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.peers.push_client", kind, str(cycles), str(period_ms)]
    done = subprocess.run([*command, *map(str, ports)], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{kind}: {done.stderr}")
    found: dict[str, float] = json.loads(done.stdout)
    return found


@contextmanager
def dead(*, mute: bool) -> Iterator[int]:
    """A port that takes connections and never answers, or one whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(64 if mute else 0)
        for _ in range(0 if mute else 4):
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def _table(title: str, rounds: Sequence[Round]) -> Table:
    ours = KINDS[0]
    rows: list[tuple[Cell, ...]] = []
    for kind in KINDS:
        figures = [median(each[kind][name] for each in rounds) for name in FIGURES[:3]]
        ratios = [median(each[kind][name] / each[ours][name] for each in rounds) for name in ("p50_ms", "cpu_ms")]
        rows.append((kind, *figures, *ratios))
    return Table(
        title,
        ("master", "cycle p50 ms", "p99 ms", "cpu ms/cycle", "time / metergate", "cpu / metergate"),
        tuple(rows),
        ("50 requests, 3740 registers in each cycle; ours includes taking the image and encoding it.",),
    )


def _dead_table(rounds: Sequence[Round]) -> Table:
    return Table(
        f"push: the healthy one of 10 slaves, an image every {PERIOD_MS} ms, 9 dead",
        ("master", "push p50 ms", "p99 ms", "cpu ms/cycle", "period ms", "longest period ms"),
        tuple((kind, *(median(each[kind][name] for each in rounds) for name in FIGURES)) for kind in KINDS),
        (f"goal: the period stays {PERIOD_MS} ms within 20 %. A plain loop waits for the dead ones.",),
    )
