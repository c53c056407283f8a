"""A tiny role as a real process, as a supervisor starts it."""

import json
import os
import re
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack
import pytest

from shared.bus.endpoints import Endpoints, instances
from shared.bus.messages import SourceState
from shared.bus.sockets import context, sub_socket
from tests.support import Process, Processes, is_alive, wait_for

pytestmark = pytest.mark.system

TINY = """
import asyncio, os, sys
from shared.actor import Actor, main
from shared.bus.messages import SourceState
from shared.errors import UnavailableError

class Tiny(Actor):
    role = "measurement"
    nice = 3

    def __init__(self, life):
        super().__init__(life)
        if story == "fail in constructor":
            raise ValueError("constructor")
        if story == "lack something":
            raise UnavailableError("the folder is full")

    def say(self, connected):
        bus = self.life.bus
        stamp = bus.stamp(SourceState, "house")
        bus.publish(SourceState(**stamp, t_ns=1, meter="house", connected=connected), "house")

    async def run(self):
        life = self.life
        if story == "fail":
            raise ValueError("boom")
        if story == "cancel itself":
            asyncio.current_task().cancel()
        if story == "fail in handler":
            life.bus.subscribe(life.instance, SourceState, lambda message: 1 / 0)
        if story == "fail while stopping":
            try:
                life.ready()
                await asyncio.Event().wait()
            finally:
                raise ValueError("too late")
        self.say(True)
        life.status(fresh_until_ns=5)
        life.ready()
        print("lives as", life.instance, life.config.slave.port, [one.getsockname()[1] for one in life.listen])
        if story == "count turns":
            while True:
                await asyncio.sleep(0.001)
                print("turn", life._beat)
        await asyncio.Event().wait()

story = os.environ.get("STORY", "")
main(Tiny)
"""

SUPERVISOR = """
import os, subprocess, sys
os.environ["METERGATE_SUPERVISOR_PID"] = str(os.getpid())
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]])
print("child", child.pid)
child.wait()
"""


@pytest.fixture
def start(run_dir: Path, processes: Processes) -> Callable[..., Process]:
    settings = run_dir / "metergate.toml"
    settings.write_text("[slave]\nport = 1502\n", encoding="utf-8")

    def begin(story: str = "", fds: tuple[int, ...] = (), **env: str) -> Process:
        environ = {"STORY": story, "METERGATE_CONFIG": str(settings), **env}
        return processes.python("-c", TINY, env=environ, pass_fds=fds)

    return begin


def log_lines(process: Process) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.output.splitlines() if line.startswith("{")]


def test_ready_and_beats_go_to_the_supervisor_with_what_the_role_says(start: Callable[..., Process]) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = start(fds=(theirs.fileno(),), METERGATE_CONTROL_FD=str(theirs.fileno()), METERGATE_BEAT_S="0.02")
        ours.settimeout(20)
        told: list[dict[str, Any]] = []
        while not told or told[-1].get("beat", 0) < 5:
            told.append(msgpack.unpackb(ours.recv(4096)))
    assert {"ready": True} in told
    assert [message["beat"] for message in told if "beat" in message] == [1, 2, 3, 4, 5]
    said = {"fresh_until_ns": 5, "ready": True}  # repeated, should one be lost
    assert told[-1] == {"beat": 5, "queue": 0, "pending": 0, "missed": 0, **said}
    assert process.terminate() == 0


def test_a_supervisor_that_does_not_read_holds_nobody_up(start: Callable[..., Process]) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        process = start(
            "count turns", (theirs.fileno(),), METERGATE_CONTROL_FD=str(theirs.fileno()), METERGATE_BEAT_S="0.001"
        )
        turn = re.compile(r"turn (\d+)\n")
        # whichever is the first beyond 300: many beats may pass between two turns of the role
        wait_for(lambda: any(int(beat) >= 300 for beat in turn.findall(process.output)), "300 beats", 20)
        assert msgpack.unpackb(ours.recv(4096))["beat"] == 1
        assert process.terminate() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(start: Callable[..., Process], number: signal.Signals, run_dir: Path) -> None:
    process = start(METERGATE_INSTANCE="plain-slave.2")
    process.wait_output("lives as plain-slave.2 1502 []")
    assert instances(run_dir / "run") == ["plain-slave.2"]
    process.send(number)
    assert process.wait() == 0
    (line,) = log_lines(process)
    assert (line["event"], line["instance"]) == ("stopped", "plain-slave.2")
    assert instances(run_dir / "run") == []


def test_it_stands_back_as_far_as_its_role_wants(start: Callable[..., Process]) -> None:
    process = start()
    process.wait_output("lives as")
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(os.PRIO_PROCESS, 0) + 3


def test_it_is_on_the_bus(start: Callable[..., Process], run_dir: Path) -> None:
    start()
    endpoints = Endpoints(run_dir / "run")
    with context() as ctx, sub_socket(ctx, endpoints.pub("measurement"), b"source/") as sub:
        assert sub.poll(20_000)
        assert SourceState.__struct_config__.tag == msgpack.unpackb(sub.recv_multipart()[1])["type"]


