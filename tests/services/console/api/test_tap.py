"""The bus over the API."""

import asyncio
from pathlib import Path

from services.console.stream.tap import MOST
from shared.tap.filters import Filter
from tests.services.console.asked import Bench


def test_a_recording_is_a_named_file(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        answer = await bench.ask("GET", "/tap/record?seconds=1&topic=image/")
        assert answer.status == 200
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith('attachment; filename="metergate-')
        assert answer.headers["content-disposition"].endswith('.tape"')
        assert "metergate-recording/1" in answer.body

    asyncio.run(story())


def test_who_may_not_read_hears_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        assert (await bench.ask("GET", "/tap")).status == 401
        bench.keep(await bench.ask("POST", "/session/code", {"code": bench.door.code}))
        for path in ("/tap", "/tap/record?seconds=1", "/registers", "/audit"):
            assert (await bench.ask("GET", path)).status == 403, path

    asyncio.run(story())


def test_what_is_asked_has_bounds(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        for wrong in ("seconds=0", "seconds=601", "seconds=x", f"role={'x' * 33}", f"topic={'x' * 65}", "other=1"):
            assert (await bench.ask("GET", f"/tap/record?{wrong}")).status == 422, wrong

    asyncio.run(story())


def test_one_listener_too_many_is_told_so(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        open_ = [bench.desk.ears.one(Filter()) for _ in range(MOST)]
        for each in open_:
            each.__enter__()
        for path in ("/tap", "/tap/record?seconds=1"):
            answer = await bench.ask("GET", path)
            assert (answer.status, answer.body["error"]["code"]) == (429, "taps")
            assert answer.headers["retry-after"] == "5"
        for each in open_:
            each.__exit__(None, None, None)

    asyncio.run(story())
