"""Clients of a running gateway, with several workers, steered from the command line."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import wait_for
from tests.system.bus import Listener
from tests.system.gateway import Gateway, running
from tests.system.wire import Client, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]


@pytest.fixture
def gateway(run_dir: Path) -> Iterator[Gateway]:
    with running(run_dir, slave="workers = 2") as gateway:
        yield gateway


def listed(gateway: Gateway) -> dict[str, Any]:
    shown = gateway.cli("clients", "--json")
    assert shown.returncode == 0, shown.stderr
    found: dict[str, Any] = json.loads(shown.stdout)
    return found


def busy(client: Client) -> bool:
    answer = client.ask(read_pdu(0, 2))
    assert answer[:2] in (b"\x83\x06", b"\x03\x04")
    return answer[0] == 0x83


def test_pause_resume_and_disconnect_in_every_worker(gateway: Gateway) -> None:
    clients = [Client(gateway.port) for _ in range(12)]  # the kernel spreads them over both workers
    try:
        for client in clients:
            client.read(40, 2)
        rows = wait_for(lambda: _all(listed(gateway)["clients"], 12), "every client listed with its request")
        assert {row["instance"] for row in rows} == {"plain-slave", "plain-slave.2"}
        assert {(row["address"], row["function"], row["start"], row["count"]) for row in rows} == {
            ("127.0.0.1", 3, 40, 2)
        }
        with (
            Listener(gateway.run_dir, "plain-slave", "event/") as one,
            Listener(gateway.run_dir, "plain-slave.2", "event/") as other,
        ):
            wait_for(lambda: _paused(gateway, one, other), "events of both workers")
            assert all(busy(client) for client in (*clients, *clients))
            with Client(gateway.port) as newcomer:
                assert busy(newcomer)
            assert {each["who"] for each in listed(gateway)["paused"]} == {"127.0.0.1"}
            assert gateway.cli("clients", "resume", "127.0.0.1").returncode == 0
            assert not any(busy(client) for client in clients)
        again = gateway.cli("clients", "resume", "127.0.0.1")
        assert (again.returncode, "127.0.0.1 is not paused" in again.stderr) == (1, True)

        host, port = clients[0].socket.getsockname()
        ended = gateway.cli("clients", "disconnect", f"{host}:{port}")
        assert (ended.returncode, ended.stdout) == (0, f"{host}:{port} disconnected\n")
        assert clients[0].is_ended()
        assert not any(busy(client) for client in clients[1:])
    finally:
        for client in clients:
            client.close()


def test_a_pause_ends_with_the_process(gateway: Gateway) -> None:
    assert gateway.cli("clients", "pause", "127.0.0.1").returncode == 0
    for instance in ("plain-slave", "plain-slave.2"):
        assert gateway.cli("restart", instance).returncode == 0
    with Client(gateway.port) as client:
        assert not busy(client)
    assert listed(gateway)["paused"] == []


def _all(rows: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    asked = [row for row in rows if row["requests"]]
    return asked if len(asked) == count else []


def _paused(gateway: Gateway, *listeners: Listener) -> bool:
    """Pause, and whether each worker has told it; a listener that is not connected yet hears the next one."""
    assert gateway.cli("clients", "pause", "127.0.0.1").returncode == 0
    heard = [list(listener.within(0.2)) for listener in listeners]
    return all(any(event["kind"] == "client.paused" for event in events) for events in heard)
