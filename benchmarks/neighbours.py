"""How regularly a healthy slave is pushed to beside nine bad ones, against a bare timer on the same machine at once.

Two gateways as a person starts them push all groups every 200 ms: one into a healthy slave alone, one into a healthy
slave and nine others that do not accept, reset, never answer, or answer one byte a second. The timer runs beside both:
what is off there as well is the machine's doing.
"""

import json
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path

from benchmarks.gateway import Folder, folder, started, wait_register
from benchmarks.options import Options
from benchmarks.push import dead
from benchmarks.report import Table
from benchmarks.servers import ROOT, python

PERIOD_S = 0.2
BAD = ("reset", "reset", "mute", "mute", "drip", "drip")
UNREACHABLE = 3
WARM_S = 2.0
SLAVE = '[[master.slave]]\naddress = "127.0.0.1"\nport = {port}\n'


class Peer:
    """One of `benchmarks.peers.push_slave`.

    Attributes:
        port: where it listens.
    """

    def __init__(self, *arguments: str) -> None:
        command = [*python("push_slave"), *arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def end(self) -> list[int]:
        """The times that it noted."""
        if self._process.poll() is not None:
            return []
        times: list[int] = json.loads(self._process.communicate()[0])
        return times


def run(options: Options) -> list[Table]:
    """Measure all three at once."""
    seconds = 4.0 if options.quick else 10.0 * options.rounds * options.seconds
    with ExitStack() as stack:
        alone, beside = stack.enter_context(_peer("healthy")), stack.enter_context(_peer("healthy"))
        bad = [stack.enter_context(_peer(kind)).port for kind in BAD]
        bad += [stack.enter_context(dead(mute=False)) for _ in range(UNREACHABLE)]
        for ports in ([alone.port], [*bad[:4], beside.port, *bad[4:]]):
            where = stack.enter_context(folder())
            _configure(where, ports)
            stack.enter_context(started(where, "up"))
            wait_register(where)
        time.sleep(WARM_S)
        timer = stack.enter_context(_peer("control", str(PERIOD_S)))
        time.sleep(seconds)
        rang = timer.end()
        since, until = rang[0], rang[-1]
        rows = [
            (name, *_figures([at for at in times if since <= at <= until]))
            for name, times in (
                ("bare timer", rang),
                ("slave, alone", alone.end()),
                ("slave, beside 9 bad", beside.end()),
            )
        ]
    return [
        Table(
            f"push: how far the {PERIOD_S * 1000:.0f} ms between two pushes are off, in % of it",
            ("", "periods", "p50", "p95", "p99", "most"),
            tuple(rows),
            ("goal: under 20 %, whatever the neighbours do; what is off at the timer as well is not the gateway's.",),
        )
    ]


@contextmanager
def _peer(*arguments: str) -> Iterator[Peer]:
    peer = Peer(*arguments)
    try:
        yield peer
    finally:
        peer.end()


def _configure(where: Folder, ports: Sequence[int]) -> None:
    file = Path(where.path, "metergate.toml")
    text = file.read_text(encoding="utf-8").replace("cycle_ms = 100", f"cycle_ms = {PERIOD_S * 1000:.0f}")
    slaves = "".join(SLAVE.format(port=port) for port in ports)
    file.write_text(f"{text}[master]\nenabled = true\n{slaves}", encoding="utf-8")


def _figures(times: Sequence[int]) -> tuple[int, float, float, float, float]:
    """How many periods; how far they are off in %."""
    off = sorted(abs((after - before) / 1e9 / PERIOD_S - 1) * 100 for before, after in pairwise(times))
    p50, p95, p99 = (off[min(len(off) - 1, int(len(off) * part))] for part in (0.5, 0.95, 0.99))
    return len(off), p50, p95, p99, off[-1]
