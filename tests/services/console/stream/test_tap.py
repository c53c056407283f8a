"""Listening in on the bus: whole for a recording, and never more than a page can show."""

import asyncio
import itertools
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from services.console.api.errors import ApiError
from services.console.stream import tap
from services.console.stream.response import COMMENT, Download, Streams
from services.console.stream.tap import MOST, Ears, recorded, shown
from shared.bus.endpoints import Endpoints
from shared.tap.filters import Filter
from shared.tap.recording import RecordingReader
from tests.shared.bus.talker import Talker, image, once, sample

ALL = Filter()


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 20))


def messages(chunk: bytes) -> list[dict[str, Any]]:
    lines = [line for line in chunk.decode().splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def test_a_page_sees_who_says_what(run_dir: Path) -> None:
    async def story() -> None:
        ears = Ears(Endpoints(run_dir))
        with Talker(run_dir, "register-store", once(image)):
            stream = shown(ears, ALL)
            found: list[dict[str, Any]] = []
            while not found:
                found = messages(await anext(stream))
            await stream.aclose()
        (first,) = found
        assert first["topic"] == "image/house"
        assert first["kind"] == "image/1"
        assert first["instance"] == "register-store"
        assert first["size"] > 10
        assert "1 blocks" in first["text"]
        assert len(ears) == 0

    run(story())


def test_only_what_is_wanted_comes(run_dir: Path) -> None:
    async def story() -> None:
        with Talker(run_dir, "register-store", once(image)), Talker(run_dir, "measurement", sample):
            stream = shown(Ears(Endpoints(run_dir)), Filter(topics=("sample/",)))
            for _ in range(3):
                assert {one["topic"] for one in messages(await anext(stream))} <= {"sample/house"}
            await stream.aclose()

    run(story())


def test_what_a_page_cannot_show_in_a_turn_is_counted(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "MOST_A_TURN", 5)

    async def story() -> None:
        with Talker(run_dir, "measurement", sample):
            stream = shown(Ears(Endpoints(run_dir)), ALL)
            seen: list[dict[str, Any]] = []
            while not any(one["missed"] for one in seen):
                chunk = messages(await anext(stream))
                assert len(chunk) <= 5
                seen += chunk
            for before, after in itertools.pairwise(seen):
                assert after["seq"] == before["seq"] + after["missed"] + 1
            await stream.aclose()

    run(story())


def test_silence_is_told_as_life(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "QUIET_S", 0.05)

    async def story() -> None:
        stream = shown(Ears(Endpoints(run_dir)), ALL)
        assert await anext(stream) == COMMENT
        await stream.aclose()

    run(story())


def test_a_few_may_listen_and_each_that_ends_makes_room(run_dir: Path) -> None:
    async def story() -> None:
        ears = Ears(Endpoints(run_dir))
        open_ = [ears.one(ALL) for _ in range(MOST)]
        for each in open_:
            each.__enter__()
        with pytest.raises(ApiError, match="already"):
            ears.check()
        open_.pop().__exit__(None, None, None)
        ears.check()
        while open_:
            open_.pop().__exit__(None, None, None)

    run(story())


def test_a_recording_is_read_by_the_command_line(run_dir: Path, tmp_path: Path) -> None:
    async def story() -> None:
        with Talker(run_dir, "measurement", sample):
            chunks = [chunk async for chunk in recorded(Ears(Endpoints(run_dir)), ALL, 0.7)]
        file = tmp_path / "bus.tape"
        file.write_bytes(b"".join(chunks))
        with RecordingReader(file) as reader:
            topics = [entry.topic for entry in reader]
        assert len(topics) > 2
        assert set(topics) == {b"sample/house"}
        assert reader.damage == ""

    run(story())


def test_a_recording_with_a_hole_breaks_off(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "WAITING_BYTES", 10)
    sent: list[dict[str, Any]] = []
    aborted: list[bool] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def story() -> None:
        with Talker(run_dir, "measurement", sample):
            answer = Download("bus.tape", recorded(Ears(Endpoints(run_dir)), ALL, 5), Streams(), "")
            await answer({"method": "GET", "state": {"abort": lambda: aborted.append(True)}}, receive, send)

    run(story())
    assert aborted == [True]
    assert all(message.get("more_body", True) for message in sent), "the end was never sent, so that nobody takes it"


def test_a_whole_download_ends_and_is_named() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def chunks() -> Any:
        yield b"one"
        yield b"two"

    async def story() -> None:
        answer = Download("a.tape", chunks(), Streams(), "")
        await answer({"method": "GET", "state": {"abort": pytest.fail}}, receive, send)

    run(story())
    assert (b"content-disposition", b'attachment; filename="a.tape"') in sent[0]["headers"]
    assert b"".join(message.get("body", b"") for message in sent[1:]) == b"onetwo"
    assert not sent[-1].get("more_body", False)
