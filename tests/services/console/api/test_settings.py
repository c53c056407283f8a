"""The settings over the API: text and form, and who may change them."""

import asyncio
from pathlib import Path

from shared import clock
from shared.bus.messages import Processes
from tests.services.console.asked import SETTINGS, Bench


def test_text_form_and_state_belong_together(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        found = (await bench.ask("GET", "/settings")).body
        assert (found["text"], found["path"], found["error"]) == (SETTINGS, str(bench.file), "")
        assert {"key": "slave.port", "value": 1502, "line": 6, "origin": "line 6"} in found["values"]
        slave = next(key for key in found["keys"] if key["name"] == "slave")
        port = next(key for key in slave["keys"] if key["name"] == "port")
        assert (port["kind"], port["minimum"], port["maximum"], port["default"]) == ("int", 1, 65535, 502)
        said = Processes(
            src="s", gen=1, seq=1, t_ns=clock.now_ns(), children=(), config_error="no profile", config_pending="[log]"
        )
        bench.hear.town._take_processes("supervisor", said)
        found = (await bench.ask("GET", "/settings")).body
        assert (found["error"], found["pending"]) == ("no profile", "[log]")

    asyncio.run(story())


def test_a_draft_an_application_and_a_single_key(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        draft = {"text": SETTINGS, "set": {"slave.workers": 2}}
        checked = (await bench.ask("POST", "/settings/check", draft)).body
        assert (checked["errors"], bench.file.read_text()) == ([], SETTINGS)
        assert "workers = 2" in checked["text"]
        done = await bench.ask("PUT", "/settings", {"text": checked["text"], "revision": checked["revision"]})
        assert (done.status, bench.file.read_text()) == (200, checked["text"])
        again = await bench.ask("PUT", "/settings", {"text": SETTINGS, "revision": checked["revision"]})
        assert (again.status, again.body["error"]["code"]) == (409, "conflict")
        wrong = await bench.ask("PATCH", "/settings", {"set": {"slave.workers": 99}})
        assert (wrong.status, wrong.body["error"]["where"]) == (422, "slave.workers")
        assert (await bench.ask("PATCH", "/settings", {"set": {"slave.workers": None}})).status == 200
        assert "workers" not in bench.file.read_text()

    asyncio.run(story())


def test_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        assert (await bench.ask("POST", "/settings/check", {"text": "#" * 60_001})).status == 422
        assert (await bench.ask("POST", "/settings/check", b"#" * 2_000_000)).status == 413

    asyncio.run(story())
