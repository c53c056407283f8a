"""How requests are read and failures told."""

import asyncio
from pathlib import Path

import pytest

from services.console import app
from tests.services.console.asked import Bench


@pytest.mark.parametrize(
    ("body", "status", "where"),
    [
        (b"", 400, ""),
        (b"{", 400, ""),
        (b"\xff\xfe", 400, ""),
        (b"[" * 30_000, 422, ""),
        (b'{"name": ' + b"[" * 30_000, 422, "name"),
        (b"[]", 422, ""),
        (b"{}", 422, ""),
        (b'{"name": 1}', 422, "name"),
        (b'{"name": ""}', 422, "name"),
        (b'{"name": "x", "scope": "all"}', 422, "scope"),
        (b'{"name": "x", "nonsense": 1}', 422, ""),
        (b'{"name": "' + b"x" * 70_000 + b'"}', 413, ""),
    ],
)
def test_a_body_that_is_wrong_is_told_and_changes_nothing(tmp_path: Path, body: bytes, status: int, where: str) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        answer = await bench.ask("POST", "/tokens", body)
        assert (answer.status, answer.body["error"]["where"]) == (status, where), answer.body
        assert answer.body["error"]["text"]
        assert not bench.door.accounts.tokens

    asyncio.run(story())


def test_a_body_that_lies_about_its_length_or_never_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_S", 0.05)

    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        large = b'{"name": "' + b"x" * 70_000 + b'"}'
        assert (await bench.ask("POST", "/tokens", large, headers={"content-length": "10"})).status == 413
        for length in ("-1", "x", "99999999999999999999"):
            assert (await bench.ask("POST", "/tokens", {}, headers={"content-length": length})).status == 413, length

    asyncio.run(story())


def test_queries_and_paths_are_checked(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        for path, where in (
            ("/events?after=x", "after"),
            ("/events?limit=0", "limit"),
            ("/events?limit=501", "limit"),
            ("/events?nonsense=1", ""),
            ("/events?after=1&after=2", "after"),
            ("/history/days?last=null", "last"),
            ("/live?meter=No%20Name", "meter"),
            ("/history/days?first=2026-02-30", "first"),
            ("/stream?topics=nonsense", "topics"),
        ):
            answer = await bench.ask("GET", path)
            assert (answer.status, answer.body["error"]["where"]) == (422, where), path
        assert (await bench.ask("GET", "/live?meter=barn")).status == 404
        assert (await bench.ask("DELETE", "/tokens/nonsense")).status == 422
        assert (await bench.ask("GET", "/nonsense")).status == 404
        assert (await bench.ask("PATCH", "/live")).status == 405

    asyncio.run(story())


def test_a_defect_of_ours_is_told_without_its_details(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        monkeypatch.setattr(bench.hear, "live", lambda _: 1 / 0)
        answer = await bench.ask("GET", "/live")
        assert (answer.status, answer.body["error"]["code"]) == (500, "failed")
        assert "ZeroDivision" not in str(answer.body)

    asyncio.run(story())


def test_nothing_is_kept_on_the_way(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        assert (await bench.ask("GET", "/session")).headers["cache-control"] == "no-store"

    asyncio.run(story())
