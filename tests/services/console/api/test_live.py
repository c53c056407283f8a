"""A meter now and in the past, as it is asked for."""

import asyncio
from pathlib import Path

from tests.services.console.asked import Bench

TWO = '[[meter]]\nid = "house"\nsource = "simulated"\n[[meter]]\nid = "barn"\nunit = 2\nsource = "simulated"\n'


def test_the_first_meter_is_meant_where_none_is_named(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, TWO)
        await bench.sign_up()
        bench.measure(1, active_power=5.0)
        bench.measure(1, meter="barn", active_power=7.0)
        assert [each["id"] for each in (await bench.ask("GET", "/meters")).body["meters"]] == ["house", "barn"]
        assert (await bench.ask("GET", "/live")).body["values"]["active_power"] == 5.0
        assert (await bench.ask("GET", "/live?meter=barn")).body["values"]["active_power"] == 7.0
        unknown = await bench.ask("GET", "/live?meter=attic")
        assert (unknown.status, unknown.body["error"]["where"]) == (404, "meter")
        assert "house barn" in unknown.body["error"]["text"]

    asyncio.run(story())


def test_without_any_meter_it_is_said(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path, "[slave]\nport = 1502\n")
        await bench.sign_up()
        answer = await bench.ask("GET", "/live")
        assert (answer.status, answer.body["error"]["text"]) == (404, "the settings name no [[meter]]")

    asyncio.run(story())


def test_what_was_seen_lately_is_given_again(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        for seq in range(1, 6):
            bench.measure(seq, age_ns=(6 - seq) * 200_000_000, active_power=float(seq), active_power_l1=-1.0)
        answer = (await bench.ask("GET", "/history/recent")).body
        assert answer["columns"]["grid"] == [1.0, 2.0, 3.0, 4.0, 5.0]
        assert answer["columns"]["l1"] == [-1.0] * 5
        assert answer["columns"]["solar"] == [None] * 5, "not known is not 0"
        steps = [after - before for before, after in zip(answer["t"], answer["t"][1:], strict=False)]
        assert all(195 <= step <= 205 for step in steps)
        after = (await bench.ask("GET", f"/history/recent?after_ms={answer['t'][2]}")).body
        assert after["columns"]["grid"] == [4.0, 5.0]

    asyncio.run(story())
