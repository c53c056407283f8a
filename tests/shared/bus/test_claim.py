"""A second process binds an endpoint: who comes meanwhile is told nothing wrong for long, and then what is right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from shared import clock
from shared.bus import bus as bus_module
from shared.bus.bus import Bus
from shared.bus.claim import MOST_TAKEN, MOST_TURNS, Claims
from shared.bus.codec import decode
from shared.bus.endpoints import acquire
from shared.bus.messages import Command, Event, Published, SourceState
from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket, router_socket, sub_socket
from shared.bus.subscription import FRAMES_PER_TURN
from shared.errors import PeerError
from tests.shared.bus.moving import WAITING
from tests.shared.bus.town import Tell, Town
from tests.support import Processes, until


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus_module, "LOOK_S", 0.05)


@asynccontextmanager
async def owner_of(town: Town, instance: str = "measurement") -> AsyncIterator[Bus]:
    lock = acquire(town.endpoints.run_dir, instance)
    made = Bus(town.endpoints, instance, lock.generation, structlog.get_logger(), lock.renew)
    try:
        yield made
    finally:
        made.close()
        lock.release()


def say(bus: Bus, reason: str) -> SourceState:
    message = SourceState(**bus.stamp(SourceState, "house"), t_ns=1, meter="house", connected=True, reason=reason)
    bus.publish(message, "house")
    return message


@asynccontextmanager
async def listening(town: Town) -> AsyncIterator[Callable[[], list[Published]]]:
    """All that the owner says to one that never looks at the file: its connection stands, whoever binds meanwhile."""
    heard: list[Published] = []
    with context() as ctx, sub_socket(ctx, town.endpoints.pub("measurement"), b"") as socket:

        def come() -> list[Published]:
            while socket.poll(0):
                heard.append(decode(socket.recv_multipart()[1]))
            return heard

        yield come


@asynccontextmanager
async def thief_of(town: Town, forged: SourceState) -> AsyncIterator[None]:
    """Somebody else binds the owner's endpoint and says this to whoever comes."""
    with context() as ctx, pub_socket(ctx, town.endpoints.pub("measurement")) as socket:
        thief = Publisher(socket, "measurement", forged.gen)
        thief.publish(forged, "house")

        async def serve() -> None:
            while True:
                thief.on_readable()
                await asyncio.sleep(0.002)

        task = asyncio.create_task(serve())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])


@pytest.mark.parametrize(
    "ahead", [(10**18, 0), (1, 0), (0, 10**18)], ids=["a far generation", "the next", "the present one"]
)
def test_what_a_thief_says_is_outdone_by_the_owner(tell: Tell, log: list[Any], ahead: tuple[int, int]) -> None:
    async def story(town: Town) -> None:
        stands, reader = town.bus("tap"), town.bus("register-store")
        stands._looking.cancel()  # who looks while the thief's file is there goes to him, and is one that comes late
        early: list[SourceState] = []
        late: list[SourceState] = []
        stands.subscribe("measurement", SourceState, early.append)
        async with owner_of(town) as owner, listening(town) as heard_all:
            real = say(owner, "real")
            await until(lambda: early and heard_all())
            gen, seq = real.gen + ahead[0], real.seq + ahead[1]
            forged = msgspec.structs.replace(real, gen=gen, seq=seq, reason="no")
            async with thief_of(town, forged):
                reader.subscribe("measurement", SourceState, late.append)
                await until(lambda: late and late[-1].reason == "real")
                again = say(owner, "again")
                await until(lambda: late[-1] == early[-1] == again)
            assert again.version > (real.gen + 1, 0)
            assert [message.reason for message in early if message.reason == "no"] == []
            assert len([message for message in late if message.reason == "no"]) <= (gen == real.gen)
            if gen == real.gen:
                assert again.version > forged.version
            await until(lambda: any(isinstance(message, Event) for message in heard_all()))
            (event,) = (message for message in heard_all() if isinstance(message, Event))
            assert "measurement.pub was taken by another process; taken back" in event.text

    tell(story)
    assert any("measurement.pub was taken by another process" in line["event"] for line in log)


