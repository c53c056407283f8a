import os
import signal
import socket
from collections.abc import Callable, Iterator

import pytest
import zmq

from shared.bus.sockets import context
from supervisor.loop import Loop, now


def each(*calls: Callable[[], object]) -> Callable[[], None]:
    def call_all() -> None:
        for call in calls:
            call()

    return call_all


@pytest.fixture
def loop() -> Iterator[Loop]:
    before = {number: signal.getsignal(number) for number in (signal.SIGUSR1, signal.SIGUSR2)}
    made = Loop()
    yield made
    made.close()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_alarms_come_in_time_and_in_order(loop: Loop) -> None:
    rung: list[str] = []
    began = now()
    loop.alarm("late", began + 0.03, each(lambda: rung.append("late"), loop.stop))
    loop.alarm("early", began + 0.01, lambda: rung.append("early"))
    loop.alarm("never", began + 0.02, lambda: rung.append("never"))
    loop.alarm("never", None, lambda: None)
    loop.run()
    assert rung == ["early", "late"]
    assert 0.03 <= now() - began < 1.0


def test_an_alarm_of_the_same_name_replaces_the_first(loop: Loop) -> None:
    rung: list[int] = []
    loop.alarm("one", now(), lambda: rung.append(1))
    loop.alarm("one", now() + 0.01, each(lambda: rung.append(2), loop.stop))
    loop.run()
    assert rung == [2]


def test_every_goes_on(loop: Loop) -> None:
    rung: list[float] = []

    def ring() -> None:
        rung.append(now())
        if len(rung) == 3:
            loop.stop()

    begin = now()
    loop.every("tick", 0.01, ring)
    loop.run()
    assert rung[2] - begin >= 0.03


def test_what_lies_in_a_socket_is_seen_before_an_alarm_that_is_overdue(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    seen: list[str] = []
    with ours, theirs:
        loop.watch(ours.fileno(), each(lambda: seen.append("beat"), lambda: loop.unwatch(ours.fileno())))
        loop.alarm("judgement", now() - 10.0, each(lambda: seen.append("judgement"), loop.stop))
        theirs.send(b"!")
        loop.run()
    assert seen == ["beat", "judgement"]


def test_one_callback_may_end_what_another_waits_for(loop: Loop) -> None:
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def first_come(number: int) -> None:
        called.append(number)
        for ours, _ in pairs:
            loop.unwatch(ours.fileno())
            ours.close()
        loop.stop()

    for number, (ours, theirs) in enumerate(pairs):
        loop.watch(ours.fileno(), lambda number=number: first_come(number))  # type: ignore[misc]
        theirs.send(b"!")
    loop.run()
    assert len(called) == 1
    for _, theirs in pairs:
        theirs.close()


def test_signals_arrive_between_callbacks(loop: Loop) -> None:
    arrived: list[int] = []

    def take(number: int) -> None:
        arrived.append(number)
        if number == signal.SIGUSR2:
            loop.stop()

    loop.signals((signal.SIGUSR1, signal.SIGUSR2), take)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert arrived == []
    loop.alarm("then", now(), lambda: os.kill(os.getpid(), signal.SIGUSR2))
    loop.run()
    assert arrived == [signal.SIGUSR1, signal.SIGUSR2]


def test_zeromq_sockets_are_waited_for_as_well(loop: Loop) -> None:
    got: list[bytes] = []
    with context() as ctx, ctx.socket(zmq.PULL) as pull, ctx.socket(zmq.PUSH) as push:
        port = pull.bind_to_random_port("tcp://127.0.0.1")
        push.connect(f"tcp://127.0.0.1:{port}")
        loop.watch(pull, each(lambda: got.append(pull.recv()), loop.stop))
        push.send(b"hello")
        loop.run()
        loop.unwatch(pull)
    assert got == [b"hello"]
