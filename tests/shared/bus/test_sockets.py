import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from shared.bus.codec import MAX_BYTES
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Image, topic
from shared.bus.network import Endpoint
from shared.bus.sockets import (
    QUEUE,
    SUBSCRIPTION_BYTES,
    SUBSCRIPTIONS,
    Context,
    Socket,
    context,
    dealer_socket,
    pub_socket,
    readable,
    receive,
    router_socket,
    send,
    sub_socket,
)
from tests.support import Processes, memory_kib, wait_for

PUBLISHER = """
import sys, time
from pathlib import Path
import zmq
from shared.bus.endpoints import Endpoints
from shared.bus.messages import SourceState
from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket

publisher = Publisher(pub_socket(context(), Endpoints(Path(sys.argv[1])).pub("measurement")), "measurement", 1)
slowest = sent = 0
while True:
    publisher.socket.poll(1)
    publisher.on_readable()
    for _ in range(5):
        stamp = publisher.stamp(SourceState, "house")
        message = SourceState(**stamp, t_ns=1, meter="house", connected=True, reason="x" * 4000)
        before = time.perf_counter()
        publisher.publish(message, "house")
        slowest = max(slowest, time.perf_counter() - before)
        sent += 1
    if sent % 100 == 0:
        print(f"{sent} slowest {slowest * 1e3:.1f} ms")
        slowest = 0
"""


@pytest.fixture
def ctx() -> Iterator[Context]:
    with context() as made:
        yield made


@pytest.fixture
def endpoints(run_dir: Path) -> Endpoints:
    return Endpoints(run_dir)


def raw_sub(ctx: Context, endpoint: Endpoint) -> Socket:
    """A subscriber without any of our limits."""
    socket = ctx.socket(zmq.SUB)
    socket.setsockopt(zmq.LINGER, 0)
    socket.connect(endpoint.address)
    return socket


def test_every_socket_has_every_limit(ctx: Context, endpoints: Endpoints) -> None:
    pub, cmd = endpoints.pub("measurement"), endpoints.cmd("measurement")
    with (
        pub_socket(ctx, pub) as xpub,
        sub_socket(ctx, pub, b"") as sub,
        router_socket(ctx, cmd) as router,
        dealer_socket(ctx, cmd) as dealer,
    ):
        for socket, largest, waiting in (
            (xpub, SUBSCRIPTION_BYTES, SUBSCRIPTIONS),
            (sub, MAX_BYTES, QUEUE),
            (router, MAX_BYTES, QUEUE),
            (dealer, MAX_BYTES, QUEUE),
        ):
            assert socket.getsockopt(zmq.MAXMSGSIZE) == largest
            assert socket.getsockopt(zmq.LINGER) == 0
            assert socket.getsockopt(zmq.SNDHWM) == QUEUE
            assert socket.getsockopt(zmq.RCVHWM) == waiting
        assert dealer.getsockopt(zmq.IMMEDIATE) == 1


def test_the_longest_topic_of_ours_is_taken(ctx: Context, endpoints: Endpoints) -> None:
    name = topic(Image, "x" * 32)
    with (
        pub_socket(ctx, endpoints.pub("measurement")) as xpub,
        sub_socket(ctx, endpoints.pub("measurement"), name),
    ):
        assert xpub.poll(5000)
        assert xpub.recv() == b"\x01" + name


def test_a_message_is_there_once_and_of_endless_frames_three_are_kept(ctx: Context, endpoints: Endpoints) -> None:
    with (
        pub_socket(ctx, endpoints.pub("measurement")) as xpub,
        sub_socket(ctx, endpoints.pub("measurement"), b"t") as sub,
    ):
        assert xpub.poll(5000)
        xpub.send_multipart((b"t",) + 99 * (b"x",))
        send(xpub, b"t", b"y")
        assert sub.poll(5000)
        assert receive(sub) == [b"t", b"x", b"x"]
        assert sub.poll(5000)
        assert readable(sub)
        assert receive(sub) == [b"t", b"y"]
        assert not readable(sub)
        with pytest.raises(zmq.Again):
            receive(sub)


def test_a_bogus_subscription_is_cut_and_others_are_served(ctx: Context, endpoints: Endpoints) -> None:
    endpoint = endpoints.pub("measurement")
    with pub_socket(ctx, endpoint) as xpub, raw_sub(ctx, endpoint) as bogus, sub_socket(ctx, endpoint, b"good"):
        bogus.setsockopt(zmq.SUBSCRIBE, b"b" * (SUBSCRIPTION_BYTES + 1))
        assert xpub.poll(5000)
        assert xpub.recv() == b"\x01good"
        with sub_socket(ctx, endpoint, b"later") as later:  # the bogus one has tried often meanwhile
            assert xpub.poll(5000)
            assert xpub.recv() == b"\x01later"
            xpub.send(b"later!")
            assert later.poll(5000)
            assert not xpub.poll(100)


@pytest.mark.system
def test_floods_of_subscriptions_change_nothing_for_the_producer(
    ctx: Context, endpoints: Endpoints, processes: Processes, run_dir: Path
) -> None:
    """Long ones are cut; short ones stay within what a trie of them takes; a reader who never reads holds nobody up."""
    process = processes.python("-c", PUBLISHER, run_dir)
    endpoint = endpoints.pub("measurement")
    with sub_socket(ctx, endpoint, b"source/") as good:
        assert good.poll(10_000)
        before = memory_kib(process.pid)
        for _ in range(8):
            with raw_sub(ctx, endpoint) as bogus:
                for number in range(250):
                    bogus.setsockopt(zmq.SUBSCRIBE, str(number).encode().ljust(2000, b"x"))
                    bogus.setsockopt(zmq.SUBSCRIBE, b"source/" + str(number).encode())
                never_reads = sub_socket(ctx, endpoint, b"")
                good.recv_multipart()
                never_reads.close()
        seen = len(process.output)
        wait_for(lambda: len(process.output) > seen + 60 and good.poll(1000) and good.recv_multipart())
        assert memory_kib(process.pid) - before < 20_000
        slowest = max(float(line.split()[2]) for line in process.output.splitlines() if line.endswith("ms"))
        assert slowest < 1000


@pytest.mark.system
def test_a_stopped_subscriber_costs_the_producer_neither_time_nor_memory(
    ctx: Context, endpoints: Endpoints, processes: Processes, run_dir: Path
) -> None:
    process = processes.python("-c", PUBLISHER, run_dir)
    reader = (
        "import sys, time\nfrom pathlib import Path\nfrom shared.bus.endpoints import Endpoints\n"
        "from shared.bus.sockets import context, sub_socket\n"
        "socket = sub_socket(context(), Endpoints(Path(sys.argv[1])).pub('measurement'), b'')\n"
        "while True:\n    print(len(socket.recv_multipart()))\n"
    )
    slow = processes.python("-c", reader, run_dir)
    slow.wait_output("2\n")
    os.kill(slow.pid, signal.SIGSTOP)
    with sub_socket(ctx, endpoints.pub("measurement"), b"source/") as good:
        assert good.poll(10_000)
        before = memory_kib(process.pid)
        sent = len(process.output.splitlines())
        wait_for(lambda: len(process.output.splitlines()) > sent + 40, "4000 messages of 4 kB")
        assert memory_kib(process.pid) - before < 8_000
        while good.poll(0):
            good.recv_multipart()
        assert good.poll(2000)
    stopped = len(slow.output)
    os.kill(slow.pid, signal.SIGCONT)
    wait_for(lambda: len(slow.output) > stopped + 1000, "it goes on reading")
