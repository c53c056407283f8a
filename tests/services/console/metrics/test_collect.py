"""The metrics and their documents say the same; what is too old is not told."""

import asyncio
import json
import re
from pathlib import Path

import yaml

from services.console.metrics.collect import ALL
from services.console.metrics.page import page
from shared import clock
from shared.bus.messages import Child, Processes, Push, Pushes, Sessions
from tests.services.console.asked import Bench
from tests.support import ROOT

NAMES = {each.name for each in ALL}
OF_PROMETHEUS = {"up"}


def series(text: str) -> dict[str, float]:
    return {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }


def test_the_page_is_made_from_the_code() -> None:
    assert (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8") == page(), "run `make docs`"


def test_names_follow_the_conventions() -> None:
    assert len(NAMES) == len(ALL)
    units = r"(seconds|watts|joules|bytes|ratio|volts|amperes|hertz|var|va|var_seconds|va_seconds)"
    for each in ALL:
        assert re.fullmatch(r"metergate_[a-z0-9_]+", each.name)
        assert each.name.endswith("_total") == (each.kind == "counter"), each.name
        assert each.words.endswith("."), each.name
        if re.search(r"watt|joule|second|volt|amp|byte", each.name):
            assert re.search(rf"_{units}(_total)?$", each.name), each.name


def test_alerts_and_dashboard_ask_for_what_there_is() -> None:
    alerts = yaml.safe_load((ROOT / "docs" / "metrics-alerts.yaml").read_text(encoding="utf-8"))
    rules = [rule for group in alerts["groups"] for rule in group["rules"]]
    assert len(rules) >= 8
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert rule["annotations"]["summary"]
    dashboard = json.loads((ROOT / "docs" / "metrics-dashboard.json").read_text(encoding="utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    assert len(queries) >= 10
    for query in [*queries, *(rule["expr"] for rule in rules)]:
        used = set(re.findall(r"metergate_[a-z0-9_]+", query))
        assert used, query
        assert used <= NAMES, query
    alarming = [rule["expr"] for rule in rules if "restarts" in rule["expr"]]
    assert alarming, "restarts"
    assert all('cause="failed"' in query for query in alarming), "who changes settings is no cause for alarm"


def test_everything_heard_is_told_in_base_units(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, '[[meter]]\nid = "house"\nsource = "simulated"\n[console]\nopen_metrics = true\n')
        bench.measure(1, active_power_l1=5.5, voltage_l1=230.0, system_state_of_charge=50.0, supply_frequency=50.0)
        bench.answers(connected=True)
        town, now = bench.hear.town, clock.now_ns()
        stamp = {"src": "x", "gen": 1, "seq": 1, "t_ns": now}
        town.sessions["plain-slave"] = (now, Sessions(**stamp, port=502, connections=2, requests=7))  # type: ignore[arg-type]
        child = Child(
            name="console", role="console", state="ready", pid=9, rss_kib=10, cpu_ms=1500, started_ns=now, queue=4,
            restarts=5, asked=4,
        )  # fmt: skip
        town.processes["supervisor"] = (now, Processes(**stamp, children=(child,), config_error="x"))  # type: ignore[arg-type]
        push = Push(number=1, name="PLC", url="", meter="house", groups=(), state="failing", failures=3)
        town.pushes = (now, Pushes(**stamp, interval_ms=0, values="mean", slaves=(push,)))  # type: ignore[arg-type]
        answer = await bench.ask("GET", "/metrics", api=False)
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = series(answer.body)
        assert found['metergate_meter_active_power_watts{meter="house"}'] == 1000.0
        assert found['metergate_phase_active_power_watts{meter="house",phase="l1"}'] == 5.5
        assert found['metergate_battery_charge_ratio{meter="house"}'] == 0.5
        assert found['metergate_slave_requests_total{instance="plain-slave"}'] == 7
        assert found['metergate_process_cpu_seconds_total{instance="console"}'] == 1.5
        assert found['metergate_process_resident_memory_bytes{instance="console"}'] == 10240
        assert found['metergate_process_queue_messages{instance="console"}'] == 4
        restarts = 'metergate_process_restarts_total{instance="console",cause="'
        assert (found[f'{restarts}asked"}}'], found[f'{restarts}failed"}}']) == (4, 1)
        assert not [name for name in found if "missed" in name], "it told nothing of that yet"
        assert found['metergate_push_ok{number="1",name="PLC"}'] == 0
        assert found["metergate_settings_valid"] == 0
        assert {name.partition("{")[0] for name in found} <= NAMES

    asyncio.run(story())


def test_attempts_count_on_while_the_meter_is_in_one_state(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, '[[meter]]\nid = "house"\nsource = "simulated"\n[console]\nopen_metrics = true\n')
        for seq, polls in ((1, 1), (2, 26)):
            bench.answers(connected=False, reason="no answer", seq=seq, polls=polls, failures=polls)
            found = series((await bench.ask("GET", "/metrics", api=False)).body)
            assert found['metergate_meter_polls_total{meter="house"}'] == polls
            assert found['metergate_meter_poll_failures_total{meter="house"}'] == polls

    asyncio.run(story())


def test_a_frozen_value_is_not_told(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, '[[meter]]\nid = "house"\nsource = "simulated"\n[console]\nopen_metrics = true\n')
        bench.measure(1, age_ns=60_000_000_000)
        found = series((await bench.ask("GET", "/metrics", api=False)).body)
        assert found['metergate_meter_stale{meter="house"}'] == 1
        assert found['metergate_meter_age_seconds{meter="house"}'] >= 60
        assert not [name for name in found if "watts" in name or "hertz" in name]

    asyncio.run(story())


def test_who_says_nothing_any_more_is_told_of_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, "[console]\nopen_metrics = true\n")
        town, long_ago = bench.hear.town, clock.now_ns() - 60_000_000_000
        stamp = {"src": "x", "gen": 1, "seq": 1, "t_ns": long_ago}
        town.sessions["plain-slave"] = (long_ago, Sessions(**stamp, port=502, connections=2))  # type: ignore[arg-type]
        child = Child(name="plain-slave", role="plain-slave", state="ready", pid=9, rss_kib=10, started_ns=long_ago)
        gone = Child(name="console", role="console", state="disabled")
        town.processes["supervisor"] = (long_ago, Processes(**stamp, children=(child, gone), config_error="x"))  # type: ignore[arg-type]
        push = Push(number=1, name="PLC", url="", meter="house", groups=(), state="ok")
        town.pushes = (long_ago, Pushes(**stamp, interval_ms=0, values="mean", slaves=(push,)))  # type: ignore[arg-type]
        found = series((await bench.ask("GET", "/metrics", api=False)).body)
        known = {
            name: value
            for name, value in found.items()
            if name.startswith(("metergate_slave", "metergate_push", "metergate_process"))
        }
        assert known == {'metergate_process_up{instance="plain-slave"}': 0}
        assert found["metergate_settings_valid"] == 1

    asyncio.run(story())


def test_who_may_read_them(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        assert (await bench.ask("GET", "/metrics", api=False)).status == 401
        await bench.sign_up()
        bench.token = (await bench.ask("POST", "/tokens", {"name": "prometheus"})).body["secret"]
        assert (await bench.ask("GET", "/metrics", api=False)).status == 200
        openly = Bench(tmp_path, "[console]\nopen_metrics = true\n")
        assert (await openly.ask("GET", "/metrics", api=False, address="127.0.0.1")).status == 200
        assert (await openly.ask("GET", "/metrics", api=False, address="::ffff:127.0.0.1")).status == 200
        assert (await openly.ask("GET", "/metrics", api=False, address="192.0.2.1")).status == 401

    asyncio.run(story())
