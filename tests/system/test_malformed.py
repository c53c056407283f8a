"""Whatever a peer sends: the right exception or the end of its connection, and the next client is served."""

import contextlib
import itertools
import select
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import memory_kib, wait_for
from tests.system.bus import Listener
from tests.system.gateway import Gateway, descriptors, private_kib, running
from tests.system.ksem_map import READS
from tests.system.tables import constant, household, replay
from tests.system.wire import Client, frame, number, read_pdu

pytestmark = pytest.mark.system

POWER = read_pdu(0, 2)
IDLE_TIMEOUT_S = 1.5
LIMITS = f"idle_timeout_s = {IDLE_TIMEOUT_S}\nmax_connections = 40\nmax_connections_per_address = 40\n"
GROWTH_KIB = 1024


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[Gateway]:
    constant(short_folder / "still.csv", household(1))
    with running(short_folder / "g", replay(short_folder / "still.csv"), LIMITS) as started:
        yield started


@pytest.fixture(autouse=True)
def next_client_is_served(gateway: Gateway) -> Iterator[None]:
    """After each test, and by the same process as before."""
    slave = gateway.pid("plain-slave")
    yield
    with Client(gateway.port) as client:
        assert number(client.read(0, 2)) == round(household(1)["active_power"] * 10)
    assert gateway.pid("plain-slave") == slave


def _exception(function: int, code: int) -> bytes:
    return bytes((function | 0x80, code))


@pytest.mark.parametrize("function", [0, 1, 2, 5, 7, 8, 15, 17, 20, 22, 23, 24, 65, 100, 127, 128, 131, 255])
def test_unknown_functions_get_exception_01(gateway: Gateway, function: int) -> None:
    with Client(gateway.port) as client:
        for body in (b"", b"\0\0\0\1", bytes(252)):
            assert client.ask(bytes((function,)) + body) == _exception(function, 1)
        assert client.read(0, 2)


@pytest.mark.parametrize("function", [3, 4])
def test_wrong_counts_and_sizes_of_a_read_get_exception_03(gateway: Gateway, function: int) -> None:
    with Client(gateway.port) as client:
        for count in (0, 126, 127, 255, 256, 32768, 65535):
            assert client.ask(read_pdu(0, count, function)) == _exception(function, 3)
        for size in (0, 1, 3, 5, 6, 100, 252):
            assert client.ask(bytes((function,)) + bytes(size)) == _exception(function, 3)
        assert len(client.read(0, 125, function)) == 125


def test_addresses_outside_of_the_map_get_exception_02(gateway: Gateway) -> None:
    with Client(gateway.port) as client:
        for address, count in ((147, 2), (148, 1), (511, 2), (787, 6), (8245, 1), (39999, 1), (40179, 1), (65535, 1),
                               (65535, 2), (65411, 125), (49206, 4), (59392, 4), (61440, 4)):  # fmt: skip
            assert client.ask(read_pdu(address, count)) == _exception(3, 2), (address, count)
        for address, count in READS:
            assert len(client.read(address, count)) == count


def test_nobody_can_write_here(gateway: Gateway) -> None:
    with Client(gateway.port) as client:
        before = client.read(0, 125)
        for address, code in ((0, 2), (512, 2), (41168, 1), (41160, 2), (1000, 2)):
            assert client.ask(struct.pack(">BHH", 6, address, 7)) == _exception(6, code)
            assert client.ask(struct.pack(">BHHBH", 16, address, 1, 2, 7)) == _exception(16, code)
        assert client.ask(struct.pack(">BHHBH", 16, 0, 2, 2, 7)) == _exception(16, 3), "byte count and count differ"
        assert client.ask(struct.pack(">BHHB", 16, 0, 124, 248) + bytes(244)) == _exception(16, 3)
        assert client.ask(struct.pack(">BHH", 16, 0, 1)) == _exception(16, 3)
        assert client.ask(struct.pack(">BHHB", 6, 0, 7, 1)) == _exception(6, 3)
        assert client.read(0, 125) == before


