"""Requests per processor second, latency and lost requests, side by side with libmodbus in C and pymodbus' own server.

Each round puts the same load on each server, one after the other, so that whatever else the machine does meets all of
them. A ratio is taken within its round; the table shows the median over the rounds. Server and load have a processor
each.
"""

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.load import Case, Outcome, load
from benchmarks.native import build
from benchmarks.options import Options
from benchmarks.report import Cell, Table
from benchmarks.servers import Server, python, serve

FIRST, COUNT = 40000, 200
OURS, LIBMODBUS, PYMODBUS = "metergate", "libmodbus", "pymodbus"

CASES = (
    Case(1, 1, 28),
    Case(10, 1, 28),
    Case(100, 1, 28),
    Case(1000, 1, 28),
    Case(10, 1, 125),
    Case(100, 1, 125),
    Case(10, 8, 28),
    Case(10, 8, 125),
)
QUICK = (Case(10, 1, 28), Case(10, 1, 125), Case(10, 8, 28))

Round = Mapping[str, Outcome]


def run(options: Options) -> list[Table]:
    """Measure all cases."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        into = Path(folder)
        program = build("load", into)
        commands: dict[str, Sequence[str | Path]] = {
            OURS: python("metergate_server"),
            LIBMODBUS: [build("libmodbus_server", into, "libmodbus")],
            PYMODBUS: python("pymodbus_server"),
        }
        servers = [stack.enter_context(serve(name, command, FIRST, COUNT)) for name, command in commands.items()]
        cases = QUICK if options.quick else CASES
        return table({case: measure(program, servers, case, options) for case in cases})


def measure(program: Path, servers: Sequence[Server], case: Case, options: Options) -> list[Round]:
    """Alternate the servers; every second round the other way round, so that no place is the better one."""
    rounds: list[Round] = []
    for number in range(options.rounds):
        order = servers if number % 2 == 0 else servers[::-1]
        rounds.append({server.name: load(program, server, case, FIRST, options.seconds) for server in order})
    return rounds


def table(measured: Mapping[Case, Sequence[Round]]) -> list[Table]:
    """Ratios first, then what they were made of."""
    return [
        Table(
            "throughput: ratios, median of the rounds",
            (
                "load",
                "cpu / libmodbus",
                "cpu / pymodbus",
                "rate / libmodbus",
                "p99 / libmodbus",
                "lost of ours",
                "errors of ours",
            ),
            tuple(_ratios(case, rounds) for case, rounds in measured.items()),
            (
                "cpu: answered requests per processor second of the server, more is better (goal: 1.0 at 10 and 100",
                "connections, 15 of pymodbus at 125 registers, 2.5 with 8 in flight); p99: less is better (goal: 1.2).",
            ),
        ),
        Table(
            "throughput: medians",
            ("load", "server", "requests/s", "us cpu/request", "p50 us", "p99 us", "lost %", "errors"),
            tuple(_medians(case, name, rounds) for case, rounds in measured.items() for name in rounds[0]),
        ),
    ]


def _ratios(case: Case, rounds: Sequence[Round]) -> tuple[Cell, ...]:
    def against(name: str, figure: str) -> float:
        pairs: list[tuple[float, float]] = [
            (getattr(each[OURS], figure), getattr(each[name], figure)) for each in rounds
        ]
        return median(ours / theirs for ours, theirs in pairs if theirs)

    return (
        str(case),
        against(LIBMODBUS, "per_cpu_s"),
        against(PYMODBUS, "per_cpu_s"),
        against(LIBMODBUS, "per_s"),
        against(LIBMODBUS, "p99_us"),
        sum(each[OURS].lost for each in rounds),
        sum(each[OURS].errors for each in rounds),
    )


def _medians(case: Case, name: str, rounds: Sequence[Round]) -> tuple[Cell, ...]:
    outcomes = [each[name] for each in rounds]
    asked = sum(outcome.completed + outcome.lost for outcome in outcomes)
    return (
        str(case),
        name,
        round(median(outcome.per_s for outcome in outcomes)),
        median(1e6 * outcome.cpu_s / max(1, outcome.completed) for outcome in outcomes),
        median(outcome.p50_us for outcome in outcomes),
        median(outcome.p99_us for outcome in outcomes),
        100 * sum(outcome.lost for outcome in outcomes) / max(1, asked),
        sum(outcome.errors for outcome in outcomes),
    )
