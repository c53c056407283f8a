"""Mutual TLS side by side: ours, stunnel in front of libmodbus in C, and pymodbus' own TLS server.

P-256 certificates, TLS 1.3 as all of them choose it, 28 registers. Each round puts the same load on each server, one
after the other; a ratio is taken within its round. Of stunnel and libmodbus the processor time of both counts.
"""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.load import Outcome, run_load
from benchmarks.native import MissingToolError, build
from benchmarks.options import Options
from benchmarks.report import Cell, Table
from benchmarks.servers import Server, python, serve
from shared.tls.keys import Kind, generate, store

FIRST, COUNT, REGISTERS = 40000, 200, 28
OURS, STUNNEL, PYMODBUS = "metergate", "stunnel + libmodbus", "pymodbus"
OPEN, QUICK_OPEN = 300, 60
"""Connections of which memory is measured."""
PATIENCE_S = 10.0

STUNNEL_SETTINGS = """foreground = quiet
pid =
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[modbus]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{behind}
cert = {folder}/server.pem
CAfile = {folder}/client.pem
verifyPeer = yes
sslVersionMin = TLSv1.2
options = NO_TICKET
"""


@dataclass(frozen=True, slots=True)
class Way:
    """A kind of load: connections, and whether each request has a handshake of its own."""

    connections: int
    handshake: bool = False

    def __str__(self) -> str:
        return f"{self.connections} at a time, full handshakes" if self.handshake else f"{self.connections} conn"


LOADS = (Way(10), Way(100), Way(4, handshake=True))
QUICK = (Way(10), Way(4, handshake=True))
Round = Mapping[str, Outcome]


def run(options: Options) -> list[Table]:
    """Measure all loads, then memory."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        make_keys(folder)
        program = build("tls_load", folder, "openssl")
        behind = [build("libmodbus_server", folder, "libmodbus")]
        servers = [
            stack.enter_context(serve(OURS, [*python("metergate_tls_server"), folder], FIRST, COUNT)),
            stack.enter_context(in_front(stack.enter_context(serve(STUNNEL, behind, FIRST, COUNT)), folder)),
            stack.enter_context(serve(PYMODBUS, [*python("pymodbus_tls_server"), folder], FIRST, COUNT)),
        ]
        loads, several = (QUICK, QUICK_OPEN) if options.quick else (LOADS, OPEN)
        rounds = {kind: measure(program, folder, servers, kind, options) for kind in loads}
        sizes = {server.name: kib_per_connection(program, folder, server, several) for server in servers}
    return tables(rounds, sizes, several)


def make_keys(folder: Path) -> None:
    """`server.pem` and `client.pem`, key and certificate in one, and the server's as ours keeps them."""
    pairs = {name: generate(Kind.EC, ["localhost"], time.time()) for name in ("server", "client")}
    for name, pair in pairs.items():
        file = folder / f"{name}.pem"
        file.write_bytes(pair.key_pem() + pair.export())
        file.chmod(0o600)
    store(folder, pairs["server"])


@contextmanager
def in_front(server: Server, folder: Path) -> Iterator[Server]:
    """Stunnel before a plain server.

    Raises:
        MissingToolError: it is not installed.
    """
    program = shutil.which("stunnel") or shutil.which("stunnel4")
    if program is None:
        raise MissingToolError("stunnel is missing; on Debian and Ubuntu: apt install stunnel4")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    file = folder / "stunnel.conf"
    file.write_text(STUNNEL_SETTINGS.format(port=port, behind=server.port, folder=folder), encoding="utf-8")
    with subprocess.Popen([program, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + PATIENCE_S
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > until:
                        raise
                    time.sleep(0.01)
            yield replace(server, port=port, pid=process.pid, behind=(server.pid,))
        finally:
            process.kill()


def measure(program: Path, folder: Path, servers: Sequence[Server], kind: Way, options: Options) -> list[Round]:
    """Alternate the servers; every second round the other way round, so that no place is the better one."""
    rounds: list[Round] = []
    for number in range(options.rounds):
        order = servers if number % 2 == 0 else servers[::-1]
        rounds.append(
            {server.name: run_load(command(program, folder, server, kind, options.seconds), server) for server in order}
        )
    return rounds


def command(program: Path, folder: Path, server: Server, kind: Way, seconds: float) -> list[str]:
    """Command line of one load."""
    way = "handshake" if kind.handshake else "read"
    numbers = (server.port, kind.connections, seconds, FIRST, REGISTERS)
    return [str(program), *map(str, numbers), str(folder / "client.pem"), way]


def kib_per_connection(program: Path, folder: Path, server: Server, several: int) -> float:
    """Resident memory that each of several open connections costs the server, something having been asked on it."""
    run_load(command(program, folder, server, Way(10), 0.1), server)  # what is allocated once is there
    time.sleep(0.5)
    before = server.rss_kib()
    within: list[int] = []
    run_load(command(program, folder, server, Way(several), 0.2), server, lambda: within.append(server.rss_kib()))
    return (within[0] - before) / several


def tables(measured: Mapping[Way, Sequence[Round]], sizes: Mapping[str, float], several: int) -> list[Table]:
    """Ratios first, then what they were made of."""
    return [
        Table(
            "mutual TLS: ratios, median of the rounds",
            ("load", "cpu / stunnel + libmodbus", "cpu / pymodbus", "errors of ours"),
            tuple(_ratios(kind, rounds) for kind, rounds in measured.items()),
            (
                "Answered requests, or full handshakes with one request each, per processor second; more is better.",
                "Goals: 2 and 5 at 10 and 100 connections, handshakes 1.5 of pymodbus.",
            ),
        ),
        Table(
            "mutual TLS: medians",
            ("load", "server", "per s", "us cpu each", "p50 us", "p99 us", "errors"),
            tuple(_medians(kind, name, rounds) for kind, rounds in measured.items() for name in rounds[0]),
        ),
        Table(
            f"memory of one TLS connection, KiB of {several}",
            ("server", "KiB"),
            tuple(sizes.items()),
            ("Resident memory once each connection has had an answer. Goal: 64.",),
        ),
    ]


def _ratios(kind: Way, rounds: Sequence[Round]) -> tuple[Cell, ...]:
    def against(name: str) -> float:
        return median(each[OURS].per_cpu_s / each[name].per_cpu_s for each in rounds if each[name].per_cpu_s)

    return (str(kind), against(STUNNEL), against(PYMODBUS), sum(each[OURS].errors for each in rounds))


def _medians(kind: Way, name: str, rounds: Sequence[Round]) -> tuple[Cell, ...]:
    outcomes = [each[name] for each in rounds]
    return (
        str(kind),
        name,
        round(median(outcome.per_s for outcome in outcomes)),
        median(1e6 * outcome.cpu_s / max(1, outcome.completed) for outcome in outcomes),
        median(outcome.p50_us for outcome in outcomes),
        median(outcome.p99_us for outcome in outcomes),
        sum(outcome.errors for outcome in outcomes),
    )
