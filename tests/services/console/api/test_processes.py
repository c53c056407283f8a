"""Processes of every supervisor, and what is asked of the one that runs a role."""

import asyncio
from pathlib import Path
from typing import Any

from services.console.api import processes as module
from shared import clock
from shared.bus.endpoints import acquire
from shared.bus.messages import Child, Processes
from shared.errors import RefusedError
from tests.services.console.asked import Bench


def said(bench: Bench, supervisor: str, *children: Child, ago_ns: int = 0) -> None:
    message = Processes(src=supervisor, gen=1, seq=1, t_ns=clock.now_ns(), children=children)
    bench.hear.town._take_processes(supervisor, message)
    at, kept = bench.hear.town.processes[supervisor]
    bench.hear.town.processes[supervisor] = (at - ago_ns, kept)


def child(role: str, **more: Any) -> Child:
    facts: dict[str, Any] = {"state": "ready", "pid": 7, "started_ns": clock.now_ns() - 5_000_000_000, **more}
    return Child(name=role, role=role, **facts)


def test_they_come_in_the_order_of_the_data_with_who_is_silent(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        said(bench, "supervisor.tls-slave", child("tls-slave", rss_kib=9000), ago_ns=60 * 10**9)
        said(bench, "supervisor.console", child("console"))
        said(bench, "supervisor.measurement", child("measurement", cpu_ms=100), child("plain-slave", pid=0, state="x"))
        said(
            bench,
            "supervisor.measurement",
            child("measurement", cpu_ms=600, queue=3, restarts=3, asked=2),
            child("plain-slave", pid=0, state="x"),
        )
        found = (await bench.ask("GET", "/processes")).body
        rows = {row["name"]: row for row in found["processes"]}
        assert list(rows) == ["measurement", "plain-slave", "tls-slave", "console"]
        assert rows["measurement"]["cpu_percent"] > 0
        assert (rows["measurement"]["queue"], rows["measurement"]["pending"]) == (3, None)
        assert (rows["measurement"]["restarts"], rows["measurement"]["asked"]) == (3, 2)
        assert 5000 <= rows["measurement"]["uptime_ms"] < 60_000
        assert (rows["plain-slave"]["uptime_ms"], rows["plain-slave"]["cpu_percent"]) == (None, None)
        assert (rows["tls-slave"]["state"], found["silent"]) == ("unknown", ["supervisor.tls-slave"])

    asyncio.run(story())


def test_commands_go_to_the_one_that_runs_it_with_who_asked(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        acquire(bench.life.config.gateway.run_dir, "supervisor.measurement")
        said(bench, "supervisor.measurement", child("measurement"))
        bench.bus.answers["supervisor.measurement", "restart"] = {}
        answer = await bench.ask("POST", "/processes/measurement/restart")
        assert (answer.status, answer.body["text"]) == (200, "measurement started again")
        args = {"role": "measurement", "by": "console:owner"}
        assert ("supervisor.measurement", "restart", args) in bench.bus.calls
        bench.bus.answers["supervisor.measurement", "start"] = RefusedError("measurement is parked: no file")
        answer = await bench.ask("POST", "/processes/measurement/start")
        assert (answer.status, answer.body["error"]["text"]) == (409, "measurement is parked: no file")
        assert (await bench.ask("POST", "/processes/tls-slave/stop")).status == 404

    asyncio.run(story())


def test_the_console_is_ended_after_the_answer(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        acquire(bench.life.config.gateway.run_dir, "supervisor")
        said(bench, "supervisor", child("console"))
        bench.bus.answers["supervisor", "restart"] = RefusedError("no")
        answer = await bench.ask("POST", "/processes/console/restart")
        assert (answer.status, "ends now" in answer.body["text"]) == (200, True)
        assert not [verb for _, verb, _ in bench.bus.calls if verb == "restart"]
        await asyncio.gather(*module._later)
        assert [verb for _, verb, _ in bench.bus.calls if verb == "restart"] == ["restart"]
        assert "not done: no" in str(bench.bus.published[-1])

    asyncio.run(story())
