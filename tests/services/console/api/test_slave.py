"""Our own slave: its switches, and who would be cut off by them."""

import asyncio
import tomllib
from pathlib import Path

from tests.services.console.api.test_clients import client, serving
from tests.services.console.asked import Bench


def test_who_is_connected_in_plain_is_told_beside_the_switches(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        serving(bench, "plain-slave", client("192.0.2.8:5"), client("192.0.2.9:6"))
        serving(bench, "tls-slave", client("192.0.2.7:5"))
        found = (await bench.ask("GET", "/slave")).body
        assert (found["tls"], found["port"], found["tls_port"]) == (False, 1502, 802)
        assert found["plain_clients"] == ["192.0.2.8:5", "192.0.2.9:6"]
        assert (found["plain_connections"], found["tls_connections"]) == (2, 1)
        assert found["roles"] == {"plain-slave": "", "tls-slave": ""}

    asyncio.run(story())


def test_switches_go_into_the_settings_and_rules_hold(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        alone = await bench.ask("PATCH", "/slave", {"plain_alongside_tls": True})
        assert (alone.status, alone.body["error"]["where"]) == (422, "slave.plain_alongside_tls")
        assert (await bench.ask("PATCH", "/slave", {"tls": True, "external_control": True})).status == 200
        found = tomllib.loads(bench.file.read_text())
        assert (found["slave"]["tls"], found["wallbox"]) == (True, {"external_control": True})
        refused = await bench.ask("PATCH", "/slave", {"tls": False})
        assert "may only be steered while all connections are encrypted" in refused.body["error"]["text"]
        assert (await bench.ask("GET", "/slave")).body["tls"] is True

    asyncio.run(story())
