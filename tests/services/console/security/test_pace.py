"""How fast each caller may ask."""

import asyncio
from pathlib import Path

from services.console.api.table import ROUTES
from services.console.security.pace import BURST, DEAR, MOST_CALLERS, PER_S, Pace
from tests.services.console.asked import Bench


def test_each_caller_has_its_own_and_dear_requests_count_for_more() -> None:
    pace = Pace()
    assert [pace.wait_s("a", "x", 1, 0.0) for _ in range(int(BURST))] == [0.0] * int(BURST)
    assert pace.wait_s("a", "x", 1, 0.0) > 0
    assert pace.wait_s("b", "x", 1, 0.0) == 0.0, "another session at the same address"
    assert pace.wait_s("", "x", 1, 0.0) == 0.0
    wait = pace.wait_s("a", "x", DEAR, 0.0)
    assert wait == DEAR / PER_S
    assert pace.wait_s("a", "x", DEAR, wait) == 0.0, "what was told is enough"


def test_what_it_remembers_is_bounded() -> None:
    pace = Pace()
    for number in range(3 * MOST_CALLERS):
        pace.wait_s(str(number), "x", 1, 0.0)
    assert len(pace._buckets) == MOST_CALLERS


def test_what_reads_files_charts_and_whole_texts_is_dear() -> None:
    dear = {route.path for route in ROUTES if route.cost == DEAR}
    history = {"/history/recent", "/history/minutes", "/history/days"}
    assert dear == {"/audit", "/registers/export/{format}", "/tap/record", "/settings/check", *history}


def test_too_many_requests_are_told_to_wait(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        for _ in range(int(BURST / DEAR) + 10):
            answer = await bench.ask("GET", "/registers/export/csv")
        assert (answer.status, answer.body["error"]["code"]) == (429, "too_fast")
        assert int(answer.headers["retry-after"]) == int(answer.body["error"]["params"]["seconds"]) == 1
        bench.cookie = ""
        assert (await bench.ask("GET", "/session")).status == 200, "others at this address may ask on"

    asyncio.run(story())
