"""`metergate clients`: what slaves say is shown, commands reach every worker, and what none can do is said."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import structlog

from shared import clock
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints, acquire
from shared.bus.messages import Client, Command, Sessions
from shared.errors import RefusedError
from tests.supervisor.cli.conftest import Run

FINGERPRINT = "ab" * 32
Answer = Callable[[Command], dict[str, Any]]


@contextmanager
def slave(run_dir: Path, instance: str, answer: Answer, *details: Client, **more: Any) -> Iterator[None]:
    """A slave that has these clients, in a thread of its own."""
    lock = acquire(run_dir, instance)
    loop = asyncio.new_event_loop()

    async def serve(stop: asyncio.Event) -> None:
        bus = Bus(Endpoints(run_dir), instance, lock.generation, structlog.get_logger())

        async def handler(command: Command) -> dict[str, Any]:
            return answer(command)

        bus.serve(handler)
        told = {"connections": len(details), "details": details, **more}
        bus.publish(Sessions(**bus.stamp(Sessions), t_ns=clock.now_ns(), port=502, **told))
        await stop.wait()
        bus.close()

    stop = asyncio.Event()
    thread = Thread(target=loop.run_until_complete, args=(serve(stop),))
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
        lock.release()


def busy() -> Client:
    now = clock.now_ns()
    return Client(
        peer="192.0.2.7:4000", address="192.0.2.7", connected_ns=now - 90_000_000_000, asked_ns=now - 2_000_000_000,
        requests=45, exceptions=1, unit=1, function=3, start=40, count=2,
    )  # fmt: skip


def vouched() -> Client:
    return Client(
        peer="192.0.2.8:4001", address="192.0.2.8", connected_ns=clock.now_ns(), fingerprint=FINGERPRINT,
        label="boiler", role="", protocol="TLSv1.3", paused=True,
    )  # fmt: skip


class Asked:
    """Keeps each command, and says yes or no."""

    def __init__(self, refusal: str = "") -> None:
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.refusal = refusal

    def __call__(self, command: Command) -> dict[str, Any]:
        self.commands.append((command.verb, command.args))
        if self.refusal:
            raise RefusedError(self.refusal)
        return {"who": command.args.get("who", ""), "connections": 2}


@pytest.fixture
def both(config: Path) -> Path:
    """Settings with both slaves and two workers each."""
    lines = "workers = 2\ntls = true\nplain_alongside_tls = true\n"
    config.write_text(config.read_text(encoding="utf-8") + lines, encoding="utf-8")
    return config


def test_clients_are_listed_for_people_and_programs(run: Run, both: Path, run_dir: Path) -> None:
    with (
        slave(run_dir, "plain-slave", Asked(), busy(), connections=9),
        slave(run_dir, "tls-slave.2", Asked(), vouched(), paused=(FINGERPRINT,)),
    ):
        shown = run("clients", "--config", both)
        told = json.loads(run("clients", "--json", "--config", both).stdout)
    assert shown.exit_code == 0, shown.stderr
    head, first, second, paused = shown.stdout.splitlines()
    assert head.split()[:4] == ["SLAVE", "CLIENT", "NAME", "CONNECTED"]
    assert first.split()[:7] == ["plain-slave", "192.0.2.7:4000", "-", "90", "s", "45", "1"]
    assert first.endswith("2 s    function 3 on 40 to 41, unit 1")
    assert second.split()[:3] == ["tls-slave.2", "192.0.2.8:4001", "boiler"]
    assert second.endswith("paused")
    assert paused == f"paused: {FINGERPRINT}"
    assert shown.stderr == "and 8 more connections\n"
    one, other = told["clients"]
    assert (one["instance"], one["requests"], one["asked_s"]) == ("plain-slave", 45, pytest.approx(2, abs=0.5))
    assert (other["fingerprint"], other["asked_s"], other["paused"]) == (FINGERPRINT, None, True)
    assert told["paused"] == [{"instance": "tls-slave.2", "who": FINGERPRINT}]


def test_nobody_is_there(run: Run, config: Path, run_dir: Path) -> None:
    nothing = run("clients", "--config", config)
    assert (nothing.exit_code, "no slave runs under" in nothing.stderr) == (1, True)
    with slave(run_dir, "plain-slave", Asked()):
        assert run("clients", "--config", config).stdout == "no client is connected\n"


def test_every_worker_is_told(run: Run, both: Path, run_dir: Path) -> None:
    names = ("plain-slave", "plain-slave.2", "tls-slave", "tls-slave.2")
    asked = {name: Asked() for name in names}
    with ExitStack() as stack:
        for name in names:
            details = (vouched(),) if name == "tls-slave.2" else ()
            stack.enter_context(slave(run_dir, name, asked[name], *details))
        by_address = run("clients", "pause", "192.0.2.7", "--config", both)
        by_fingerprint = run("clients", "pause", "abab", "abab", "--config", both)
        asked["plain-slave"].refusal = asked["tls-slave"].refusal = "192.0.2.7 is not paused"
        resumed = run("clients", "resume", "192.0.2.7", "--config", both)
        ended = run("clients", "disconnect", "192.0.2.7:4000", "--config", both)
        unknown = run("clients", "pause", "cdcdcdcd", "--config", both)
    assert by_address.stdout == "192.0.2.7 paused, 8 connections open\n"
    assert by_fingerprint.stdout == f"{FINGERPRINT} paused, 4 connections open\n"
    assert resumed.stdout == "192.0.2.7 resumed, 4 connections open\n"
    assert ended.stdout == "192.0.2.7:4000 disconnected\n"
    assert (unknown.exit_code, "no certificate begins with cdcdcdcd" in unknown.stderr) == (1, True)
    of_address = [
        ("pause", {"who": "192.0.2.7", "by": "cli"}),
        ("resume", {"who": "192.0.2.7", "by": "cli"}),
        ("disconnect", {"peer": "192.0.2.7:4000", "by": "cli"}),
    ]
    assert asked["plain-slave"].commands == asked["plain-slave.2"].commands == of_address
    of_fingerprint = ("pause", {"who": FINGERPRINT, "by": "cli"})
    assert asked["tls-slave"].commands == [of_address[0], of_fingerprint, *of_address[1:]]


def test_what_none_can_do_is_said(run: Run, config: Path, run_dir: Path) -> None:
    with slave(run_dir, "plain-slave", Asked("no client 192.0.2.7:1 is connected")):
        for arguments, words in (
            (("disconnect", "192.0.2.7:1"), "no client 192.0.2.7:1 is connected"),
            (("resume", "192.0.2.7"), "no client 192.0.2.7:1 is connected"),
            (("pause", "abababab"), "'abababab' is no IP address, and no slave that knows certificates runs"),
        ):
            result = run("clients", *arguments, "--config", config)
            assert (result.exit_code, result.stdout) == (1, "")
            assert words in result.stderr
    assert run("clients", "pause", "--config", config).exit_code == 2


def test_who_is_neither_an_address_nor_a_fingerprint_is_told_so(run: Run, both: Path, run_dir: Path) -> None:
    with slave(run_dir, "tls-slave", Asked("not asked")):
        result = run("clients", "pause", "heat-pump", "--config", both)
        assert result.exit_code == 1
        assert "'heat-pump' is neither an IP address nor a fingerprint" in result.stderr
