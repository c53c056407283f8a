"""`metergate slaves`: the settings file changes as asked, health is shown, a trial says what happened."""

import asyncio
import json
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import structlog

from shared import clock
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints, acquire
from shared.bus.messages import Block, Command, Image, Push, Pushes
from shared.bus.publisher import Publisher
from shared.config.load import load
from shared.errors import RefusedError
from tests.shared.bus.talker import Talker, once
from tests.supervisor.cli.conftest import Run
from tests.support import free_port
from tests.system.receivers import Recorder


def slaves(config: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(config.read_text(encoding="utf-8")).get("master", {}).get("slave", [])
    return found


def test_add_keeps_the_file_and_says_what_is_next(run: Run, config: Path) -> None:
    result = run("slaves", "add", "plc.local", "--port", 1502, "--label", "boiler", "--config", config)
    assert result.exit_code == 0, result.stderr
    assert "slave 1 added: modbus://plc.local:1502" in result.stdout
    assert "metergate config set master.enabled true" in result.stdout
    assert "metergate slaves test 1" in result.stdout
    assert 'id = "house"  # mine' in config.read_text(encoding="utf-8")
    assert slaves(config) == [{"address": "plc.local", "port": 1502, "label": "boiler"}]


def test_add_with_everything(run: Run, config: Path) -> None:
    result = run(
        "slaves", "add", "192.0.2.7", "--unit", 0, "--meter", "house", "--tls", "--group", "energy_total", "--group",
        "instantaneous_total", "--function", "6", "--base-offset", -0, "--word-order", "low_first", "--timeout-s", 2.5,
        "--only-changes", "--refresh-s", 30, "--disabled", "--config", config,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "warning: function 6 writes one register at a time" in result.stderr
    (target,) = load(config).master.slave
    assert (target.unit, target.tls, target.function, target.enabled) == (0, True, 6, False)
    assert (target.word_order, target.timeout_s, target.only_changes, target.refresh_s) == ("low_first", 2.5, True, 30)
    assert target.groups == ("energy_total", "instantaneous_total")


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ("[master]\nenabled = true\n", ["plc"]),
        ('[master]\nenabled = true\n[[master.slave]]\naddress = "a"  # first\n', ["a", "plc"]),
        ('[[master.slave]]\naddress = "a"\n\n[log]\nlevel = "debug"\n', ["a", "plc"]),
        ("[master.groups]\nenergy_phases = false\n", ["plc"]),
    ],
)
def test_add_to_what_is_there(run: Run, config: Path, before: str, wanted: list[str]) -> None:
    config.write_text(config.read_text(encoding="utf-8") + before, encoding="utf-8")
    result = run("slaves", "add", "plc", "--config", config)
    assert result.exit_code == 0, result.stderr
    assert [each["address"] for each in slaves(config)] == wanted
    if "# first" in before:
        assert "# first" in config.read_text(encoding="utf-8")


def test_the_eleventh_is_refused(run: Run, config: Path) -> None:
    for number in range(10):
        assert run("slaves", "add", f"plc{number}", "--config", config).exit_code == 0
    before = config.read_bytes()
    result = run("slaves", "add", "plc10", "--config", config)
    assert result.exit_code == 1
    assert "there are 10 receivers already, and 10 at most are pushed to" in result.stderr
    assert config.read_bytes() == before


def test_a_wrong_address_changes_nothing(run: Run, config: Path) -> None:
    before = config.read_bytes()
    result = run("slaves", "add", "ftp://plc", "--config", config)
    assert result.exit_code == 78
    assert "'ftp' is none of modbus, mbaps, http, https" in result.stderr
    assert config.read_bytes() == before


@pytest.mark.parametrize("named", ["2", "boiler", "b.local", "b.local:502", "modbus://b.local:502"])
def test_delete_by_number_label_or_address(run: Run, config: Path, named: str) -> None:
    for address, label in (("a.local", ""), ("b.local", "boiler"), ("c.local", "")):
        run("slaves", "add", address, "--label", label, "--config", config)
    result = run("slaves", "delete", named, "--config", config)
    assert result.exit_code == 0, result.stderr
    assert [each["address"] for each in slaves(config)] == ["a.local", "c.local"]


def test_delete_the_last_one(run: Run, config: Path) -> None:
    run("slaves", "add", "a.local", "--config", config)
    assert run("slaves", "delete", "1", "--config", config).exit_code == 0
    assert slaves(config) == []
    assert load(config).master.slave == ()


def test_a_name_that_is_none_or_two(run: Run, config: Path) -> None:
    for unit in "12":
        run("slaves", "add", "same", "--unit", unit, "--config", config)
    absent = run("slaves", "delete", "other", "--config", config)
    assert (absent.exit_code, "no slave 'other'; there are: 1 same, 2 same" in absent.stderr) == (1, True)
    twice = run("slaves", "delete", "same", "--config", config)
    assert (twice.exit_code, "give the number" in twice.stderr) == (1, True)


def pushes(publisher: Publisher) -> tuple[Pushes, str]:
    now = clock.now_ns()
    first = Push(
        number=1, name="boiler", url="modbus://plc:502", meter="house", groups=("energy_total",), state="failing",
        reason="no connection to plc:502: connection refused", streak=3, failures=7,
    )  # fmt: skip
    second = Push(
        number=2, name="b", url="modbus://b:502", meter="house", groups=("energy_total",), state="ok",
        pushed_ns=now - 100_000_000, holds_ns=now - 300_000_000, latency_us=1234, pushes=9,
    )  # fmt: skip
    stamp = publisher.stamp(Pushes)
    return Pushes(**stamp, t_ns=now, interval_ms=0, values="current", slaves=(first, second)), ""


