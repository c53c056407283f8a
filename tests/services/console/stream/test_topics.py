"""What is told when."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from services.console.stream import topics
from tests.services.console.asked import Bench

ALL = frozenset({"live", "source", "events", "certificates", "settings"})


async def chunk(stream: AsyncGenerator[bytes, None]) -> str:
    async with asyncio.timeout(5):
        return (await anext(stream)).decode()


def test_samples_events_and_sources_are_told_as_they_come(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        stream = bench.desk.topics.hub.follow(ALL, "house", "")
        first = await chunk(stream)
        assert '"age_ms":null' in first, "the state before any sample"
        bench.measure(1, voltage_l1=230.5)
        bench.answers(connected=False, reason="no answer")
        bench.desk.tell("test.kind", "it happened")
        bench.hear.events.take(bench.bus.published[-1])  # type: ignore[arg-type]
        text = await chunk(stream)
        assert text.count("event: live") == 2, "a sample, and what is known of it now that the source is away"
        assert '"voltage_l1":230.5' in text
        assert 'event: source\ndata: {"meter":"house","connected":false,"reason":"no answer"' in text
        assert '"kind":"test.kind"' in text

    asyncio.run(story())


def test_of_a_source_only_another_state_is_told_and_a_newcomer_gets_the_counts(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        hub = bench.desk.topics.hub
        stream = hub.follow(ALL, "house", "")
        await chunk(stream)
        bench.answers(connected=False, reason="no answer", polls=1, failures=1)
        assert "event: source" in await chunk(stream)
        told = hub._last
        bench.answers(connected=False, reason="no answer", seq=2, polls=9, failures=9)
        assert hub._last == told
        assert '"polls":9,"failures":9' in await chunk(hub.follow(ALL, "house", ""))
        bench.answers(connected=False, reason="refused", seq=3, polls=10, failures=10)
        assert '"reason":"refused"' in await chunk(stream)

    asyncio.run(story())


def test_nothing_is_encoded_that_nobody_follows(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        hub = bench.desk.topics.hub
        bench.measure(1)
        assert hub._last == 0
        stream = hub.follow(frozenset({"live"}), "house", "")
        await chunk(stream)
        bench.measure(2)
        assert hub._last == 1
        await stream.aclose()
        bench.measure(3)
        assert hub._last == 2, "he may come back within a minute"
        bench.desk.topics._followed["house"] -= topics.FOLLOWED_NS + 1
        bench.measure(4)
        assert hub._last == 2

    asyncio.run(story())


def test_a_silent_meter_grows_old_on_the_page(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        bench.measure(1, age_ns=6_000_000_000)
        stream = bench.desk.topics.hub.follow(frozenset({"live"}), "house", "")
        assert '"stale":true' in await chunk(stream)
        work = asyncio.create_task(bench.desk.topics.run())
        text = await chunk(stream)
        assert '"stale":true' in text
        assert '"age_ms":' in text
        work.cancel()

    asyncio.run(story())


def test_the_moment_in_which_a_value_grows_too_old_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        stream = bench.desk.topics.hub.follow(frozenset({"live"}), "house", "")
        await chunk(stream)
        bench.measure(1, age_ns=4_950_000_000)
        assert '"stale":false' in await chunk(stream)
        assert '"stale":true' in await chunk(stream), "nothing else came"

    asyncio.run(story())
