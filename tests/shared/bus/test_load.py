"""What waits for a reader: peaks of a window, rows of one topic, gaps in the numbers; and of a bus that reads late."""

import asyncio
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.bus.load import WINDOW_S, Load, Peak, Row
from shared.bus.messages import Command, Event, SourceState
from tests.shared.bus.test_bus import event, hearing, state
from tests.shared.bus.town import Tell, Town
from tests.support import until


@given(st.lists(st.tuples(st.floats(0, 2 * WINDOW_S), st.integers(0, 50)), max_size=40))
def test_a_peak_is_the_most_of_its_window(steps: list[tuple[float, int]]) -> None:
    peak, now, said = Peak(), 0.0, []
    for later, most in steps:
        now += later
        peak.most = max(peak.most, most)
        said.append((now, most))
        assert peak.told(now) == max(count for at, count in said if at >= now - WINDOW_S)


def test_what_lies_behind_another_of_its_topic_counts_and_what_never_came() -> None:
    load = Load()
    row = Row(load)
    for seq in (4, 5, 6):  # whatever was before the first nobody knows
        row.read(b"event/", 1, seq, 0)
    assert (load.queue.most, load.missed) == (2, 0)
    row.end()
    row.read(b"image/a", 1, 1, 0)
    row.read(b"image/b", 1, 1, 0)
    assert (load.queue.told(0), load.missed) == (2, 0)
    row.end()
    row.read(b"image/a", 1, 10, 3)  # five of nine were never here
    assert (load.queue.most, load.missed) == (3, 5)
    row.end()
    row.read(b"image/a", 2, 1, 0)  # a new start of the writer
    row.read(b"image/b", 1, 2, 7)  # others of its kind were repeated for a newcomer
    assert (load.queue.most, load.missed) == (3, 5)


def test_commands_count_as_long_as_they_are_under_way() -> None:
    load = Load()
    load.begun()
    load.begun()
    load.ended()
    assert load.told(0)["pending"] == 2
    assert load.told(WINDOW_S + 1)["pending"] == 1, "the other one is still there"
    load.ended()
    load.due = lambda: 3
    assert load.told(2 * WINDOW_S + 3)["pending"] == 3


def test_a_reader_that_was_away_finds_what_waited(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("measurement"), town.bus("register-store")
        got: list[SourceState] = []
        reader.subscribe("measurement", SourceState, got.append)
        state(owner, "joined")
        await until(lambda: got)
        assert reader.load.told(0) == {"queue": 0, "pending": 0, "missed": 0}
        for number in range(40):
            state(owner, str(number))  # in one turn of this loop: the reader has no chance between
        await until(lambda: got[-1].reason == "39")
        told = reader.load.told(1)
        assert 1 <= told["queue"] <= 39
        assert told["missed"] == 0

    tell(story)


def test_a_flood_beyond_the_queues_is_missed_and_counted_to_the_last_one(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("register-store"), town.bus("tap")
        got = await hearing(owner, reader)
        joined = len(got)
        for number in range(20_000):
            event(owner, number)
        while got[-1] != "end":
            owner.publish(Event(**owner.stamp(Event), t_ns=1, kind="test.end", text="t", data={"n": "end"}))
            await asyncio.sleep(0.01)
        numbers = [each for each in got[joined:] if isinstance(each, int) and each >= 0]
        assert len(numbers) < 20_000
        assert reader.load.missed >= 20_000 - len(numbers)
        assert reader.load.told(0)["queue"] > 0

    tell(story)


def test_both_sides_of_a_command_have_it_under_way(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, asker = town.bus("register-store"), town.bus("console")
        gate = asyncio.Event()

        async def slow(_: Command) -> dict[str, Any]:
            await gate.wait()
            return {}

        owner.serve(slow)
        calls = [asyncio.create_task(asker.call("register-store", "write", {}, 10)) for _ in range(3)]
        await until(lambda: owner.load.told(0)["pending"] == 3)
        assert asker.load.told(0)["pending"] == 3
        gate.set()
        await asyncio.gather(*calls)
        later = count(100, 100)
        await until(lambda: owner.load.told(next(later))["pending"] == 0)
        assert asker.load.told(100)["pending"] == 0

    tell(story)
