"""What tests share: free ports, waiting with a deadline instead of sleeping, processes that never outlive their test.

The fixtures `run_dir` and `processes` are in `conftest`.
"""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parent.parent
"""Of the source tree."""

STEP_S = 0.005


LOWEST_PORT = 10_000
CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""From its first port on the kernel gives them to connections, and to who asks for any port."""


def _ports() -> Iterator[int]:
    """In no order, so that two runs of the tests hardly meet."""
    ports = list(range(LOWEST_PORT, int(CONNECTIONS.read_text(encoding="ascii").split()[0])))
    random.shuffle(ports)
    return itertools.cycle(ports)


_untaken = _ports()


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody has now, and nobody gets unasked before it is used."""
    while True:
        port = next(_untaken)
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one, contextlib.suppress(OSError):
            one.bind((host, port))
            return port


def wait_for(look: Callable[[], T], what: str = "", timeout_s: float = 10.0) -> T:
    """The first true value of `look`, asked again and again until the deadline."""
    until = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() >= until:
            raise AssertionError(f"not within {timeout_s:g} s: {what or look}")
        time.sleep(STEP_S)
    return found


async def until(look: Callable[[], T], what: str = "", timeout_s: float = 10.0) -> T:
    """As `wait_for`, while the event loop turns."""
    end = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() >= end:
            raise AssertionError(f"not within {timeout_s:g} s: {what or look}")
        await asyncio.sleep(STEP_S)
    return found


@contextlib.contextmanager
def most_memory() -> Iterator[list[int]]:
    """After the block its one item: bytes that Python's own objects took in it at most."""
    found: list[int] = []
    tracemalloc.start()
    try:
        yield found
        found.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a connection to that port is accepted."""
    with socket.socket() as one:
        one.settimeout(1)
        return one.connect_ex((host, port)) == 0


def is_alive(pid: int) -> bool:
    """Whether that process exists and is no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def memory_kib(pid: int) -> int:
    """What a process wrote to, in memory. Pages of libraries come and go, whatever it does."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no memory")


class Process:
    """A started program; its standard output and error go to one file."""

    def __init__(
        self,
        args: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
        self.args = [str(part) for part in args]
        self.popen = subprocess.Popen(
            self.args,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            pass_fds=tuple(pass_fds),
        )

    @property
    def pid(self) -> int:
        """Of the program itself."""
        return self.popen.pid

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self.popen.poll()

    @property
    def output(self) -> str:
        """What it printed until now."""
        return os.pread(self._file.fileno(), os.fstat(self._file.fileno()).st_size, 0).decode(errors="replace")

    def send(self, number: signal.Signals) -> None:
        """A signal to the program."""
        self.popen.send_signal(number)

    def wait(self, timeout_s: float = 10.0) -> int:
        """Its exit code once it has ended."""
        return self.popen.wait(timeout_s)

    def terminate(self, timeout_s: float = 10.0) -> int:
        """SIGTERM, then its exit code."""
        self.popen.terminate()
        return self.wait(timeout_s)

    def wait_output(self, text: str, timeout_s: float = 10.0) -> str:
        """Its output once `text` stands in it; fails at once where the program ended without."""

        def look() -> str:
            ended = self.returncode is not None  # asked first: what was printed before the end is in the file
            output = self.output
            if text in output:
                return output
            if ended:
                raise AssertionError(f"{self.args} ended with {self.returncode} before {text!r}:\n{output}")
            return ""

        return wait_for(look, f"{text!r} from {self.args}", timeout_s)

    def end(self) -> None:
        """End it however it is, and print what it said, which pytest shows where the test failed."""
        if self.returncode is None:
            self.popen.send_signal(signal.SIGCONT)
            self.popen.terminate()
            try:
                self.popen.wait(5)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait(5)
        print(f"--- {' '.join(self.args)} (exit {self.returncode})\n{self.output}")  # noqa: T201
        self._file.close()


class Processes:
    """Starts programs and ends all of them, the last one first."""

    def __init__(self) -> None:
        self._started: list[Process] = []

    def start(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Process:
        """Start a program."""
        process = Process(args, env=env, cwd=cwd, pass_fds=pass_fds)
        self._started.append(process)
        return process

    def python(
        self,
        *args: str | Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = ROOT,
        pass_fds: Sequence[int] = (),
    ) -> Process:
        """Start this interpreter with `args`, e.g. `"-m", "services.measurement"`."""
        return self.start(sys.executable, *args, env=env, cwd=cwd, pass_fds=pass_fds)

    def end(self) -> None:
        """End all."""
        while self._started:
            self._started.pop().end()
