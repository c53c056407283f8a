import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import zmq

from shared import clock
from shared.bus import bus as module
from shared.bus.bus import Bus
from shared.bus.codec import MAX_BYTES, decode_command, encode
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Block, Command, Event, Image, Reply, SourceState
from shared.bus.sockets import context, dealer_socket, pub_socket, router_socket
from shared.errors import BusError, PeerError, RefusedError
from tests.support import Processes, until

Story = Callable[["Town"], Awaitable[None]]


class Town:
    """Several instances on one event loop."""

    def __init__(self, run_dir: Path) -> None:
        self.endpoints = Endpoints(run_dir)
        self._buses: list[Bus] = []

    def bus(self, instance: str, generation: int = 1) -> Bus:
        """Start an instance."""
        made = Bus(self.endpoints, instance, generation, structlog.get_logger())
        self._buses.append(made)
        return made

    def close(self) -> None:
        """End all of them."""
        for bus in self._buses:
            if not bus._context.closed:
                bus.close()


@pytest.fixture
def tell(run_dir: Path) -> Callable[[Story], None]:
    """Runs a story on an event loop of its own."""

    async def life(story: Story) -> None:
        town = Town(run_dir)
        try:
            async with asyncio.timeout(60):
                await story(town)
        finally:
            town.close()

    return lambda story: asyncio.run(life(story))


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


def state(bus: Bus, reason: str, meter: str = "house") -> SourceState:
    message = SourceState(**bus.stamp(SourceState, meter), t_ns=1, meter=meter, connected=True, reason=reason)
    bus.publish(message, meter)
    return message


def event(bus: Bus, number: int) -> None:
    bus.publish(Event(**bus.stamp(Event), t_ns=1, kind="test.counted", text="t", data={"n": number}))


# --- publish and subscribe


def test_two_hundred_cold_joins_miss_nothing(tell: Callable[[Story], None]) -> None:
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