def test_device_identification_of_wrong_form_gets_its_exception(gateway: Gateway) -> None:
    with Client(gateway.port) as client:
        assert client.ask(bytes((43, 14, 1, 0)))[0] == 43
        wrong = {(43,): 3, (43, 13, 1, 0): 1, (43, 14): 3, (43, 14, 0, 0): 3, (43, 14, 5, 0): 3, (43, 14, 4, 99): 2}
        for pdu, code in ((bytes(pdu), code) for pdu, code in (wrong | {(43, 14, 1, 0, 0): 3}).items()):
            assert client.ask(pdu) == _exception(43, code), pdu.hex()


def test_any_unit_id_is_answered_and_echoed(gateway: Gateway) -> None:
    with Client(gateway.port) as client:
        answers = {client.ask(POWER, unit) for unit in (0, 1, 2, 127, 247, 248, 255)}
    assert len(answers) == 1


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(1, POWER, length=0), id="length 0"),
        pytest.param(frame(1, POWER, length=1), id="length 1"),
        pytest.param(frame(1, POWER, length=255), id="length 255"),
        pytest.param(frame(1, POWER, length=256), id="length 256"),
        pytest.param(frame(1, POWER, length=65535), id="length 65535"),
        pytest.param(frame(1, POWER, protocol=1), id="protocol 1"),
        pytest.param(frame(1, POWER, protocol=256), id="protocol 256"),
        pytest.param(frame(1, POWER, protocol=65535), id="protocol 65535"),
        pytest.param(b"\0\1\0\0\0\xff", id="header without the rest"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: meter\r\n\r\n", id="HTTP"),
        pytest.param(bytes.fromhex("16030100c8010000c40303") + bytes(190), id="TLS"),
        pytest.param(b"\xff" * 5000, id="all ones"),
        pytest.param(bytes(5000), id="all zeros"),
    ],
)
def test_a_frame_that_is_none_ends_the_connection(gateway: Gateway, data: bytes) -> None:
    with Client(gateway.port) as client:
        client.send(data)
        assert client.is_ended()
    with Client(gateway.port) as client:  # what came before it is answered first
        client.send(frame(5, POWER) + data)
        assert client.receive()[0] == 5
        assert client.is_ended()


def test_a_frame_may_be_split_at_every_byte(gateway: Gateway) -> None:
    """Between the two parts another client is served, so that they cannot have come together."""
    whole = frame(9, read_pdu(24, 2)) + frame(10, read_pdu(512, 4)) + frame(11, bytes((43, 14, 4, 0)))
    with Client(gateway.port) as client, Client(gateway.port) as other:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.send(whole)
        wanted = [client.receive() for _ in range(3)]
        for at in range(1, len(whole)):
            client.send(whole[:at])
            other.read(0, 1)
            client.send(whole[at:])
            assert [client.receive() for _ in range(3)] == wanted, at
        for byte in whole:
            client.send(bytes((byte,)))
            other.read(0, 1)
        assert [client.receive() for _ in range(3)] == wanted


def test_hundreds_of_requests_in_one_segment_are_answered_in_order(gateway: Gateway) -> None:
    requests = [read_pdu(address, count) for address, count in READS] + [bytes((99,)), read_pdu(0, 0), read_pdu(200, 1)]
    with Client(gateway.port) as client:
        wanted = [client.ask(pdu) for pdu in requests]
        many = list(itertools.islice(itertools.cycle(range(len(requests))), 500))
        client.send(b"".join(frame(transaction, requests[which]) for transaction, which in enumerate(many)))
        for transaction, which in enumerate(many):
            assert client.receive() == (transaction, wanted[which])


def test_a_peer_that_never_reads_is_not_read_from_and_costs_no_memory(gateway: Gateway) -> None:
    slave = gateway.pid("plain-slave")
    with Client(gateway.port) as client:
        client.read(0, 125)
    before = private_kib(slave)
    flood = b"".join(frame(transaction, read_pdu(0, 125)) for transaction in range(1000))
    deaf = {client.socket: 0 for client in (Client(gateway.port, buffers=4096) for _ in range(10))}
    try:
        while writable := select.select([], list(deaf), [], 0.5)[1]:  # until nothing more is taken for so long
            for each in writable:
                each.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    deaf[each] += each.send(flood)
            assert max(deaf.values()) < 200_000, "more is taken than the kernel's buffers explain"
        assert min(deaf.values()) > 0
        begin = time.monotonic()
        with Client(gateway.port) as other:
            for _ in range(100):
                other.read(0, 125)
        assert time.monotonic() - begin < 1, "others are served meanwhile"
        assert private_kib(slave) - before < 10 * 200
    finally:
        for each in deaf:
            each.close()


