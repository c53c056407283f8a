"""One stream: counted, ended when its session ends, dropped when its reader does not read."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from services.console.api.errors import ApiError
from services.console.stream import response
from services.console.stream.response import MOST, MOST_PER_SESSION, EventStream, Streams, event
from tests.support import until


class Wire:
    """What the server does with one stream.

    Attributes:
        sent: bytes so far.
        aborted: whether the connection was cut.
    """

    def __init__(self, *, stuck: bool = False) -> None:
        self.sent = b""
        self.stuck = stuck
        self.aborted = False
        self.left = asyncio.Event()
        self.closed = False

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield event("live", b"1")
                await asyncio.sleep(0.001)
        finally:
            self.closed = True

    def scope(self) -> dict[str, Any]:
        def abort() -> None:
            self.aborted = True
            self.left.set()

        return {"method": "GET", "state": {"abort": abort}}

    async def receive(self) -> dict[str, Any]:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            self.sent += message["body"]
            if self.stuck and b"data" in self.sent:
                await asyncio.Event().wait()


def test_it_goes_on_until_the_browser_leaves() -> None:
    async def story() -> None:
        streams, wire = Streams(), Wire()
        answer = EventStream(wire.chunks(), streams, "a")
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "content-length" not in answer.headers
        task = asyncio.create_task(answer(wire.scope(), wire.receive, wire.send))
        await until(lambda: wire.sent.count(b"data: 1") > 3)
        assert wire.sent.startswith(b"retry: 2000\n\n")
        assert len(streams) == 1
        wire.left.set()
        await task
        assert len(streams) == 0
        assert wire.closed

    asyncio.run(story())


def test_it_ends_with_its_session() -> None:
    async def story() -> None:
        streams, wires = Streams(), [Wire() for _ in range(3)]
        tasks = [
            asyncio.create_task(EventStream(wire.chunks(), streams, whose)(wire.scope(), wire.receive, wire.send))
            for wire, whose in zip(wires, "aab", strict=True)
        ]
        await until(lambda: all(wire.sent for wire in wires))
        streams.end("a")
        await until(lambda: tasks[0].done() and tasks[1].done())
        assert not tasks[2].done()
        assert wires[0].aborted
        streams.end_unless(lambda _: False)
        await asyncio.gather(*tasks)
        assert len(streams) == 0

    asyncio.run(story())


def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response, "SLOW_S", 0.02)

    async def story() -> None:
        streams, wire = Streams(), Wire(stuck=True)
        await EventStream(wire.chunks(), streams, "a")(wire.scope(), wire.receive, wire.send)
        assert wire.aborted
        assert wire.closed
        assert len(streams) == 0

    asyncio.run(story())


def test_there_are_so_many_and_no_more() -> None:
    async def story() -> None:
        streams = Streams()
        with contextlib.ExitStack() as held:
            for _ in range(MOST_PER_SESSION):
                held.enter_context(streams.one("a"))
            with pytest.raises(ApiError) as refused:
                EventStream(Wire().chunks(), streams, "a")
            assert refused.value.status == 429
            for number in range(MOST - MOST_PER_SESSION):
                held.enter_context(streams.one(f"b{number}"))
            with pytest.raises(ApiError):
                streams.check("c")
        assert len(streams) == 0
        streams.check("a")

    asyncio.run(story())


def test_asking_for_the_head_alone_ends_at_once() -> None:
    async def story() -> None:
        wire, sent = Wire(), list[dict[str, Any]]()

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await EventStream(wire.chunks(), Streams(), "a")({**wire.scope(), "method": "HEAD"}, wire.receive, send)
        assert [each["type"] for each in sent] == ["http.response.start", "http.response.body"]

    asyncio.run(story())


def test_an_event_has_its_place() -> None:
    assert event("live", b"{}") == b"event: live\ndata: {}\n\n"
    assert event("live", b"{}", "a-1") == b"id: a-1\nevent: live\ndata: {}\n\n"
