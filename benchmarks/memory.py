"""Memory and start-up: all roles under one supervisor, and each role under its own, as its container has it.

PSS counts a page that several processes share only in part for each, so that the sum is what the machine has to give.
"""

import socket
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.gateway import Folder, folder, started, wait_ready, wait_register
from benchmarks.options import Options
from benchmarks.report import Table

ROLES = ("measurement", "register-store", "plain-slave")
MIB = 1024

TLS = "tls = true\ntls_port = {port}\n"
BESIDE = "plain_alongside_tls = true\n"
RECEIVER = '[[master.slave]]\naddress = "127.0.0.1"\nport = {port}\n'
RECEIVERS = 2

Sizes = dict[str, float]


def run(options: Options) -> list[Table]:
    """Measure both uses."""
    settle_s = 4.0 if options.quick else 6.0  # roles let go of what they started with after 3
    with ExitStack() as stack:
        plain, start_s = _up(settle_s)
        tls, _ = _up(settle_s, TLS.format(port=_free_port()))
        ports = [stack.enter_context(receiver()) for _ in range(RECEIVERS)]
        master = "[master]\nenabled = true\n" + "".join(RECEIVER.format(port=port) for port in ports)
        every, _ = _up(settle_s, TLS.format(port=_free_port()) + BESIDE, master)
    apart, starts_s = _pairs(settle_s)
    setups = (plain, tls, every)
    names = dict.fromkeys(name for sizes in (every, plain, tls) for name in sizes)
    return [
        Table(
            "memory of `metergate up`, MiB PSS",
            ("process", "as it comes", "slave.tls", "every role"),
            (
                *((name, *(sizes.get(name, "-") for sizes in setups)) for name in names),
                ("all", *(sum(sizes.values()) for sizes in setups)),
            ),
            (
                f"First register after {start_s:.2f} s (goal: 2 s). Goal for the sum: 100 MiB.",
                f"Every role: TLS, plain beside it, pushing to {RECEIVERS} slaves. The page is served over http.",
            ),
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


def _up(settle_s: float, slave: str = "", more: str = "") -> tuple[Sizes, float]:
    with folder(slave, more) as where:
        begin = time.monotonic()
        with started(where, "up") as process:
            if not slave:
                wait_register(where)
            start_s = time.monotonic() - begin
            names = {int(child["pid"]): str(child["name"]) for child in wait_ready(where, "supervisor")}
            time.sleep(settle_s)
            pids = [process.pid, *_below(process.pid)]
            names[process.pid] = "supervisor"
            return {names.get(pid, "fork server"): pss_mib(pid) for pid in pids}, start_s


class _Taker(socketserver.StreamRequestHandler):
    """Answers function 16 as a slave does that takes everything."""

    def handle(self) -> None:
        while len(head := self.rfile.read(7)) == 7:
            body = self.rfile.read(struct.unpack(">H", head[4:6])[0] - 1)
            self.wfile.write(head[:4] + struct.pack(">H", 6) + head[6:] + body[:5])


@contextmanager
def receiver() -> Iterator[int]:
    """A slave that is pushed to; its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Taker) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


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