def test_a_second_copy_is_refused_and_the_first_lives_on(start: Callable[..., Process]) -> None:
    first = start()
    first.wait_output("lives as measurement")
    second = start()
    assert second.wait() == 1
    assert second.output.startswith("measurement: measurement is already running under")
    assert first.returncode is None
    first.send(signal.SIGKILL)
    first.wait()
    third = start()
    third.wait_output("lives as measurement")


def test_wrong_settings_end_with_78_and_every_mistake(start: Callable[..., Process], run_dir: Path) -> None:
    (run_dir / "metergate.toml").write_text("[slave]\nport = 0\nx = 1\n", encoding="utf-8")
    process = start()
    assert process.wait() == 78
    assert "metergate.toml:2: slave.port: is 0" in process.output
    assert "metergate.toml:3: slave.x: is no setting" in process.output


def test_missing_settings_and_an_unusable_run_folder_end_with_78(start: Callable[..., Process], run_dir: Path) -> None:
    missing = start(METERGATE_CONFIG=str(run_dir / "none.toml"))
    blocked = start(METERGATE_RUN_DIR=str(run_dir / "metergate.toml"))
    long = start(METERGATE_RUN_DIR="/tmp/" + "x" * 100)
    assert (missing.wait(), blocked.wait(), long.wait()) == (78, 78, 78)
    assert "none.toml: cannot be read" in missing.output
    assert "gateway.run_dir" in blocked.output
    assert "too long for the sockets" in long.output


def test_what_is_missing_ends_it_with_75_and_is_said_by_the_supervisor_if_there_is_one(
    start: Callable[..., Process],
) -> None:
    alone = start("lack something")
    assert alone.wait() == 75
    assert "measurement: the folder is full" in alone.output
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = start("lack something", fds=(theirs.fileno(),), METERGATE_CONTROL_FD=str(theirs.fileno()))
        assert process.wait() == 75
        ours.settimeout(20)
        assert msgpack.unpackb(ours.recv(4096)) == {"refused": "the folder is full"}
        assert process.output == ""


def test_the_copy_in_force_is_read_instead_of_the_file(start: Callable[..., Process], run_dir: Path) -> None:
    (run_dir / "in-force").write_text("[slave]\nport = 1503\n", encoding="utf-8")
    (run_dir / "metergate.toml").write_text("broken", encoding="utf-8")
    start(METERGATE_SETTINGS=str(run_dir / "in-force")).wait_output("lives as measurement 1503")


@pytest.mark.parametrize(
    ("story", "kind", "value"),
    [
        ("fail", "ValueError", "boom"),
        ("fail in constructor", "ValueError", "constructor"),
        ("fail in handler", "ZeroDivisionError", "division by zero"),
        ("cancel itself", "RuntimeError", "the role was cancelled, but nobody asked it to stop"),
    ],
)
def test_an_exception_ends_it_with_1_and_one_log_line(
    start: Callable[..., Process], story: str, kind: str, value: str
) -> None:
    process = start(story)
    assert process.wait(20) == 1
    (line,) = log_lines(process)
    assert (line["event"], line["instance"], line["level"]) == ("role failed", "measurement", "error")
    assert (line["exception"][0]["exc_type"], line["exception"][0]["exc_value"]) == (kind, value)


def test_a_failure_while_stopping_is_no_ordered_end(start: Callable[..., Process]) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        process = start("fail while stopping", (theirs.fileno(),), METERGATE_CONTROL_FD=str(theirs.fileno()))
        ours.settimeout(20)
        while "ready" not in msgpack.unpackb(ours.recv(4096)):
            pass
        assert process.terminate() == 1
    assert log_lines(process)[-1]["exception"][0]["exc_value"] == "too late"


def test_listening_sockets_are_inherited(start: Callable[..., Process]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [one.getsockname()[1], two.getsockname()[1]]
        fds = (one.fileno(), two.fileno())
        process = start(fds=fds, METERGATE_LISTEN_FDS=",".join(map(str, fds)))
        process.wait_output(f"lives as measurement 1502 {ports}")


@pytest.mark.parametrize("stopped", [False, True])
def test_it_dies_with_its_supervisor_even_while_stopped(
    processes: Processes, start: Callable[..., Process], run_dir: Path, stopped: bool
) -> None:
    del start  # wrote the settings
    parent = processes.python("-c", SUPERVISOR, TINY, env={"METERGATE_CONFIG": str(run_dir / "metergate.toml")})
    parent.wait_output("lives as measurement")
    child = int(parent.output.split()[1])
    if stopped:
        os.kill(child, signal.SIGSTOP)
    assert is_alive(child)
    parent.send(signal.SIGKILL)
    wait_for(lambda: not is_alive(child), "the child's end")
    wait_for(lambda: instances(run_dir / "run") == [], "the lock is free once its last thread has ended")


def test_it_does_not_begin_under_a_supervisor_that_is_gone(start: Callable[..., Process], run_dir: Path) -> None:
    process = start(METERGATE_SUPERVISOR_PID=str(2**22 - 1))
    assert process.wait() == -signal.SIGKILL
    assert process.output == ""
    assert not (run_dir / "run").exists()
