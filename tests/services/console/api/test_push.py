"""Whom we push to: the settings beside what the pusher says, and changes that keep the file as it is written."""

import asyncio
import sys
import tomllib
from pathlib import Path
from typing import Any

from services.console.trial import Trial
from shared import clock
from shared.bus.messages import Push, Pushes
from shared.errors import RefusedError
from tests.services.console.asked import SETTINGS, Bench

PLC = '[master]\nenabled = true\n[[master.slave]]  # the PLC\naddress = "plc.local"\nlabel = "PLC"\n'


def told(bench: Bench, *rows: Push, ago_ns: int = 0) -> None:
    message = Pushes(
        src="master-pusher", gen=1, seq=1, t_ns=clock.now_ns(), interval_ms=0, values="current", slaves=rows
    )
    bench.hear.town._take_pushes(message)
    bench.hear.town.pushes = (clock.now_ns() - ago_ns, message)


def row(**more: Any) -> Push:
    facts: dict[str, Any] = {"number": 1, "name": "PLC", "url": "modbus://plc.local:502", "state": "ok", **more}
    return Push(meter="house", groups=("energy_total",), **facts)


def test_settings_and_state_stand_side_by_side(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, SETTINGS + PLC)
        await bench.sign_up()
        found = (await bench.ask("GET", "/push")).body
        assert (found["enabled"], found["running"], found["most"]) == (True, False, 10)
        (slave,) = found["slaves"]
        assert (slave["state"], slave["settings"]) == ("unknown", {"label": "PLC"})
        told(bench, row(pushed_ns=clock.now_ns() - 2_000_000_000, exceptions={"energy_total": 2}, latency_us=900))
        (slave,) = (await bench.ask("GET", "/push")).body["slaves"]
        assert (slave["state"], slave["exceptions"], slave["holds_age_ms"]) == ("ok", {"energy_total": 2}, None)
        assert 2000 <= slave["pushed_age_ms"] < 10_000
        told(bench, row(url="modbus://other:502"))
        (slave,) = (await bench.ask("GET", "/push")).body["slaves"]
        assert "not taken this over yet" in slave["reason"]
        told(bench, row(), ago_ns=60 * 10**9)
        assert (await bench.ask("GET", "/push")).body["running"] is False
        groups = {group["name"]: group for group in found["groups"]}
        assert (groups["energy_total"]["first"], groups["energy_total"]["last"]) == (512, 551)
        assert {"address": 512, "name": "active_energy_import", "unit": "Wh"} in groups["energy_total"]["registers"]

    asyncio.run(story())


def test_changes_keep_the_file_as_it_is_written(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, SETTINGS + PLC)
        await bench.sign_up()
        change = {"interval_ms": 1000, "values": "mean", "groups": {"energy_phases": False}}
        assert (await bench.ask("PATCH", "/push", change)).status == 200
        assert (await bench.ask("PATCH", "/push", {"interval_ms": 50})).status == 422
        new = {"address": "http://127.0.0.1/x", "settings": {"token_file": "token"}}
        made = await bench.ask("POST", "/push/slaves", new)
        assert made.status == 201
        assert made.body["warnings"] == [
            "http://127.0.0.1/x: the token goes over the network unencrypted; use https://"
        ]
        settings = {"address": "plc.local", "settings": {"label": None, "unit": 7}}
        changed = await bench.ask("PATCH", "/push/slaves/1", settings)
        assert (changed.status, changed.body["warnings"]) == (200, []), "what was known before is no news"
        sixth = {"address": "plc.local", "settings": {"function": 6}}
        (cut,) = (await bench.ask("PATCH", "/push/slaves/1", sixth)).body["warnings"]
        assert cut.startswith("plc.local: function 6 writes one register at a time")
        back = {"address": "plc.local", "settings": {"function": None}}
        assert (await bench.ask("PATCH", "/push/slaves/1", back)).body["warnings"] == []
        assert (await bench.ask("PATCH", "/push/slaves/2", settings)).status == 409
        master = tomllib.loads(bench.file.read_text())["master"]
        assert (master["interval_ms"], master["values"], master["groups"]) == (1000, "mean", {"energy_phases": False})
        assert master["slave"][0] == {"address": "plc.local", "unit": 7}
        assert "# the PLC" in bench.file.read_text()
        assert (await bench.ask("DELETE", "/push/slaves/1?address=plc.local")).status == 200
        assert [slave["address"] for slave in (await bench.ask("GET", "/push")).body["slaves"]] == [
            "http://127.0.0.1/x"
        ]
        unknown = await bench.ask("POST", "/push/slaves", {"address": "a", "settings": {"prot": 1}})
        assert (unknown.status, unknown.body["error"]["where"]) == (422, "master.slave[2].prot")

    asyncio.run(story())


def test_a_test_says_in_words_what_came_of_it(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, SETTINGS + PLC)
        await bench.sign_up()
        told(bench, row())
        path = "/push/slaves/1/test?address=plc.local"
        bench.bus.answers["master-pusher", "test"] = {"words": "PLC: 24 registers written"}
        assert (await bench.ask("POST", path)).body == {"ok": True, "text": "PLC: 24 registers written"}
        bench.bus.answers["master-pusher", "test"] = RefusedError("PLC: connection refused")
        assert (await bench.ask("POST", path)).body == {"ok": False, "text": "PLC: connection refused"}
        assert (await bench.ask("POST", "/push/slaves/1/test?address=other")).status == 404
        assert (await bench.ask("POST", "/push/slaves/2/test?address=plc.local")).status == 404
        await bench.ask("PATCH", "/push", {"enabled": False})
        bench.desk.trial = Trial(bench.file, (sys.executable, "-c", "import sys; print(*sys.argv[1:])"))
        said = (await bench.ask("POST", path)).body
        assert said == {"ok": True, "text": f"slaves test 1 --config {bench.file}"}, "by the command line"
        change = {"address": "plc.local", "settings": {"tls": True}}
        assert (await bench.ask("PATCH", "/push/slaves/1", change)).status == 200
        refused = (await bench.ask("POST", path)).body
        assert (refused["ok"], "Over TLS only the running pusher" in refused["text"]) == (False, True)

    asyncio.run(story())
