import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import zmq

from shared.bus.codec import decode, encode
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Block, Event, Image, Message, Published, SourceState
from shared.bus.network import Endpoint
from shared.bus.publisher import MAX_SUBSCRIPTIONS, MAX_TOPICS, Publisher
from shared.bus.sockets import SUBSCRIPTIONS, Context, Socket, context, pub_socket, sub_socket
from tests.support import Processes, memory_kib


@pytest.fixture
def ctx() -> Iterator[Context]:
    with context() as made:
        yield made


@pytest.fixture
def endpoint(run_dir: Path) -> Endpoint:
    return Endpoints(run_dir).pub("measurement")


@pytest.fixture
def publisher(ctx: Context, endpoint: Endpoint) -> Iterator[Publisher]:
    with pub_socket(ctx, endpoint) as socket:
        yield Publisher(socket, "measurement", 7)


def state(publisher: Publisher, meter: str, reason: str = "") -> SourceState:
    message = SourceState(**publisher.stamp(SourceState, meter), t_ns=1, meter=meter, connected=True, reason=reason)
    publisher.publish(message, meter)
    return message


def joined(publisher: Publisher, sub: Socket, expected: int) -> list[Published]:
    """What comes after a subscription: so many messages, and none more."""
    got: list[Published] = []
    until = time.monotonic() + 5
    while not publisher_saw_all(publisher) or len(got) < expected:
        assert time.monotonic() < until, f"{len(got)} of {expected}"
        if sub.poll(5):
            got.append(decode(sub.recv_multipart()[1]))
    assert not sub.poll(20)
    return got


def publisher_saw_all(publisher: Publisher) -> bool:
    """Lets the publisher answer; True once nothing has come for a moment."""
    if publisher.socket.poll(20):
        publisher.on_readable()
        return False
    return True


def test_stamps_count_each_topic_by_itself(publisher: Publisher) -> None:
    assert publisher.stamp(SourceState, "a") == {"src": "measurement", "gen": 7, "seq": 1}
    assert publisher.stamp(SourceState, "a")["seq"] == 2
    assert publisher.stamp(SourceState, "b")["seq"] == 1
    assert publisher.stamp(Image, "a")["seq"] == 1


def test_a_newcomer_gets_the_last_of_each_topic_it_asked_for(
    ctx: Context, publisher: Publisher, endpoint: Endpoint
) -> None:
    state(publisher, "house")
    last = [state(publisher, "house", "again"), state(publisher, "barn")]
    publisher.publish(Image(**publisher.stamp(Image), t_ns=1, meter="", unit=1, stale_after_ms=1, blocks=()))
    with sub_socket(ctx, endpoint, b"source/") as sub:
        assert joined(publisher, sub, 2) == last
    with sub_socket(ctx, endpoint, b"source/ba") as sub:
        assert joined(publisher, sub, 1) == last[1:]
    with sub_socket(ctx, endpoint, b"nothing/") as sub:
        assert joined(publisher, sub, 0) == []


def test_several_prefixes_of_one_newcomer_bring_each_topic_once(
    ctx: Context, publisher: Publisher, endpoint: Endpoint
) -> None:
    message = state(publisher, "house")
    with sub_socket(ctx, endpoint, b"", b"source/", b"source/house") as sub:
        assert publisher.socket.poll(5000)
        time.sleep(0.05)  # so that all three have come: they travel together
        assert joined(publisher, sub, 1) == [message]


def test_an_event_is_no_state(ctx: Context, publisher: Publisher, endpoint: Endpoint) -> None:
    def event(text: str) -> Event:
        return Event(**publisher.stamp(Event), t_ns=1, kind="x.y", text=text)

    publisher.publish(event("before"))
    with sub_socket(ctx, endpoint, b"event/") as sub:
        assert joined(publisher, sub, 0) == []
        publisher.publish(event("now"))
        assert sub.poll(5000)
        found = decode(sub.recv_multipart()[1])
        assert isinstance(found, Event)
        assert found.text == "now"


def test_topics_are_bounded_and_known_ones_stay_fresh(ctx: Context, publisher: Publisher, endpoint: Endpoint) -> None:
    for number in range(MAX_TOPICS + 10):
        state(publisher, f"m{number}")
    state(publisher, "m0", "fresh")
    assert len(publisher._last) == MAX_TOPICS
    with sub_socket(ctx, endpoint, b"source/m0") as sub:
        (found,) = joined(publisher, sub, 1)
        assert isinstance(found, SourceState)
        assert found.reason == "fresh"
    with sub_socket(ctx, endpoint, b"source/m%d" % (MAX_TOPICS + 5)) as sub:
        assert joined(publisher, sub, 0) == []


def test_a_topic_and_its_message_are_two_frames(ctx: Context, publisher: Publisher, endpoint: Endpoint) -> None:
    message: Message = state(publisher, "house")
    with sub_socket(ctx, endpoint, b"") as sub:
        assert publisher.socket.poll(5000)
        publisher.on_readable()
        assert sub.poll(5000)
        assert sub.recv_multipart() == [b"source/house", encode(message)]