def test_who_was_there_before_the_owner_gets_the_first_message(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        got: list[SourceState] = []
        town.bus("register-store").subscribe("measurement", SourceState, got.append, "house")
        await asyncio.sleep(0.05)  # the connection is refused meanwhile
        message = state(town.bus("measurement"), "first")
        assert await until(lambda: got) == [message]

    tell(story)


def test_the_owner_may_start_again(tell: Callable[[Story], None]) -> None:
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


def test_a_busy_reader_gets_the_newest_of_each_topic(tell: Callable[[Story], None]) -> None:
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
        assert [message.reason for message in got[-2:]] == ["19", "19"]
        assert len(got) < 1 + 40

    tell(story)


def test_after_an_overflow_the_next_message_comes_through(tell: Callable[[Story], None]) -> None:
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


def test_every_message_comes_in_order_to_who_asks_for_every(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        owner, reader = town.bus("register-store"), town.bus("tap")
        got: list[int | float | str] = []
        reader.subscribe("register-store", Event, lambda one: got.append(one.data["n"]), every=True)
        while not got:
            event(owner, -1)
            await asyncio.sleep(0.01)
        for number in range(3000):
            event(owner, number)
            if number % 10 == 9:
                await asyncio.sleep(0.001)
        await until(lambda: got[-1] == 2999)
        assert got[got.index(0) :] == list(range(3000))

    tell(story)


def test_only_the_kind_and_key_that_was_asked_for_comes(tell: Callable[[Story], None]) -> None:
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


def test_what_is_malformed_is_counted_and_told_ever_more_rarely(
    tell: Callable[[Story], None], log: list[dict[str, Any]]
) -> None:
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


def test_a_message_beyond_the_limit_ends_that_connection_alone(tell: Callable[[Story], None]) -> None:
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


def test_a_failing_handler_is_told_to_whoever_lives_on_the_bus(tell: Callable[[Story], None]) -> None:
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


def test_closing_gives_back_every_descriptor(tell: Callable[[Story], None]) -> None:
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


# --- commands


async def nothing(_: Command) -> dict[str, Any]:
    return {}


def test_a_command_gets_its_result_or_the_owners_words(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        async def obey(request: Command) -> dict[str, Any]:
            if request.verb == "no":
                raise RefusedError("not today")
            if request.verb == "much":
                return {"x": "y" * MAX_BYTES}
            return {"verb": request.verb, **request.args}

        owner, caller = town.bus("register-store"), town.bus("plain-slave")
        owner.serve(obey)
        assert await caller.call("register-store", "write", {"a": [1, None]}) == {"verb": "write", "a": [1, None]}
        with pytest.raises(RefusedError, match=r"^not today$"):
            await caller.call("register-store", "no", {})
        with pytest.raises(RefusedError, match="at most"):
            await caller.call("register-store", "much", {})

    tell(story)


def test_many_commands_at_once_get_their_own_answers(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        async def obey(request: Command) -> dict[str, Any]:
            await asyncio.sleep(0.001 * (7 - request.args["n"] % 7))  # answered in another order
            return request.args

        owner, caller = town.bus("register-store"), town.bus("plain-slave")
        owner.serve(obey)
        calls = [caller.call("register-store", "x", {"n": number}, 10.0) for number in range(50)]
        assert [answer["n"] for answer in await asyncio.gather(*calls)] == list(range(50))

    tell(story)


def test_more_commands_than_can_wait_are_refused(
    tell: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMMANDS_AT_ONCE", 3)

    async def story(town: Town) -> None:
        open_now = asyncio.Event()

        async def obey(_: Command) -> dict[str, Any]:
            await open_now.wait()
            return {}

        owner, caller = town.bus("register-store"), town.bus("plain-slave")
        owner.serve(obey)
        calls = [asyncio.create_task(caller.call("register-store", "x", {}, 10.0)) for _ in range(5)]
        await until(lambda: sum(call.done() for call in calls) == 2)
        open_now.set()
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert sorted(map(str, answers)) == ["register-store is busy; try again"] * 2 + ["{}"] * 3

    tell(story)


def test_an_absent_owner_is_told_in_time_and_gets_nothing_later(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        seen: list[str] = []

        async def obey(request: Command) -> dict[str, Any]:
            seen.append(request.verb)
            return {}

        caller = town.bus("plain-slave")
        before = clock.now_ns()
        with pytest.raises(PeerError, match=r"register-store did not answer 'early' within 0\.1 s"):
            await caller.call("register-store", "early", {}, 0.1)
        assert clock.now_ns() - before < 2_000_000_000
        town.bus("register-store").serve(obey)
        await caller.call("register-store", "late", {}, 5.0)
        assert seen == ["late"]

    tell(story)


def test_commands_reach_an_owner_that_started_again(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        caller = town.bus("plain-slave")
        for generation in (1, 2, 3):
            owner = town.bus("register-store", generation)
            owner.serve(nothing)
            assert await caller.call("register-store", "x", {}, 5.0) == {}
            owner.close()
            with pytest.raises(PeerError):
                await caller.call("register-store", "x", {}, 0.05)

    tell(story)


def test_a_command_whose_caller_has_given_up_is_dropped(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        seen: list[str] = []

        async def obey(request: Command) -> dict[str, Any]:
            seen.append(request.verb)
            return {}

        town.bus("register-store").serve(obey)
        with context() as ctx, dealer_socket(ctx, town.endpoints.cmd("register-store")) as socket:
            await until(lambda: socket.poll(0, zmq.POLLOUT))
            now = clock.now_ns()
            for number, (verb, deadline_ns, boot) in enumerate(
                (
                    ("past", now - 1, clock.BOOT_ID),
                    ("elsewhere", now + 10**12, "another boot"),
                    ("now", now + 10**12, None),
                )
            ):
                socket.send(encode(Command(id=number, verb=verb, deadline_ns=deadline_ns, boot=boot or clock.BOOT_ID)))
            await until(lambda: socket.poll(0))
        assert seen == ["now"]

    tell(story)


def test_rubbish_to_an_owner_is_dropped(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        owner, caller = town.bus("register-store"), town.bus("plain-slave")
        owner.serve(nothing)
        with context() as ctx, dealer_socket(ctx, town.endpoints.cmd("register-store")) as socket:
            await until(lambda: socket.poll(0, zmq.POLLOUT))
            socket.send(b"\xc1")
            socket.send_multipart([b"a"] * 20)
            socket.send(b"")
            socket.send(encode(Reply(id=1, ok=True)))
            await until(lambda: owner.malformed == 4)
        assert await caller.call("register-store", "x", {}, 5.0) == {}

    tell(story)


def test_rubbish_from_an_owner_is_dropped_and_the_answer_found(tell: Callable[[Story], None]) -> None:
    async def story(town: Town) -> None:
        caller = town.bus("plain-slave")
        with context() as ctx, router_socket(ctx, town.endpoints.cmd("register-store")) as liar:
            call = asyncio.create_task(caller.call("register-store", "x", {}, 10.0))
            await until(lambda: liar.poll(0))
            peer, payload = liar.recv_multipart()
            request = decode_command(payload)
            for answer in (b"\xc1", encode(Reply(id=request.id + 9, ok=True)), encode(Reply(id=request.id, ok=True))):
                liar.send_multipart((peer, answer))
            assert await call == {}
        assert caller.malformed == 1

    tell(story)


def test_a_failing_command_is_logged_and_its_owner_lives_on(
    tell: Callable[[Story], None], log: list[dict[str, Any]]
) -> None:
    async def story(town: Town) -> None:
        async def obey(request: Command) -> dict[str, Any]:
            if request.verb == "fail":
                raise ZeroDivisionError
            return {}

        owner, caller = town.bus("register-store"), town.bus("plain-slave")
        owner.serve(obey)
        with pytest.raises(PeerError):
            await caller.call("register-store", "fail", {}, 0.2)
        assert await caller.call("register-store", "x", {}, 5.0) == {}

    tell(story)
    (line,) = [line for line in log if line["event"] == "command failed"]
    assert isinstance(line["exc_info"], ZeroDivisionError)


OWNER = """
import asyncio, sys
from pathlib import Path
import structlog
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints

async def main():
    bus = Bus(Endpoints(Path(sys.argv[1])), "register-store", 1, structlog.get_logger())
    async def obey(request):
        print("obeyed", request.verb)
        return {}
    bus.serve(obey)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.system
def test_a_stopped_owner_drops_on_waking_what_nobody_waits_for(
    tell: Callable[[Story], None], processes: Processes, run_dir: Path
) -> None:
    owner = processes.start(sys.executable, "-c", OWNER, run_dir, cwd=Path(__file__).parents[3])

    async def story(town: Town) -> None:
        caller = town.bus("plain-slave")
        await caller.call("register-store", "before", {}, 10.0)
        os.kill(owner.pid, signal.SIGSTOP)
        with pytest.raises(PeerError):
            await caller.call("register-store", "asleep", {}, 0.1)
        os.kill(owner.pid, signal.SIGCONT)
        await caller.call("register-store", "after", {}, 10.0)

    tell(story)
    assert owner.output.splitlines() == ["obeyed before", "obeyed after"]
