import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zmq

from shared import clock
from shared.bus.codec import decode_command, encode
from shared.bus.command import Deadlines, call, call_on, command, result
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Command, Reply
from shared.bus.network import Endpoint
from shared.bus.sockets import Context, context, dealer_socket, router_socket
from shared.errors import BusError, PeerError, RefusedError

MS = 1_000_000
Answer = Callable[[Command], list[bytes]]


@pytest.fixture
def endpoint(run_dir: Path) -> Endpoint:
    return Endpoints(run_dir).cmd("register-store")


@contextlib.contextmanager
def owner(endpoint: Endpoint, answer: Answer) -> Iterator[None]:
    """Takes commands and sends what `answer` makes of each."""
    done = threading.Event()

    def serve(ctx: Context) -> None:
        with router_socket(ctx, endpoint) as socket:
            bound.set()
            while not done.is_set():
                if socket.poll(10):
                    peer, payload = socket.recv_multipart()
                    for reply in answer(decode_command(payload)):
                        socket.send_multipart((peer, reply))

    bound = threading.Event()
    with context() as ctx:
        thread = threading.Thread(target=serve, args=(ctx,))
        thread.start()
        assert bound.wait(5)
        try:
            yield
        finally:
            done.set()
            thread.join()


def ok(request: Command) -> list[bytes]:
    return [encode(Reply(id=request.id, ok=True, result={"verb": request.verb, **request.args}))]


def test_a_command_gets_its_result(endpoint: Endpoint) -> None:
    with owner(endpoint, ok):
        assert call(endpoint, "register-store", "write", {"row": "x"}) == {"verb": "write", "row": "x"}


def test_a_refusal_has_the_words_of_the_owner(endpoint: Endpoint) -> None:
    refusal = owner(endpoint, lambda request: [encode(Reply(id=request.id, ok=False, error="not now"))])
    with refusal, pytest.raises(RefusedError, match=r"^not now$"):
        call(endpoint, "register-store", "write", {})


def test_a_refusal_without_words_names_the_owner() -> None:
    with pytest.raises(RefusedError, match="register-store refused without a reason"):
        result("register-store", Reply(id=1, ok=False))


def test_silence_is_told_in_time(endpoint: Endpoint) -> None:
    with owner(endpoint, lambda _: []):
        before = clock.now_ns()
        with pytest.raises(PeerError, match=r"register-store did not answer 'write' within 0\.1 s; see `metergate ps`"):
            call(endpoint, "register-store", "write", {}, timeout_s=0.1)
        assert 90 * MS <= clock.now_ns() - before < 2000 * MS


def test_a_command_to_an_absent_owner_is_never_delivered_later(endpoint: Endpoint) -> None:
    with context() as ctx, dealer_socket(ctx, endpoint) as socket:
        with pytest.raises(PeerError):
            call_on(socket, "register-store", "first", {}, timeout_s=0.05)
        with pytest.raises(zmq.Again):
            socket.send(encode(command("second", {}, 10.0)), zmq.NOBLOCK)
        seen: list[str] = []

        def note(request: Command) -> list[bytes]:
            seen.append(request.verb)
            return ok(request)

        with owner(endpoint, note):
            call_on(socket, "register-store", "third", {}, timeout_s=5.0)
    assert seen == ["third"]


def test_the_answer_to_a_command_that_was_given_up_is_not_taken_for_the_next(endpoint: Endpoint) -> None:
    held: list[bytes] = []

    def late(request: Command) -> list[bytes]:
        held.extend(ok(request))
        return held if request.verb == "second" else []

    with owner(endpoint, late), context() as ctx, dealer_socket(ctx, endpoint) as socket:
        with pytest.raises(PeerError):
            call_on(socket, "register-store", "first", {}, timeout_s=0.2)
        assert call_on(socket, "register-store", "second", {}, timeout_s=5.0) == {"verb": "second"}


def test_an_answer_to_what_was_never_asked_is_told(endpoint: Endpoint) -> None:
    stranger = owner(endpoint, lambda request: [encode(Reply(id=request.id + 1, ok=True))])
    with stranger, pytest.raises(BusError, match="answered a command that was never sent"):
        call(endpoint, "register-store", "write", {})


def test_a_malformed_answer_is_told(endpoint: Endpoint) -> None:
    with owner(endpoint, lambda _: [b"\xc1"]), pytest.raises(BusError, match="malformed message"):
        call(endpoint, "register-store", "write", {})


def test_each_command_has_its_own_id_and_a_deadline() -> None:
    before = clock.now_ns()
    one, two = command("x", {}, 1.5), command("x", {}, 1.5)
    assert two.id > one.id
    assert 1_500 * MS <= one.deadline_ns - before < 2_500 * MS


def test_a_deadline_of_this_boot_is_compared_directly() -> None:
    deadlines = Deadlines()
    assert not deadlines.expired(command("x", {}, 5.0))
    assert deadlines.expired(Command(id=1, verb="x", deadline_ns=clock.now_ns() - 1))
    assert deadlines.expired(command("x", {}, 0.0))


def test_a_deadline_of_another_host_counts_from_its_sending() -> None:
    deadlines = Deadlines()

    def sent(ago_ms: int, patience_ms: int) -> Command:
        """By a clock that is an hour ahead."""
        then = clock.now_ns() + 3_600_000 * MS - ago_ms * MS
        return Command(id=1, verb="x", sent_ns=then, deadline_ns=then + patience_ms * MS, boot="there")

    assert not deadlines.expired(sent(0, 1000))
    assert deadlines.expired(sent(2000, 1000))
    assert not deadlines.expired(sent(2000, 5000))


def test_a_deadline_of_another_host_without_its_sending_has_always_passed() -> None:
    assert Deadlines().expired(Command(id=1, verb="x", deadline_ns=2**62, boot="there"))