def test_publishing_never_waits_for_a_reader_and_its_memory_stays_bounded(
    ctx: Context, publisher: Publisher, endpoint: Endpoint
) -> None:
    image = Image(
        **publisher.stamp(Image), t_ns=1, meter="h", unit=1, stale_after_ms=1, blocks=(Block(0, bytes(14_000)),)
    )
    with sub_socket(ctx, endpoint, b"image/") as never_reads:
        assert publisher.socket.poll(5000)
        publisher.on_readable()
        publisher.publish(image)
        assert never_reads.poll(5000)
        before = memory_kib(os.getpid())
        start = time.perf_counter()
        for _ in range(10_000):  # 140 MB
            publisher.publish(image)
        assert time.perf_counter() - start < 5
        assert memory_kib(os.getpid()) - before < 30_000
        assert never_reads.getsockopt(zmq.EVENTS) == zmq.POLLIN


def test_unsubscribing_and_rubbish_bring_nothing(ctx: Context, publisher: Publisher, endpoint: Endpoint) -> None:
    state(publisher, "house")
    with sub_socket(ctx, endpoint, b"source/") as sub:
        joined(publisher, sub, 1)
        sub.setsockopt(zmq.UNSUBSCRIBE, b"source/")
        assert publisher.socket.poll(5000)
        publisher.on_readable()
        assert not publisher.pending()
        assert not sub.poll(20)
    with ctx.socket(zmq.XSUB) as raw:
        raw.setsockopt(zmq.LINGER, 0)
        raw.connect(endpoint.address)
        raw.send(b"\x07rubbish")
        assert publisher.socket.poll(5000)
        publisher.on_readable()
        assert not raw.poll(20)


FLOOD = """
import sys, zmq
flood = zmq.Context().socket(zmq.SUB)
flood.setsockopt(zmq.RECONNECT_IVL, 10)
flood.setsockopt(zmq.SNDHWM, 0)  # otherwise it drops them itself
flood.connect(sys.argv[1])
for number in range(200_000):
    flood.setsockopt(zmq.SUBSCRIBE, b"%050d" % number)
print("flooding", flush=True)
while True:
    flood.poll(10)
"""


@pytest.mark.parametrize("over_tcp", [False, True])
def test_a_flood_of_subscriptions_is_cut_off_and_others_are_served(
    ctx: Context, endpoint: Endpoint, processes: Processes, over_tcp: bool
) -> None:
    warned: list[tuple[str, int]] = []
    with ctx.socket(zmq.XPUB) if over_tcp else pub_socket(ctx, endpoint) as socket:
        if over_tcp:  # between hosts there are keys, which are not the matter here
            socket.setsockopt(zmq.XPUB_VERBOSE, 1)
            socket.setsockopt(zmq.RCVHWM, SUBSCRIPTIONS)
            socket.bind("tcp://127.0.0.1:*")
            address = cast("bytes", socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()
            endpoint = Endpoint(address)
        publisher = Publisher(socket, "measurement", 7, lambda text, **data: warned.append((text, data["times"])))
        last = state(publisher, "house")
        with connected(ctx, endpoint, b"source/") as honest:
            assert joined(publisher, honest, 1) == [last]
            before = memory_kib(os.getpid())
            flood = processes.python("-c", FLOOD, endpoint.address)
            until = time.monotonic() + 20
            while len(warned) < 4 or "flooding" not in flood.output:
                assert time.monotonic() < until, warned
                if socket.poll(100):
                    publisher.on_readable()
            assert memory_kib(os.getpid()) - before < 20_000  # uncut it took 200 MB
            again = state(publisher, "house", "again")
            assert honest.poll(5000)
            assert decode(honest.recv_multipart()[1]) == again
            flood.popen.kill()
            flood.wait()
            while publisher._prefixes != {b"source/"}:
                assert time.monotonic() < until
                if socket.poll(100):
                    publisher.on_readable()
            with connected(ctx, endpoint, b"source/h") as later:
                assert joined(publisher, later, 1) == [again]
    assert warned == [("subscriber cut off", 2**power) for power in range(len(warned))]


def connected(ctx: Context, endpoint: Endpoint, prefix: bytes) -> Socket:
    sub = ctx.socket(zmq.SUB)
    sub.setsockopt(zmq.LINGER, 0)
    sub.setsockopt(zmq.SUBSCRIBE, prefix)
    sub.connect(endpoint.address)
    return sub


def test_so_many_distinct_subscriptions_are_taken(ctx: Context, publisher: Publisher, endpoint: Endpoint) -> None:
    last = state(publisher, "house")
    many = [b"%d" % number for number in range(MAX_SUBSCRIPTIONS - 1)]

    def serve(done: Callable[[], object]) -> None:
        until = time.monotonic() + 10
        while not done():
            assert time.monotonic() < until
            if publisher.socket.poll(10):
                publisher.on_readable()

    with sub_socket(ctx, endpoint, *many[::2]) as some, sub_socket(ctx, endpoint, *many[1::2]):
        serve(lambda: len(publisher._prefixes) == len(many))
        with sub_socket(ctx, endpoint, b"source/") as other, sub_socket(ctx, endpoint, b"source/") as same:
            serve(lambda: other.poll(0) and same.poll(0))
            assert publisher._times == 0
            with sub_socket(ctx, endpoint, b"source/h") as one_too_many:
                serve(lambda: publisher._times)
                assert not one_too_many.poll(0)
                some.close()  # makes room; who was cut off comes again
                serve(lambda: one_too_many.poll(0))
                assert decode(one_too_many.recv_multipart()[1]) == last
