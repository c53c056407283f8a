"""One ring for all readers: what was missed comes again, who is too slow is let go, nobody costs memory."""

import asyncio
from collections.abc import AsyncGenerator, Iterator

import pytest

from services.console.stream import hub as hubs
from services.console.stream.hub import Hub

LIVE = frozenset({"live"})
BOTH = frozenset({"live", "events"})


def states(topics: frozenset[str], meter: str) -> Iterator[tuple[str, bytes]]:
    if "live" in topics:
        yield "live", b'{"state":"%s"}' % meter.encode()


async def chunk(stream: AsyncGenerator[bytes, None]) -> str:
    async with asyncio.timeout(5):
        return (await anext(stream)).decode()


def ids(text: str) -> list[str]:
    return [line.removeprefix("id: ") for line in text.splitlines() if line.startswith("id: ")]


def test_first_the_state_then_each_change_of_what_is_wanted() -> None:
    async def story() -> None:
        hub = Hub(states)
        stream = hub.follow(LIVE, "house", "")
        first = await chunk(stream)
        assert 'event: live\ndata: {"state":"house"}\n\n' in first
        hub.publish("live", b"1", "house")
        hub.publish("live", b"2", "barn")
        hub.publish("events", b"3")
        hub.publish("live", b"4", "house")
        text = await chunk(stream)
        assert [line for line in text.splitlines() if line.startswith("data")] == ["data: 1", "data: 4"]

    asyncio.run(story())


def test_what_was_missed_comes_after_a_reconnect() -> None:
    async def story() -> None:
        hub = Hub(states)
        stream = hub.follow(BOTH, "house", "")
        await chunk(stream)
        hub.publish("events", b"1")
        last = ids(await chunk(stream))[-1]
        await stream.aclose()
        assert len(hub) == 0
        hub.publish("events", b"2")
        hub.publish("events", b"3")
        again = hub.follow(BOTH, "house", last)
        text = "".join([await chunk(again), await chunk(again)])
        assert "state" not in text
        assert [line for line in text.splitlines() if line.startswith("data")] == ["data: 2", "data: 3"]

    asyncio.run(story())


def test_too_old_or_foreign_places_begin_anew() -> None:
    async def story() -> None:
        hub = Hub(states)
        stream = hub.follow(BOTH, "house", "")
        await chunk(stream)
        hub.publish("events", b"1")
        last = ids(await chunk(stream))[-1]
        for _ in range(hubs.MOST_ITEMS + 1):
            hub.publish("events", b"x")
        future = f"{last.partition('-')[0]}-{10**9}"
        for place in (last, "other-1", "nonsense", f"{last}x", future, "-"):
            text = await chunk(hub.follow(BOTH, "house", place))
            assert text.startswith("event: reset\n"), place
            assert "state" in text

    asyncio.run(story())


def test_a_reader_that_is_too_slow_is_let_go_and_the_ring_stays_bounded() -> None:
    async def story() -> None:
        hub = Hub(states)
        slow = hub.follow(BOTH, "house", "")
        await chunk(slow)
        for _ in range(100):
            hub.publish("events", b"x" * (hubs.MOST_BYTES // 20))
        assert hub._bytes <= hubs.MOST_BYTES
        assert [each async for each in slow] == [], "it ends"
        assert len(hub) == 0

    asyncio.run(story())


def test_silence_is_broken_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        hub = Hub(states)
        stream = hub.follow(frozenset({"events"}), "", "")
        assert await chunk(stream) == ":\n\n"
        monkeypatch.setattr(hubs, "QUIET_S", 0.01)
        assert await chunk(stream) == ":\n\n"

    asyncio.run(story())
