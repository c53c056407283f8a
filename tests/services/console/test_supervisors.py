"""What several supervisors say is put together; one that is silent is named, one that is busy is asked again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.console import supervisors as module
from services.console.api.errors import ApiError
from services.console.supervisors import Supervisors
from shared.bus.endpoints import acquire
from shared.bus.messages import Child, Processes
from shared.errors import Fault, PeerError, RefusedError
from tests.services.console.asked import Bench

NOTHING = {"faults": [], "restarts": [], "starts": [], "stops": [], "pending": ""}


def several(bench: Bench, run_dir: Path, *names: str) -> Supervisors:
    for name in names:
        acquire(run_dir, name)  # freed with the process
    return Supervisors(run_dir, bench.desk.ask, bench.hear.town)


def test_answers_are_put_together(tmp_path: Path, run_dir: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        found = several(bench, run_dir, "supervisor.measurement", "supervisor.tls-slave", "measurement")
        assert found.names() == ["supervisor.measurement", "supervisor.tls-slave"]
        wrong = {"line": 3, "key": "slave.port", "reason": "is 0"}
        waits = "[log] changed; restart metergate to use it"
        bench.bus.answers = {
            ("supervisor.measurement", "check"): {**NOTHING, "restarts": ["measurement"], "pending": waits},
            ("supervisor.tls-slave", "check"): {
                **NOTHING,
                "starts": ["tls-slave"],
                "pending": waits,
                "faults": [wrong],
            },
        }
        verdict = await found.check("text")
        assert verdict.faults == (Fault(3, "slave.port", "is 0"),)
        assert (verdict.restarts, verdict.starts, verdict.pending) == (("measurement",), ("tls-slave",), waits)
        assert verdict.words == ["starts: tls-slave", waits]
        assert [args for _, verb, args in bench.bus.calls if verb == "check"] == [{"text": "text"}] * 2

    asyncio.run(story())


def test_one_that_does_not_answer_is_named_and_one_that_is_busy_asked_again(
    tmp_path: Path, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        monkeypatch.setattr(module, "BUSY_S", 0.0)
        found = several(bench, run_dir, "supervisor.measurement", "supervisor.tls-slave")
        bench.bus.answers = {
            ("supervisor.measurement", "check"): PeerError("silence"),
            ("supervisor.tls-slave", "check"): RefusedError("another text is being checked"),
        }
        verdict = await found.check("text")
        assert verdict.silent == ("supervisor.measurement", "supervisor.tls-slave")
        assert "not known" in verdict.words[0]
        assert sum(name == "supervisor.tls-slave" for name, _, _ in bench.bus.calls) == module.TRIES

    asyncio.run(story())


def test_a_defect_is_no_silence(tmp_path: Path, run_dir: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        found = several(bench, run_dir, "supervisor.measurement")
        bench.bus.answers["supervisor.measurement", "check"] = ZeroDivisionError()
        with pytest.raises(ZeroDivisionError):
            await found.check("text")

    asyncio.run(story())


def test_the_one_that_runs_a_role_is_found(tmp_path: Path, run_dir: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        found = several(bench, run_dir, "supervisor")
        said = Processes(src="s", gen=1, seq=1, t_ns=1, children=(Child("plain-slave.2", "plain-slave", "ready", 5),))
        for name in ("supervisor", "supervisor.gone"):
            bench.hear.town._take_processes(name, said)
        assert found.of("plain-slave") == found.of("plain-slave.2") == "supervisor"
        with pytest.raises(ApiError, match="no supervisor on this host runs 'tls-slave'"):
            found.of("tls-slave")

    asyncio.run(story())


def test_all_are_told_to_read_the_settings(tmp_path: Path, run_dir: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        found = several(bench, run_dir, "supervisor.measurement", "supervisor.tls-slave")
        bench.bus.answers = {
            ("supervisor.measurement", "reload"): RefusedError("wrong"),
            ("supervisor.tls-slave", "reload"): {},
        }
        await asyncio.wait_for(found.reload(), 5)
        assert {name for name, verb, _ in bench.bus.calls if verb == "reload"} == set(found.names())

    asyncio.run(story())


def test_nothing_is_asked_where_nobody_runs(tmp_path: Path, run_dir: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        verdict = await Supervisors(run_dir, bench.desk.ask, bench.hear.town).check("text")
        facts: tuple[Any, ...] = (verdict.faults, verdict.silent, verdict.words)
        assert facts == ((), (), [])

    asyncio.run(story())
