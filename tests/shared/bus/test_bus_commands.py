import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq

from shared import clock
from shared.bus import bus as module
from shared.bus.codec import MAX_BYTES, decode_command, encode
from shared.bus.messages import Command, Reply
from shared.bus.sockets import Socket, context, dealer_socket, router_socket
from shared.errors import PeerError, RefusedError
from tests.shared.bus.town import Tell, Town
from tests.support import Processes, most_memory, until


async def nothing(_: Command) -> dict[str, Any]:
    return {}


async def asked(owner: Socket) -> tuple[bytes, Command]:
    """Who asks, and what."""
    await until(lambda: owner.poll(0))
    peer, payload = owner.recv_multipart()
    return peer, decode_command(payload)


def test_a_command_gets_its_result_or_the_owners_words(tell: Tell) -> None:
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


def test_many_commands_at_once_get_their_own_answers(tell: Tell) -> None:
    async def story(town: Town) -> None:
        async def obey(request: Command) -> dict[str, Any]:
            await asyncio.sleep(0.001 * (7 - request.args["n"] % 7))  # answered in another order
            return request.args

        owner, caller = town.bus("register-store"), town.bus("plain-slave")
        owner.serve(obey)
        calls = [caller.call("register-store", "x", {"n": number}, 10.0) for number in range(50)]
        assert [answer["n"] for answer in await asyncio.gather(*calls)] == list(range(50))

    tell(story)


def test_more_commands_than_can_wait_are_refused(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_an_absent_owner_is_told_in_time_and_gets_nothing_later(tell: Tell) -> None:
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


def test_commands_reach_an_owner_that_started_again(tell: Tell) -> None:
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


def test_a_command_whose_caller_has_given_up_is_dropped(tell: Tell) -> None:
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


def test_rubbish_to_an_owner_is_dropped(tell: Tell) -> None:
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


def test_of_a_command_of_endless_frames_little_is_kept(tell: Tell) -> None:
    async def story(town: Town) -> None:
        owner = town.bus("register-store")
        owner.serve(nothing)
        with context() as ctx, dealer_socket(ctx, town.endpoints.cmd("register-store")) as socket:
            await until(lambda: socket.poll(0, zmq.POLLOUT))
            with most_memory() as taken:
                socket.send_multipart([b"a" * 1000] * 5000)
                await until(lambda: owner.malformed == 1)
        assert taken[0] < 1_000_000

    tell(story)


def test_rubbish_from_an_owner_is_dropped_and_the_answer_found(tell: Tell) -> None:
    async def story(town: Town) -> None:
        caller = town.bus("plain-slave")
        with context() as ctx, router_socket(ctx, town.endpoints.cmd("register-store")) as liar:
            call = asyncio.create_task(caller.call("register-store", "x", {}, 10.0))
            peer, request = await asked(liar)
            for answer in (b"\xc1", encode(Reply(id=request.id + 9, ok=True)), encode(Reply(id=request.id, ok=True))):
                liar.send_multipart((peer, answer))
            assert await call == {}
        assert caller.malformed == 1

    tell(story)


def test_an_owner_may_begin_for_a_shorter_time_than_its_caller_waits(tell: Tell) -> None:
    async def story(town: Town) -> None:
        caller = town.bus("tls-slave")
        with context() as ctx, router_socket(ctx, town.endpoints.cmd("register-store")) as owner:
            call = asyncio.create_task(caller.call("register-store", "write", {}, 10.0, 0.2))
            peer, request = await asked(owner)
            assert request.deadline_ns - request.sent_ns == 200_000_000
            await until(lambda: clock.now_ns() > request.deadline_ns)
            owner.send_multipart((peer, encode(Reply(id=request.id, ok=True, result={"late": True}))))
            assert await call == {"late": True}

    tell(story)


def test_who_was_held_up_finds_the_answer_though_the_time_is_over(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_UP_S", 10.0)

    async def story(town: Town) -> None:
        caller = town.bus("tls-slave")
        with context() as ctx, router_socket(ctx, town.endpoints.cmd("register-store")) as owner:
            for timeout_s in (10.0, 0.0):  # the first one connects, the second one finds its time over at once
                call = asyncio.create_task(caller.call("register-store", "x", {}, timeout_s, 10.0))
                peer, request = await asked(owner)
                owner.send_multipart((peer, encode(Reply(id=request.id, ok=True))))
                assert await call == {}

    tell(story)


def test_an_answer_of_many_frames_is_one_answer(tell: Tell) -> None:
    async def story(town: Town) -> None:
        caller = town.bus("plain-slave")
        with context() as ctx, router_socket(ctx, town.endpoints.cmd("register-store")) as liar:
            call = asyncio.create_task(caller.call("register-store", "x", {}, 10.0))
            peer, request = await asked(liar)
            liar.send_multipart((peer, *[b"\xc1"] * 100))
            liar.send_multipart((peer, encode(Reply(id=request.id, ok=True))))
            assert await call == {}
        assert caller.malformed == 1

    tell(story)


def test_a_failing_command_is_logged_and_its_owner_lives_on(tell: Tell, log: list[dict[str, Any]]) -> None:
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
def test_a_stopped_owner_drops_on_waking_what_nobody_waits_for(tell: Tell, processes: Processes, run_dir: Path) -> None:
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
