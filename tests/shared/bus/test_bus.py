import asyncio
import os
from typing import Any

import pytest

from shared.bus.bus import Bus
from shared.bus.codec import MAX_BYTES, encode
from shared.bus.messages import Block, Command, Event, Image, Reply, SourceState
from shared.bus.sockets import context, pub_socket
from shared.errors import BusError
from tests.shared.bus.town import Tell, Town
from tests.support import until


async def nothing(_: Command) -> dict[str, Any]:
    return {}


def state(bus: Bus, reason: str, meter: str = "house") -> SourceState:
    message = SourceState(**bus.stamp(SourceState, meter), t_ns=1, meter=meter, connected=True, reason=reason)
    bus.publish(message, meter)
    return message


def event(bus: Bus, number: int) -> None:
    bus.publish(Event(**bus.stamp(Event), t_ns=1, kind="test.counted", text="t", data={"n": number}))


async def hearing(owner: Bus, reader: Bus) -> list[Any]:
    """The numbers of all events that the reader hears of the register store; it is joined, an event being no state."""
    got: list[Any] = []
    reader.subscribe("register-store", Event, lambda one: got.append(one.data["n"]), every=True)
    while not got:
        event(owner, -1)
        await asyncio.sleep(0.01)
    return got


def test_two_hundred_cold_joins_miss_nothing(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("register-store"), town.bus("plain-slave")
        image = Image(
            **owner.stamp(Image, "house"),
            t_ns=1,
            meter="house",
            unit=1,
            stale_after_ms=1,
            blocks=(Block(0, bytes(9000)),),
        )
        owner.publish(image, "house")
        got: list[list[Image]] = []
        for _ in range(200):
            mine: list[Image] = []
            got.append(mine)
            reader.subscribe("register-store", Image, mine.append)
            if len(got) % 20 == 0:
                await until(lambda: all(got), "every one has it")
        assert got == [[image]] * 200  # once each, though the owner repeated it for each newcomer

    tell(story)


def test_who_was_there_before_the_owner_gets_the_first_message(tell: Tell) -> None:
    async def story(town: Town) -> None:
        got: list[SourceState] = []
        town.bus("register-store").subscribe("measurement", SourceState, got.append, "house")
        await asyncio.sleep(0.05)  # the connection is refused meanwhile
        message = state(town.bus("measurement"), "first")
        assert await until(lambda: got) == [message]

    tell(story)


def test_the_owner_may_start_again(tell: Tell) -> None:
    async def story(town: Town) -> None:
        got: list[SourceState] = []
        town.bus("register-store").subscribe("measurement", SourceState, got.append)
        for generation in range(1, 5):
            owner = town.bus("measurement", generation)
            state(owner, str(generation))
            await until(lambda: got and got[-1].gen == generation)  # noqa: B023  # asked within this turn
            owner.close()
        assert [message.version for message in got] == [(generation, 1) for generation in range(1, 5)]

    tell(story)


def test_a_busy_reader_gets_the_newest_of_each_topic(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("measurement"), town.bus("register-store")
        got: list[SourceState] = []
        reader.subscribe("measurement", SourceState, got.append)
        state(owner, "joined")
        await until(lambda: got)
        for number in range(20):
            state(owner, str(number), "a")
            state(owner, str(number), "b")
        await until(lambda: sum(message.reason == "19" for message in got) == 2)
        assert {message.meter: message.reason for message in got if message.meter in "ab"} == {"a": "19", "b": "19"}
        assert len(got) < 1 + 40

    tell(story)


def test_after_an_overflow_the_next_message_comes_through(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("measurement"), town.bus("register-store")
        got: list[SourceState] = []
        reader.subscribe("measurement", SourceState, got.append)
        state(owner, "joined")
        await until(lambda: got)
        for number in range(5000):
            state(owner, f"{number}".ljust(1000))
        await until(lambda: got[-1].reason == "the next" or not state(owner, "the next"))
        assert len(got) < 5000
        assert [message.seq for message in got] == sorted({message.seq for message in got})

    tell(story)


def test_every_message_comes_in_order_to_who_asks_for_every(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("register-store"), town.bus("tap")
        got = await hearing(owner, reader)
        for number in range(3000):
            event(owner, number)
            if number % 10 == 9:  # as fast as the reader comes along
                await until(lambda: got[-1] >= number - 10)  # noqa: B023  # asked within this turn
        await until(lambda: got[-1] == 2999)
        assert got[got.index(0) :] == list(range(3000))

    tell(story)


def test_only_the_kind_and_key_that_was_asked_for_comes(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("measurement"), town.bus("register-store")
        got: list[SourceState] = []
        reader.subscribe("measurement", SourceState, got.append, "house")
        state(owner, "x", "barn")
        event(owner, 1)
        wanted = state(owner, "y")
        await until(lambda: got)
        assert got == [wanted]

    tell(story)


def test_what_is_malformed_is_counted_and_told_ever_more_rarely(tell: Tell, log: list[dict[str, Any]]) -> None:
    async def story(town: Town) -> None:
        reader = town.bus("register-store")
        got: list[SourceState] = []
        good = SourceState(src="measurement", gen=1, seq=1, t_ns=1, meter="house", connected=True)
        reader.subscribe("measurement", SourceState, got.append, every=True)
        with context() as ctx, pub_socket(ctx, town.endpoints.pub("measurement")) as liar:
            await until(lambda: liar.poll(0))
            for number in range(40):
                liar.send_multipart((b"source/house", b"\xc1" + bytes([number])))
            liar.send_multipart((b"source/house",))
            liar.send_multipart((b"source/house", b"a", b"b"))
            liar.send_multipart((b"source/house", encode(Reply(id=1, ok=True))))
            liar.send_multipart((b"source/house", encode(Event(src="x", gen=1, seq=1, t_ns=1, kind="k", text="t"))))
            liar.send_multipart((b"source/house", encode(good)))
            await until(lambda: got)
        assert got == [good]
        assert reader.malformed == 43  # the event is well formed, but not what was asked for

    tell(story)
    dropped = [line for line in log if line["event"] == "bus message dropped"]
    assert [line["dropped"] for line in dropped] == [1, 2, 4, 8, 16, 32]
    assert dropped[0]["sender"] == "measurement"


def test_a_message_beyond_the_limit_ends_that_connection_alone(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("register-store"), town.bus("plain-slave")
        got: list[SourceState] = []
        reader.subscribe("measurement", SourceState, got.append)
        reader.subscribe("register-store", SourceState, got.append)
        with context() as ctx, pub_socket(ctx, town.endpoints.pub("measurement")) as liar:
            await until(lambda: liar.poll(0))
            liar.recv()
            liar.send_multipart((b"source/house", bytes(MAX_BYTES + 1)))
            await until(lambda: liar.poll(0), "the reader comes back")
            good = state(owner, "x")
            await until(lambda: got)
        assert got == [good]
        with pytest.raises(BusError):
            state(owner, "x" * MAX_BYTES)

    tell(story)


def test_a_failing_handler_is_told_to_whoever_lives_on_the_bus(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("measurement"), town.bus("register-store")
        calls: list[SourceState] = []

        def fail(message: SourceState) -> None:
            calls.append(message)
            raise ZeroDivisionError(message.reason)

        reader.subscribe("measurement", SourceState, fail)
        state(owner, "why")
        with pytest.raises(ZeroDivisionError, match="why"):
            await reader.failed
        state(owner, "again")
        await asyncio.sleep(0.05)
        assert len(calls) == 1  # that subscription has ended

    tell(story)


def test_closing_gives_back_every_descriptor(tell: Tell) -> None:
    async def story(town: Town) -> None:
        async def live_and_die() -> None:
            owner, reader = town.bus("measurement"), town.bus("register-store")
            got: list[SourceState] = []
            reader.subscribe("measurement", SourceState, got.append)
            owner.serve(nothing)
            await reader.call("measurement", "x", {})
            state(owner, "x")
            await until(lambda: got)
            reader.close()
            owner.close()

        await live_and_die()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        for _ in range(5):
            await live_and_die()
        assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208

    tell(story)


def test_a_newcomer_to_a_whole_fleet_misses_no_meter(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("register-store"), town.bus("plain-slave")
        blocks = (Block(0, bytes(4000)),)
        for number in range(256):  # as many as there are unit ids
            meter = f"meter-{number}"
            stamp = owner.stamp(Image, meter)
            owner.publish(Image(**stamp, t_ns=1, meter=meter, unit=number, stale_after_ms=1, blocks=blocks), meter)
        for _ in range(10):
            got: list[Image] = []
            reader.subscribe("register-store", Image, got.append)
            await until(lambda: len(got) == 256, "every meter's image")  # noqa: B023  # asked within this turn

    tell(story)