def test_list_shows_what_the_pusher_says(run: Run, config: Path, run_dir: Path) -> None:
    lines = '[master]\nenabled = true\n[[master.slave]]\naddress = "plc"\nlabel = "boiler"\n'
    lines += '[[master.slave]]\naddress = "b"\n[[master.slave]]\naddress = "new"\n'
    config.write_text(config.read_text(encoding="utf-8") + lines, encoding="utf-8")
    with Talker(run_dir, "master-pusher", once(pushes)):
        shown = run("slaves", "list", "--config", config)
        rows = json.loads(run("slaves", "list", "--json", "--config", config).stdout)
    assert shown.exit_code == 0, shown.stderr
    head, _, first, second, third = shown.stdout.splitlines()
    assert head == "pushing is on: after each cycle"
    assert first.split()[:5] == ["1", "boiler", "modbus://plc:502", "house", "failing"]
    assert first.endswith("3       no connection to plc:502: connection refused")
    assert "1.2 ms" in second
    assert "has not taken this over yet" in third
    assert [row["state"] for row in rows] == ["failing", "ok", "unknown"]
    assert rows[0]["last_push_s"] is None
    assert 0.1 <= rows[1]["last_push_s"] < 5
    assert rows[1]["holds_age_s"] > rows[1]["last_push_s"]


def test_list_without_anything_running(run: Run, config: Path) -> None:
    assert (
        "no receiver; add one with `metergate slaves add ADDRESS`" in run("slaves", "list", "--config", config).stdout
    )
    run("slaves", "add", "plc", "--config", config)
    shown = run("slaves", "list", "--config", config).stdout
    assert "pushing is off: `metergate config set master.enabled true`" in shown
    assert "disabled" in shown


def image(publisher: Publisher) -> tuple[Image, str]:
    blocks = (Block(0, bytes(296)), Block(512, b"\0\1" * 280))
    stamp = publisher.stamp(Image, "house")
    t_ns = clock.now_ns()
    return Image(**stamp, t_ns=t_ns, meter="house", unit=1, stale_after_ms=60_000, blocks=blocks), "house"


def test_a_trial_from_here_writes_once(run: Run, config: Path, run_dir: Path) -> None:
    with Recorder() as slave, Talker(run_dir, "register-store", once(image)):
        run("slaves", "add", f"127.0.0.1:{slave.port}", "--disabled", "--config", config)
        result = run("slaves", "test", "1", "--config", config)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith(f"127.0.0.1:{slave.port} took 374 registers"), "and no line of a log"
        assert len(slave.writes) == 5


def test_a_trial_that_cannot_be(run: Run, config: Path, run_dir: Path) -> None:
    port = free_port()
    run("slaves", "add", f"127.0.0.1:{port}", "--config", config)
    nothing = run("slaves", "test", "1", "--config", config)
    assert (nothing.exit_code, "nothing is measured; start `metergate up`" in nothing.stderr) == (1, True)
    with Talker(run_dir, "register-store", once(image)):
        refused = run("slaves", "test", "1", "--config", config)
    assert (refused.exit_code, "connection refused; does anything listen" in refused.stderr) == (1, True)
    run("slaves", "add", "mbaps://plc", "--config", config)
    tls = run("slaves", "test", "2", "--config", config)
    assert (tls.exit_code, "only the running pusher knows whom you trust" in tls.stderr) == (1, True)


@contextmanager
def pusher(run_dir: Path, answer: Callable[[Command], dict[str, Any]]) -> Iterator[None]:
    """A pusher that answers commands, in a thread of its own."""
    lock = acquire(run_dir, "master-pusher")
    loop = asyncio.new_event_loop()

    async def serve(stop: asyncio.Event) -> None:
        bus = Bus(Endpoints(run_dir), "master-pusher", lock.generation, structlog.get_logger())

        async def handler(command: Command) -> dict[str, Any]:
            return answer(command)

        bus.serve(handler)
        await stop.wait()
        bus.close()

    stop = asyncio.Event()
    thread = Thread(target=loop.run_until_complete, args=(serve(stop),))
    thread.start()
    yield
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()
    lock.release()


def test_a_trial_by_the_running_pusher(run: Run, config: Path, run_dir: Path) -> None:
    asked: list[Command] = []

    def answer(command: Command) -> dict[str, Any]:
        asked.append(command)
        if len(asked) > 1:
            raise RefusedError("nothing is pushed: the measurement is stale")
        return {"words": "mbaps://plc took everything"}

    run("slaves", "add", "mbaps://plc", "--config", config)
    run("config", "set", "master.enabled", "true", "--config", config)
    with pusher(run_dir, answer):
        good = run("slaves", "test", "1", "--config", config)
        bad = run("slaves", "test", "1", "--config", config)
    assert (good.exit_code, good.stdout) == (0, "mbaps://plc took everything\n")
    assert (asked[0].verb, asked[0].args) == ("test", {"number": 1, "address": "mbaps://plc"})
    assert asked[0].deadline_ns - asked[0].sent_ns == 12_000_000_000
    assert (bad.exit_code, "the measurement is stale" in bad.stderr) == (1, True)