def test_half_open_peers_get_their_answers(gateway: Gateway) -> None:
    with Client(gateway.port) as client:
        client.send(frame(1, POWER) + frame(2, POWER)[:5])
        client.socket.shutdown(socket.SHUT_WR)
        assert client.receive()[0] == 1
        assert client.is_ended()


def test_idle_and_dripping_peers_are_ended_and_busy_ones_are_not(gateway: Gateway) -> None:
    with Client(gateway.port) as idle, Client(gateway.port) as dripping, Client(gateway.port) as busy:
        begin = time.monotonic()
        dripping.socket.setblocking(False)
        dripping.send(frame(1, b"", length=254))
        ended: set[socket.socket] = set()
        while len(ended) < 2:
            assert time.monotonic() - begin < 3 * IDLE_TIMEOUT_S, ended
            busy.read(0, 2)
            readable, _, _ = select.select([idle.socket, dripping.socket], [], [], 0.1)
            ended.update(readable)
            if dripping.socket not in ended:
                dripping.send(b"\0")
        assert time.monotonic() - begin > IDLE_TIMEOUT_S * 0.9
        busy.read(0, 2)
        assert idle.is_ended()
        assert dripping.is_ended()


def test_resets_at_any_moment_cost_nothing(gateway: Gateway) -> None:
    slave = gateway.pid("plain-slave")
    whole = frame(1, read_pdu(0, 125)) * 20
    for size in (0, 1, 6, 7, 11, 12, 13, 100, len(whole)):
        for _ in range(10):
            client = Client(gateway.port)
            client.send(whole[:size])
            client.reset()
    wait_for(lambda: _connections(gateway) == 0, "no connection left")
    assert descriptors(slave) < 60


def test_more_connections_than_allowed_are_refused_and_those_that_are_open_stay(gateway: Gateway) -> None:
    wait_for(lambda: _connections(gateway) == 0, "no connection left")
    clients = [Client(gateway.port) for _ in range(40)]
    try:
        for client in clients:
            client.read(0, 2)
        for _ in range(5):
            with Client(gateway.port) as extra:
                assert extra.is_ended()
        for client in clients:
            client.read(0, 2)
        clients.pop().close()
        wait_for(lambda: _admitted(gateway), "room again")
    finally:
        for client in clients:
            client.close()
    wait_for(lambda: _connections(gateway) == 0, "no connection left")


def test_memory_and_descriptors_stay_flat_under_all_of_it(gateway: Gateway) -> None:
    wait_for(lambda: _connections(gateway) == 0, "no connection left")
    slave = gateway.pid("plain-slave")

    def abuse(times: int) -> None:
        for turn in range(times):
            with Client(gateway.port) as client:
                for address in range(60):  # each another answer to remember
                    client.ask(read_pdu(address + turn % 20, 1 + turn % 60))
                client.ask(bytes((turn % 256,)) + bytes(turn % 250))
                client.send(frame(1, POWER)[: turn % 12])
                if turn % 3:
                    client.send(b"\xff" * 100)
            client = Client(gateway.port)
            client.send(frame(1, read_pdu(0, 125)) * 100)
            client.reset()

    abuse(60)
    before = memory_kib(slave), descriptors(slave)
    abuse(240)
    wait_for(lambda: _connections(gateway) == 0, "no connection left")
    assert memory_kib(slave) - before[0] < GROWTH_KIB
    assert descriptors(slave) <= before[1] + 1


def _connections(gateway: Gateway) -> int:
    """Open ones, as the slave itself says once a second."""
    with Listener(gateway.run_dir, "plain-slave", "sessions/") as sessions:
        sessions.next()  # the last one is sent again
        return int(sessions.next()["connections"])


def _admitted(gateway: Gateway) -> bool:
    with Client(gateway.port) as client:
        try:
            return bool(client.read(0, 2))
        except (EOFError, ConnectionError):
            return False
