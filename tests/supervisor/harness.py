"""A supervisor of misbehaving roles as a process of its own, seen from outside: its bus, its files, its exit code."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import zmq
from msgspec.structs import replace

from shared.bus.codec import decode
from shared.bus.command import call
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Child, Event, Processes
from shared.bus.sockets import context, sub_socket
from supervisor import policy
from supervisor.settings import Settings
from supervisor.spec import Listen, RoleSpec
from supervisor.up import supervise_roles

MODULE: Final = "tests.supervisor.bad_role"
PATIENCE_S: Final = 20.0
SPECS: Final = (
    RoleSpec(name="alpha", module=MODULE, needs=lambda config: config.meter, stop_stage=2),
    RoleSpec(
        name="beta",
        module=MODULE,
        needs=lambda config: (replace(config.slave, workers=1), config.slave.workers > 1),
        enabled=lambda config: config.slave.enabled,
        workers=lambda config: config.slave.workers,
        listen=lambda config: Listen(config.slave.host, config.slave.port, shared=config.slave.workers > 1),
        stop_stage=1,
    ),
    RoleSpec(
        name="gamma",
        module=MODULE,
        needs=lambda config: config.wallbox,
        verifier=f"{MODULE}.verify",
        files=lambda config: (config.gateway.run_dir / "verify.behaviour",),
        over_budget="park",
        stop_stage=2,
    ),
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Running:
    """A supervisor that runs; `processes` and `events` are what it published last, and all it published."""

    def __init__(self, folder: Path, roles: tuple[str, ...], **slave: str | int | bool) -> None:
        self.run_dir = folder / "run"
        self.run_dir.mkdir(exist_ok=True)
        self.file = folder / "metergate.toml"
        self.port = free_port()
        self.slave: dict[str, str | int | bool] = {"host": "127.0.0.1", "port": self.port, **slave}
        self.instance = "supervisor"
        self.roles = roles
        self.events: list[Event] = []
        self.processes: Processes | None = None
        self.output = folder / "output"
        self.process: subprocess.Popen[bytes]
        self._context = context()
        self._sub = sub_socket(self._context, Endpoints(self.run_dir).pub(self.instance), b"")

    def behave(self, instance: str, words: str) -> None:
        """From its next start on, the instance does this; see `bad_role`."""
        (self.run_dir / f"{instance}.behaviour").write_text(words)

    def write(
        self, *, budget: int = 10, beat_timeout_s: float = 0.8, more: str = "", **slave: str | int | bool
    ) -> None:
        """Write the settings and let them look old, so that a change counts as soon as it is asked for."""
        self.slave |= slave
        lines = [
            f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
            for key, value in self.slave.items()
        ]
        limits = f"beat_timeout_s = {beat_timeout_s}\nstop_timeout_s = 0.5\nmax_deaths_per_minute = {budget}"
        text = f"[supervisor]\n{limits}\n\n[slave]\n{chr(10).join(lines)}\n\n{more}"
        beside = self.file.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self.file)

    def begin(self) -> None:
        """Start the supervisor."""
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.supervisor.harness", str(self.file), *self.roles],
                stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def wait(self, what: Callable[["Running"], bool]) -> None:
        """Take what is published until this holds."""
        until = time.monotonic() + PATIENCE_S
        while not what(self):
            while not self._sub.poll(200, zmq.POLLIN) and time.monotonic() < until and self.process.poll() is None:
                pass
            if not self._sub.poll(0, zmq.POLLIN):
                raise AssertionError(f"waited in vain; {self.processes}\n{self.output.read_text()}")
            message = decode(self._sub.recv_multipart()[1])
            if isinstance(message, Event):
                self.events.append(message)
            elif isinstance(message, Processes):
                self.processes = message

    def child(self, name: str) -> Child:
        """The row of that instance, as last published."""
        children = self.processes.children if self.processes else ()
        return next((child for child in children if child.name == name), Child(name, name, "unknown"))

    def wait_state(self, **states: str) -> None:
        """Wait until these instances are in these states."""
        self.wait(lambda run: all(run.child(_dotted(name)).state == state for name, state in states.items()))

    def wait_ready(self) -> None:
        """Wait until all are ready."""
        self.wait(lambda run: bool(run.processes) and all(child.state == "ready" for child in run.children()))

    def children(self) -> tuple[Child, ...]:
        """All rows, as last published."""
        return self.processes.children if self.processes else ()

    def wait_event(self, kind: str, text: str = "") -> Event:
        """Wait for an event of that kind with this in its text."""
        self.wait(lambda run: any(event.kind == kind and text in event.text for event in run.events))
        return next(event for event in self.events if event.kind == kind and text in event.text)

    def command(self, verb: str, role: str = "") -> dict[str, Any]:
        """Send a command and wait for its result."""
        return call(Endpoints(self.run_dir).cmd(self.instance), self.instance, verb, {"role": role}, PATIENCE_S)

    def starts(self, instance: str) -> list[int]:
        """Pids of all processes that this instance has been."""
        file = self.run_dir / f"{instance}.starts"
        return [int(line.split()[0]) for line in file.read_text().splitlines()] if file.exists() else []

    def answer(self) -> int:
        """Pid of whoever accepts on the port."""
        with socket.create_connection(("127.0.0.1", int(self.slave["port"])), PATIENCE_S) as connection:
            return int(connection.recv(32))

    def end(self) -> int:
        """End it in order; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE_S)
        self._sub.close()
        self._context.term()


@contextlib.contextmanager
def running(folder: Path, *roles: str, budget: int = 10, port: int = 0, **behaviour: str) -> Iterator[Running]:
    """A supervisor of these roles, whose instances behave like this; killed at the end if it still runs."""
    run = Running(folder, roles, **({"port": port} if port else {}))
    for name, words in behaviour.items():
        run.behave(_dotted(name), words)
    run.write(budget=budget)
    run.begin()
    try:
        yield run
    finally:
        run.close()


def alive(pid: int) -> bool:
    """Whether that process exists and is no zombie."""
    try:
        return b") Z" not in Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def gone(pid: int) -> None:
    """Wait for the end of a process that is not our child."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            poller = zmq.Poller()
            poller.register(fd, zmq.POLLIN)
            assert poller.poll(int(PATIENCE_S * 1000)), f"{pid} still runs"
        finally:
            os.close(fd)


def _dotted(name: str) -> str:
    return name.replace("_", ".")


if __name__ == "__main__":
    policy.AGAIN_S = 0.2  # type: ignore[misc]  # nobody waits half a minute here
    _specs = tuple(spec for spec in SPECS if spec.name in sys.argv[2:])
    sys.exit(supervise_roles("supervisor", _specs, Settings(Path(sys.argv[1])), entry=f"{MODULE}.actor:child_main"))
