"""Who may follow what."""

import asyncio
from pathlib import Path

from tests.services.console.asked import Bench


def test_the_code_follows_live_values_alone(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        bench.keep(await bench.ask("POST", "/session/code", {"code": bench.door.code}))
        answer = await bench.ask("GET", "/stream?topics=live,events")
        assert (answer.status, answer.body["error"]["code"]) == (403, "not_allowed")
        assert (await bench.ask("GET", "/stream?topics=live&meter=attic")).status == 404
        assert (await bench.ask("GET", "/stream?topics=live", headers={"cookie": ""})).status == 401

    asyncio.run(story())


def test_events_are_given_from_where_one_was(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        for number in range(5):
            bench.desk.tell("test.kind", f"number {number}", number=number)
            bench.hear.events.take(bench.bus.published[-1])  # type: ignore[arg-type]
        answer = (await bench.ask("GET", "/events?after=2&limit=2")).body
        assert [each["data"]["number"] for each in answer["events"]] == [3, 4]
        assert answer["last"] == 5
        assert (await bench.ask("GET", "/events?after=5")).body["events"] == []

    asyncio.run(story())
