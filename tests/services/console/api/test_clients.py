"""Clients of every slave process, and whom a command reaches."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.bus.messages import Client, Sessions
from shared.errors import PeerError, RefusedError
from tests.services.console.asked import Bench

PRINT = "ab" * 32


def serving(bench: Bench, instance: str, *clients: Client, **more: Any) -> None:
    port = 802 if instance.startswith("tls") else 502
    facts: dict[str, Any] = {"port": port, "connections": len(clients), "details": clients, **more}
    message = Sessions(src=instance, gen=1, seq=1, t_ns=clock.now_ns(), **facts)
    bench.hear.town._take_sessions(instance, message)


def client(peer: str, **more: Any) -> Client:
    return Client(peer=peer, address=peer.partition(":")[0], connected_ns=clock.now_ns() - 2_000_000_000, **more)


def test_what_is_not_known_is_null(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        serving(bench, "tls-slave", client("192.0.2.7:5", fingerprint=PRINT, protocol="TLSv1.3", label="PLC"))
        asked = {"asked_ns": clock.now_ns(), "unit": 0, "function": 3, "start": 0, "count": 2, "requests": 9}
        serving(bench, "plain-slave.2", client("192.0.2.8:5", **asked), paused=("192.0.2.8",))
        found = (await bench.ask("GET", "/clients")).body
        plain, tls = found["clients"]
        assert (plain["unit"], plain["function"], plain["start"], plain["count"]) == (0, 3, 0, 2)
        assert (plain["tls"], plain["fingerprint"], plain["requests"]) == (False, "", 9)
        assert (tls["unit"], tls["function"], tls["start"], tls["count"], tls["asked_ms"]) == (None,) * 5
        assert (tls["tls"], tls["label"], tls["connected_ms"] >= 2000) == (True, "PLC", True)
        assert [(row["instance"], row["port"], row["paused"]) for row in found["slaves"]] == [
            ("plain-slave.2", 502, ["192.0.2.8"]),
            ("tls-slave", 802, []),
        ]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("verb", "body", "asked"),
    [
        ("disconnect", {"peer": "192.0.2.8:5"}, ["plain-slave.2"]),
        ("disconnect", {"peer": "192.0.2.9:5"}, ["tls-slave", "plain-slave", "plain-slave.2"]),
        ("pause", {"who": "192.0.2.8"}, ["plain-slave", "plain-slave.2", "tls-slave"]),
        ("pause", {"who": PRINT}, ["tls-slave"]),
        ("resume", {"who": "192.0.2.8", "instance": "plain-slave"}, ["plain-slave"]),
    ],
)
def test_those_are_asked_who_may_know_him(tmp_path: Path, verb: str, body: dict[str, str], asked: list[str]) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        serving(bench, "tls-slave")
        serving(bench, "plain-slave")
        serving(bench, "plain-slave.2", client("192.0.2.8:5"))
        bench.bus.answers = {(name, verb): {"who": "x", "connections": 1} for name in asked}
        answer = await bench.ask("POST", f"/clients/{verb}", body)
        assert (answer.status, answer.body["connections"]) == (200, len(asked))
        calls = [(name, args) for name, said, args in bench.bus.calls if said == verb]
        assert sorted(name for name, _ in calls) == sorted(asked)
        assert all(args["by"] == "console:owner" for _, args in calls)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"plain-slave": RefusedError("is not paused"), "tls-slave": {"connections": 2}}, 200),
        ({"plain-slave": RefusedError("is not paused"), "tls-slave": RefusedError("is not paused")}, 409),
        ({"plain-slave": PeerError("silence"), "tls-slave": {"connections": 2}}, 503),
    ],
)
def test_a_refusal_counts_where_nobody_did_it_and_silence_always(
    tmp_path: Path, answers: dict[str, Any], status: int
) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        for name, answer in answers.items():
            serving(bench, name)
            bench.bus.answers[name, "resume"] = answer
        assert (await bench.ask("POST", "/clients/resume", {"who": "192.0.2.8"})).status == status

    asyncio.run(story())


def test_where_no_slave_runs_nobody_can_be_steered(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        assert (await bench.ask("POST", "/clients/pause", {"who": "192.0.2.8"})).status == 404
        serving(bench, "plain-slave")
        named = {"who": "192.0.2.8", "instance": "tls-slave"}
        assert (await bench.ask("POST", "/clients/pause", named)).status == 404

    asyncio.run(story())
