"""Memory and start-up: all roles under one supervisor, and each role under its own, as its container has it.

PSS counts a page that several processes share only in part for each, so that the sum is what the machine has to give.
"""

import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.gateway import Folder, folder, started, wait_ready, wait_register
from benchmarks.options import Options
from benchmarks.report import Table

ROLES = ("measurement", "register-store", "plain-slave")
MIB = 1024

Row = tuple[str, float]


def run(options: Options) -> list[Table]:
    """Measure both uses."""
    settle_s = 1.0 if options.quick else 5.0
    together, start_s = _up(settle_s)
    apart, starts_s = _pairs(settle_s)
    return [
        Table(
            "memory of `metergate up`, MiB PSS",
            ("process", "PSS"),
            (*together, ("all", sum(size for _, size in together))),
            (f"First register after {start_s:.2f} s (goal: 2 s). Goal for the sum: 100 MiB.",),
        ),
        Table(
            "memory of one `metergate run ROLE` each, all at the same time, MiB PSS, and start-up of each alone, s",
            ("role", "supervisor", "role itself", "ready after"),
            (
                *((role, *sizes, starts_s[role]) for role, sizes in apart.items()),
                ("all", sum(a for a, _ in apart.values()), sum(b for _, b in apart.values()), max(starts_s.values())),
            ),
            ("Goal for the compose set: 250 MiB.",),
        ),
    ]


def _up(settle_s: float) -> tuple[tuple[Row, ...], float]:
    with folder() as where:
        begin = time.monotonic()
        with started(where, "up") as process:
            wait_register(where)
            start_s = time.monotonic() - begin
            names = {int(child["pid"]): str(child["name"]) for child in wait_ready(where, "supervisor")}
            time.sleep(settle_s)
            pids = [process.pid, *_below(process.pid)]
            names[process.pid] = "supervisor"
            return tuple((names.get(pid, "fork server"), pss_mib(pid)) for pid in pids), start_s


def _pairs(settle_s: float) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    with folder() as where:
        starts_s = {role: _start_s(where, role) for role in ROLES}
        with ExitStack() as stack:
            supervisors = {role: stack.enter_context(started(where, "run", role)) for role in ROLES}
            wait_register(where)
            pids = {role: int(wait_ready(where, f"supervisor.{role}")[0]["pid"]) for role in ROLES}
            time.sleep(settle_s)
            return {role: (pss_mib(supervisors[role].pid), pss_mib(pids[role])) for role in ROLES}, starts_s


def _start_s(where: Folder, role: str) -> float:
    begin = time.monotonic()
    with started(where, "run", role):
        wait_ready(where, f"supervisor.{role}")
        return time.monotonic() - begin


def _below(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children]


def pss_mib(pid: int) -> float:
    """Proportional set size of a process."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / MIB
    raise ValueError(f"process {pid} has no memory")
