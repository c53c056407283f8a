"""The register map over the API: what a slave would answer, and nothing that it would not."""

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest

from shared import clock
from shared.bus.messages import Block, Image
from shared.config.model import Meter
from shared.registers.blocks import blocks_for
from tests.services.console.asked import SETTINGS, Bench

S = 1_000_000_000
EVERYWHERE = SETTINGS.replace("[slave]", '[slave]\nhost = "0.0.0.0"')


def image(age_ns: int = 0, seq: int = 1, **more: Any) -> Image:
    blocks = (Block(0, (12345).to_bytes(4, "big") + bytes(292), live=((0, 148),)), Block(512, bytes(560)))
    stamp: dict[str, Any] = {"src": "register-store", "gen": 1, "seq": seq, "t_ns": clock.now_ns() - age_ns}
    return Image(**{**stamp, "meter": "house", "unit": 1, "stale_after_ms": 5000, "blocks": blocks, **more})


async def rows(bench: Bench) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    answer = await bench.ask("GET", "/registers")
    assert answer.status == 200, answer.body
    return answer.body, {row["name"]: row for row in answer.body["registers"]}


def test_words_and_values_of_the_image_with_their_age(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        bench.hear.known.take_image(image(S))
        whole, found = await rows(bench)
        assert (whole["meter"], whole["unit"], whole["stale"]) == ("house", 1, False)
        assert 1000 <= whole["age_ms"] < 3000
        assert whole["groups"][:2] == ["instantaneous_total", "instantaneous_phases"]
        power = found["active_power_import"]
        assert (power["words"], power["value"], power["unit"], power["state"]) == (["0000", "3039"], 1234.5, "W", "ok")
        expected = [
            row.name for block in blocks_for(Meter(id="house", source="simulated"), wallbox=False) for row in block
        ]
        assert list(found) == expected

    asyncio.run(story())


@pytest.mark.parametrize(
    "told",
    [image(6 * S), image(t_ns=0), image(t_ns=2**62)],
    ids=["too old", "before the first sample", "of the future"],
)
def test_what_gets_exception_04_has_no_words(tmp_path: Path, told: Image) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        bench.hear.known.take_image(told)
        whole, found = await rows(bench)
        assert whole["stale"]
        power, energy = found["active_power_import"], found["active_energy_import"]
        assert (power["words"], power["value"], power["state"]) == ([], None, "stale")
        assert (energy["value"], energy["state"]) == (0, "ok")

    asyncio.run(story())


def test_before_the_first_image_nothing_is_there(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        whole, found = await rows(bench)
        assert (whole["age_ms"], whole["stale"]) == (None, True)
        assert {row["state"] for row in found.values()} == {"absent"}

    asyncio.run(story())


def test_an_older_image_never_comes_back(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        bench.hear.known.take_image(image(seq=5))
        bench.hear.known.take_image(image(4 * S, seq=4))
        whole, _ = await rows(bench)
        assert whole["age_ms"] < 3000

    asyncio.run(story())


def test_the_map_goes_out_in_each_form(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, EVERYWHERE)
        await bench.sign_up()
        bench.hear.known.take_image(image())
        forms = {}
        for form in ("json", "csv", "home-assistant", "iobroker"):
            answer = await bench.ask("GET", f"/registers/export/{form}")
            assert answer.status == 200
            assert answer.headers["content-disposition"].startswith('attachment; filename="metergate-house-')
            forms[form] = answer.body
        assert json.loads(forms["json"])[0]["words"] == [0, 12345]
        assert "active_power_import" in forms["csv"]
        assert f'host: "{socket.gethostname()}"' in forms["home-assistant"], "a loopback address helps nobody else"
        assert "# Check this" in forms["home-assistant"]
        assert "port: 1502" in forms["home-assistant"]
        assert forms["iobroker"].startswith("_address\t")
        answer = await bench.ask("GET", "/registers/export/home-assistant", headers={"host": "192.0.2.7:8080"})
        assert 'host: "192.0.2.7"' in answer.body
        assert "# Check this" not in answer.body
        assert "speaks no TLS" not in answer.body
        assert (await bench.ask("GET", "/registers/export/xml")).status == 422
        assert (await bench.ask("GET", "/registers?meter=barn")).status == 404

    asyncio.run(story())
