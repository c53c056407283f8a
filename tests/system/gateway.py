"""A whole `metergate up` of the tests: its settings, its processes, what it says."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from shared.bus.command import call
from shared.bus.endpoints import Endpoints
from tests.support import Process, free_port, is_alive, wait_for
from tests.system.wire import answers

METERGATE = Path(sys.executable).with_name("metergate")
MARK = "METERGATE_TEST_FOLDER"
"""In the environment of every process of a gateway of the tests, so that none can hide."""
SIMULATED = '[[meter]]\nid = "house"\nsource = "simulated"\n[meter.simulated]\nstart = "11:30"\n'

AnyGateway = TypeVar("AnyGateway", bound="Gateway")


class Gateway:
    """One settings file and whatever runs by it.

    Args:
        folder: short; holds settings, run and state folder.
        meter: the [[meter]] tables.
        slave: lines of [slave] besides host and port.
        more: further tables.

    Attributes:
        file: settings.
        port: of the plain slave.
        process: the supervisor that was started last.
    """

    def __init__(self, folder: Path, meter: str = SIMULATED, slave: str = "", more: str = "") -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        self.file = folder / "metergate.toml"
        self.run_dir = folder / "run"
        self.state_dir = folder / "state"
        self.port = free_port()
        self.meter = meter
        self.slave = slave
        self.more = more
        self.write()
        self._started: list[Process] = []

    @property
    def process(self) -> Process:
        """The supervisor that was started last."""
        return self._started[-1]

    def text(self) -> str:
        """The settings."""
        slave = f'[slave]\nhost = "127.0.0.1"\nport = {self.port}\n{self.slave}\n'
        console = "" if "[console]" in self.more else "[console]\nenabled = false\n"
        return f'[log]\nformat = "json"\n{slave}{console}{self.more}\n{self.meter}\n'

    def write(self, text: str | None = None) -> None:
        """Replace the settings file, by default with what the attributes say."""
        beside = self.file.with_suffix(".new")
        beside.write_text(self.text() if text is None else text, errors="surrogateescape")
        beside.replace(self.file)

    def launch(self, *arguments: str, env: dict[str, str] | None = None) -> Process:
        """`metergate up`, not waiting for anything."""
        command: list[str | Path] = [METERGATE, *(arguments or ("up",)), "--config", self.file]
        process = Process(command, env={MARK: str(self.folder), **(env or {})}, cwd=self.folder)
        self._started.append(process)
        return process

    def start(self) -> None:
        """`metergate up`; returns when a live register can be read."""
        process = self.launch()
        wait_for(lambda: process.returncode is not None or answers(self.port), "a register", 20)
        assert process.returncode is None, process.output

    def end(self) -> None:
        """End whatever still runs; say what it said."""
        while self._started:
            self._started.pop().end()

    def ask(self, verb: str, **args: str) -> dict[str, Any]:
        """A command to the supervisor, as the command line sends it."""
        return call(Endpoints(self.run_dir).cmd("supervisor"), "supervisor", verb, args, 20)

    def children(self) -> dict[str, dict[str, Any]]:
        """Rows of `metergate ps` by instance."""
        return {child["name"]: child for child in self.ask("ps")["children"]}

    def pid(self, instance: str) -> int:
        """Of a role's process; waits for one while there is none."""
        return wait_for(lambda: int(self.children()[instance]["pid"]), f"a process of {instance}", 20)

    def pids(self) -> dict[str, int]:
        """Of all roles that have a process."""
        return {name: int(child["pid"]) for name, child in self.children().items() if child["pid"]}

    def wait_ready(self, timeout_s: float = 20.0) -> dict[str, dict[str, Any]]:
        """The rows once every role is ready."""
        return wait_for(lambda: _ready(self.children()), "every role ready", timeout_s)

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the command line."""
        command = [str(METERGATE), *arguments, "--config", str(self.file)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, cwd=self.folder)

    def state(self) -> dict[str, Any]:
        """The supervisor's state file."""
        found: dict[str, Any] = json.loads((self.run_dir / "supervisor.json").read_bytes())
        return found

    def fork_server(self) -> int:
        """Pid of the supervisor's child that is no role."""
        others = set(descendants(self.process.pid)) - set(self.pids().values())
        assert len(others) == 1, f"{others} besides the roles"
        return others.pop()


def _ready(children: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return children if all(child["state"] in {"ready", "disabled"} for child in children.values()) else {}


@contextlib.contextmanager
def running(folder: Path, meter: str = SIMULATED, slave: str = "", more: str = "") -> Iterator[Gateway]:
    """A gateway that serves; ended with the block."""
    with serving(Gateway(folder, meter, slave, more)) as gateway:
        yield gateway


@contextlib.contextmanager
def serving(gateway: AnyGateway) -> Iterator[AnyGateway]:
    """This one, once it serves; ended with the block."""
    try:
        gateway.start()
        gateway.wait_ready()
        yield gateway
    finally:
        gateway.end()


def descendants(pid: int) -> list[int]:
    """All living processes below one, from /proc."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
            if fields[0] not in "ZX":
                parents[int(stat.parent.name)] = int(fields[1])
    found, edge = [], {pid}
    while edge := {child for child, parent in parents.items() if parent in edge}:
        found += sorted(edge)
    return found


def of_gateway(folder: Path) -> list[int]:
    """Living processes that were ever started for this gateway: also such that lost their parent."""
    mark = f"{MARK}={folder}\0".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in environ.read_bytes() and is_alive(int(environ.parent.name)):
                found.append(int(environ.parent.name))
    return found


def descriptors(pid: int) -> int:
    """How many a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def private_kib(pid: int) -> int:
    """Memory that is this process's alone: what a leak would grow, whoever else shares the rest."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Clean:", "Private_Dirty:")))


def send(pid: int, number: signal.Signals) -> None:
    """A signal to a process of the gateway; one that has ended meanwhile has it already."""
    assert pid > 1, f"{pid} is no process of a gateway; a signal to 0 would hit this test's own group"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def say(text: str) -> None:
    """Shown by pytest -s, or where the test fails."""
    sys.stderr.write(f"{text}\n")