def test_what_is_said_in_anothers_name_is_dropped(tell: Tell, log: list[Any]) -> None:
    async def story(town: Town) -> None:
        got: list[SourceState] = []
        reader = town.bus("register-store")
        reader.subscribe("measurement", SourceState, got.append)
        owner = town.bus("measurement")
        stamp = {**owner.stamp(SourceState, "house"), "src": "measurement.2"}
        owner.publish(SourceState(**stamp, t_ns=1, meter="house", connected=True), "house")  # type: ignore[arg-type]
        await until(lambda: reader.malformed)
        real = say(owner, "real")
        await until(lambda: got)
        assert got == [real]

    tell(story)
    assert any("said in the name of measurement.2" in line.get("reason", "") for line in log)


def test_commands_reach_their_owner_again(tell: Tell) -> None:
    async def story(town: Town) -> None:
        async def answer(_: Command) -> dict[str, Any]:
            return {"by": "owner"}

        caller = town.bus("tls-slave")
        async with owner_of(town, "register-store") as owner:
            owner.serve(answer)
            with context() as ctx, router_socket(ctx, town.endpoints.cmd("register-store")):
                with pytest.raises(PeerError):
                    await caller.call("register-store", "write", {}, 0.03)
                for _ in range(100):
                    try:
                        assert await caller.call("register-store", "write", {}, 0.1) == {"by": "owner"}
                        break
                    except PeerError:
                        continue
                else:
                    raise AssertionError("never")

    tell(story)


def test_a_socket_file_that_was_removed_comes_back(tell: Tell) -> None:
    async def story(town: Town) -> None:
        got: list[SourceState] = []
        async with owner_of(town) as owner:
            real = say(owner, "real")
            (town.endpoints.run_dir / "measurement.pub").unlink()
            town.bus("register-store").subscribe("measurement", SourceState, got.append)
            await until(lambda: got)
            assert got[0].reason == real.reason

    tell(story)


def test_a_removed_folder_is_not_this_ones_matter_and_an_endless_thief_costs_no_endless_descriptors(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    endpoint = Town(run_dir).endpoints.pub("measurement")
    with context() as ctx, pub_socket(ctx, endpoint) as socket:
        publisher = Publisher(socket, "measurement", 1)
        claims = Claims(publisher, lambda: publisher.generation + 1, lambda text, **_: told.append(text))
        claims.add(socket, endpoint)
        moved = run_dir.with_suffix(".moved")
        run_dir.rename(moved)
        claims.look()
        moved.rename(run_dir)
        claims.look()
        assert (told, publisher.generation) == ([], 1)
        for _ in range(MOST_TAKEN + 8):
            (run_dir / "measurement.pub").unlink(missing_ok=True)
            claims.look()
        assert publisher.generation == 1 + MOST_TAKEN
        assert told.count("endpoint lost") == 4
        assert len(told) == 4 + 7
        in_an_hour = clock.now_ns() + 3601 * 10**9
        monkeypatch.setattr(clock, "now_ns", lambda: in_an_hour)
        claims.look()
        assert publisher.generation == 1 + MOST_TAKEN + 1


@pytest.mark.parametrize(("readings", "all_of_it"), [(MOST_TURNS, True), (1, False)])
def test_who_turns_to_another_owner_hands_over_what_waits_and_is_not_aborted(
    processes: Processes, run_dir: Path, readings: int, all_of_it: bool
) -> None:
    child = processes.python("-m", "tests.shared.bus.moving", run_dir, str(readings))
    assert child.wait() == 0, child.output
    handed_over = int(child.output)
    assert handed_over == 1 + WAITING if all_of_it else FRAMES_PER_TURN < handed_over < WAITING
