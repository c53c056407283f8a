"""One connection over a transport that does what the test wants."""

import asyncio
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.modbus.access import Later, ReadOnly
from shared.modbus.intake import Intake
from shared.modbus.pdu import Write
from shared.modbus.slave import Slave
from shared.modbus.view import Face
from tests.shared.modbus.bench import Bench
from tests.shared.modbus.samples import DEADLINE, T0, adu, answer, exception, image, read, registers, replica


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_the_first_read_goes_through_the_core_and_the_second_the_short_way(bench: Bench) -> None:
    bench.connection.data_received(read(1, 2, 1))
    assert bench.transport.written == [answer(registers(1, 2), 1)]
    bench.connection.data_received(read(1, 2, 2))
    assert len(bench.transport.written) == 1
    assert bench.direct() == answer(registers(1, 2), 2)
    assert bench.connection.slave.requests == 2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from((0, 6, 12, 18)), st.integers(0, 2)), max_size=20))
def test_the_short_way_answers_what_the_core_would(steps: list[tuple[int, int, int]]) -> None:
    bench = Bench()
    core = Slave(replica())
    stream = b"".join(read(start, 1 + start % 2, number) for number, (start, _, _) in enumerate(steps))
    expected, got = b"", b""
    at = 0
    for start, size, advance in [*steps, (0, len(stream), 0)]:
        piece, at = stream[at : at + size], at + size
        bench.now += advance * 1_000_000_000
        if start == 3:
            bench.replica.take(image(seq=at + 2), bench.now)
            core.replica.take(image(seq=at + 2), bench.now)
        if piece:
            expected += core.receive(piece, bench.now)
            bench.connection.data_received(piece)
            got += b"".join(bench.transport.written) + bench.direct()
            bench.transport.written.clear()
    assert got == expected
    assert bench.connection.slave.requests == core.requests
    bench.close()


def test_the_short_way_ends_at_the_deadline(bench: Bench) -> None:
    for now in (T0, DEADLINE, DEADLINE + 1):
        bench.now = now
        bench.connection.data_received(read(1, 1))
    assert bench.direct() == answer(registers(1, 1))
    assert bench.transport.written == [answer(registers(1, 1)), exception(3, 4)]


def test_what_the_kernel_does_not_take_waits_in_the_transport(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.connection.data_received(read(1, 2))
    bench.transport.written.clear()
    whole = answer(registers(1, 2))
    monkeypatch.setattr(os, "write", lambda _fd, data: len(data) - 3)
    bench.connection.data_received(read(1, 2))
    assert bench.transport.written == [whole[-3:]]

    def full(_fd: int, _data: bytes) -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "write", full)
    bench.connection.data_received(read(1, 2))
    assert bench.transport.written == [whole[-3:], whole]
    assert bench.connection.slave.requests == 3


def test_a_refused_connection_is_aborted_at_once() -> None:
    bench = Bench(admits=False)
    assert bench.transport.aborted
    bench.close()


@pytest.mark.parametrize(
    ("peer", "address", "name"),
    [
        (("192.0.2.1", 5), "192.0.2.1", "192.0.2.1:5"),
        (("::ffff:192.0.2.1", 5, 0, 0), "192.0.2.1", "192.0.2.1:5"),
        (("2001:db8::1", 5, 0, 0), "2001:db8::1", "[2001:db8::1]:5"),
        (None, "", ":0"),
    ],
)
def test_a_peer_has_one_name_in_both_families(peer: tuple[Any, ...] | None, address: str, name: str) -> None:
    bench = Bench(peer=peer)
    assert (bench.connection.address, bench.connection.peer) == (address, name)
    bench.close()


def test_a_broken_frame_ends_the_connection_after_its_answers(bench: Bench) -> None:
    bench.connection.data_received(read(1, 1) + adu(b"\3", protocol=1))
    assert bench.transport.written == [answer(registers(1, 1))]
    assert bench.transport.is_closing()
    assert not bench.transport.aborted


def test_a_backlog_is_worked_off_a_burst_per_turn_while_reading_pauses() -> None:
    async def story() -> None:
        bench = Bench(burst=2)
        bench.connection.data_received(b"".join(read(n, 1, n) for n in range(5)))
        for written in (1, 2, 3):
            assert len(bench.transport.written) == written
            assert bench.transport.is_reading() is (written == 3)
            await asyncio.sleep(0)
        assert b"".join(bench.transport.written) == b"".join(answer(registers(n, 1), n) for n in range(5))
        bench.close()

    asyncio.run(story())


def test_a_peer_that_does_not_read_is_not_read_either_until_it_has_read_all() -> None:
    async def story() -> None:
        bench = Bench(burst=1)
        connection, transport = bench.connection, bench.transport
        connection.data_received(read(0, 1, 0) + read(1, 1, 1) + read(2, 1, 2))
        connection.pause_writing()
        assert not transport.is_reading()
        for _ in range(3):
            await asyncio.sleep(0)
        assert len(transport.written) == 1
        connection.resume_writing()
        connection.pause_writing()
        connection.resume_writing()  # whatever the order, one answer after the other and none twice
        assert transport.is_reading()
        for _ in range(3):
            await asyncio.sleep(0)
        assert transport.written == [answer(registers(n, 1), n) for n in range(3)]
        assert transport.is_reading()
        bench.close()

    asyncio.run(story())


def test_a_backlog_of_a_closed_connection_is_dropped() -> None:
    async def story() -> None:
        bench = Bench(burst=1)
        bench.connection.data_received(read(0, 1) + read(1, 1))
        bench.transport.abort()
        await asyncio.sleep(0)
        assert len(bench.transport.written) == 1
        bench.connection.connection_lost(None)
        assert bench.keeper.released == 1
        bench.close()

    asyncio.run(story())


def test_a_backlog_that_ends_broken_ends_the_connection() -> None:
    async def story() -> None:
        bench = Bench(burst=1)
        bench.connection.data_received(read(0, 1) + read(1, 1) + b"\0\0\1")
        assert not bench.transport.is_closing()
        await asyncio.sleep(0)
        assert len(bench.transport.written) == 2
        assert bench.transport.is_closing()
        bench.close()

    asyncio.run(story())


class SlowWriter(ReadOnly):
    """Its writes are settled by the test."""

    def __init__(self) -> None:
        self.later = Later()

    def write(self, request: Write, face: Face) -> Later:  # type: ignore[override]  # the store decides here
        del request, face
        self.later = Later()
        return self.later


def test_while_a_write_is_decided_nothing_more_is_taken_from_its_peer() -> None:
    async def story() -> None:
        writer = SlowWriter()
        bench = Bench(access=writer)
        connection, transport = bench.connection, bench.transport
        pdu = bytes.fromhex("06A0D00003")
        connection.data_received(read(0, 1, 1) + adu(pdu, 2) + read(1, 1, 3))
        assert transport.written == [answer(registers(0, 1), 1)]
        assert not transport.is_reading()
        connection.pause_writing()
        connection.resume_writing()  # asks again, and still has to wait
        assert not transport.is_reading()
        connection.pause_writing()
        writer.later.settle(pdu)
        assert len([data for data in transport.written if data]) == 1  # the peer does not read yet
        connection.resume_writing()
        assert b"".join(transport.written[1:]) == adu(pdu, 2) + answer(registers(1, 1), 3)
        assert transport.is_reading()
        connection.data_received(adu(pdu, 4))
        transport.abort()
        written = list(transport.written)
        writer.later.settle(pdu)
        assert transport.written == written
        bench.close()

    asyncio.run(story())


def test_a_peer_is_overdue_without_requests_not_without_bytes(bench: Bench) -> None:
    def overdue(now: int) -> bool:
        return bench.connection.overdue(now, idle_ns=100, stall_ns=10)

    assert not overdue(T0 + 100)
    assert overdue(T0 + 101)
    bench.connection.data_received(read(1, 1))
    assert not overdue(T0 + 150)
    bench.connection.data_received(read(1, 1)[:5])
    assert not overdue(T0 + 250)
    assert overdue(T0 + 251)
    assert not bench.connection.overdue(T0 + 10**15, idle_ns=0, stall_ns=10)


def test_a_peer_that_takes_no_answers_is_overdue_sooner(bench: Bench) -> None:
    bench.connection.pause_writing()
    assert not bench.connection.overdue(T0 + 10, idle_ns=0, stall_ns=10)
    assert bench.connection.overdue(T0 + 11, idle_ns=0, stall_ns=10)
    bench.connection.resume_writing()
    assert not bench.connection.overdue(T0 + 11, idle_ns=0, stall_ns=10)
    bench.now = T0 + 50
    bench.connection.close()
    assert not bench.connection.overdue(T0 + 60, idle_ns=0, stall_ns=10)
    assert bench.connection.overdue(T0 + 61, idle_ns=0, stall_ns=10)


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        (b"", (-1, 0, -1, 0)),
        (read(10, 3, 1, 7), (7, 3, 10, 3)),
        (read(9000, 3, 1, 7, 4), (7, 4, 9000, 3)),
        (read(0, 126), (1, 3, -1, 0)),
        (adu(bytes.fromhex("06A0D00003")), (1, 6, 41168, 1)),
        (adu(bytes.fromhex("10A0D000020400000001")), (1, 16, 41168, 2)),
        (adu(bytes.fromhex("2B0E0100")), (1, 43, -1, 0)),
        (adu(b"\x63"), (1, 0x63, -1, 0)),
        (adu(b"\0"), (1, 0, -1, 0)),
    ],
)
def test_what_a_client_asked_last_is_told(bench: Bench, request_: bytes, told: tuple[int, int, int, int]) -> None:
    if request_:
        bench.connection.data_received(read(1, 2))
        bench.now += 5
        bench.connection.data_received(request_)
    client = bench.connection.client(T0 + 9)
    assert (client.unit, client.function, client.start, client.count) == told
    assert (client.peer, client.address, client.paused) == ("192.0.2.1:5", "192.0.2.1", False)
    assert (client.connected_ns, client.asked_ns) == (T0, T0 + 9 if request_ else 0)
    assert client.requests == (2 if request_ else 0)
    assert bench.connection.client(T0 + 50).asked_ns == client.asked_ns


def test_what_was_asked_the_short_way_is_told_too_and_a_paused_peer_takes_the_long_one(bench: Bench) -> None:
    for transaction in (1, 2, 3):
        bench.connection.data_received(read(1, 2, transaction))
    assert bench.connection.slave.last == read(1, 2, 3)
    assert bench.direct() == answer(registers(1, 2), 2) + answer(registers(1, 2), 3)
    bench.connection.slave.pause(on=True)
    bench.connection.data_received(read(1, 2, 4))
    assert bench.transport.written[-1] == exception(3, 6, 4)
    assert bench.connection.client(T0).paused


def test_the_intake_reads_in_the_transports_stead_until_the_end() -> None:
    async def story() -> None:
        intake = Intake()
        bench = Bench(intake=intake)
        assert bench.transport.is_reading()  # a transport begins once it is made
        await asyncio.sleep(0)
        assert not bench.transport.is_reading()
        for transaction in (1, 2):
            bench.peer.send(read(1, 2, transaction))
            intake.turn()
        assert bench.transport.written == [answer(registers(1, 2), 1)]
        assert bench.direct() == answer(registers(1, 2), 2)
        bench.connection.pause_writing()
        bench.peer.send(read(1, 2, 3))
        intake.turn()
        assert bench.direct() == b""
        bench.connection.resume_writing()
        intake.turn()
        assert bench.direct() == answer(registers(1, 2), 3)
        bench.peer.shutdown(socket.SHUT_WR)
        intake.turn()
        assert bench.transport.is_reading()  # it shall see the end
        bench.connection.pause_writing()
        assert not bench.transport.is_reading()
        bench.connection.resume_writing()
        assert bench.transport.is_reading()
        bench.connection.connection_lost(None)
        bench.close()
        intake.close()

    asyncio.run(story())


@pytest.mark.parametrize("busy", ["backlog", "blocked", "closing"])
def test_a_connection_in_the_middle_of_something_stays_with_the_transport(busy: str) -> None:
    async def story() -> None:
        intake = Intake()
        bench = Bench(intake=intake, burst=1)
        if busy == "backlog":
            bench.connection.data_received(read(0, 1) + read(1, 1) + read(2, 1))
        elif busy == "blocked":
            bench.connection.pause_writing()
        else:
            bench.transport.close()
        for _ in range(4):
            await asyncio.sleep(0)
        if busy == "blocked":
            bench.connection.resume_writing()
        bench.peer.send(read(1, 1))
        intake.turn()
        assert bench.direct() == b""
        assert bench.transport.is_reading() or busy == "closing"
        bench.close()
        intake.close()

    asyncio.run(story())


def test_an_aborted_connection_is_read_no_more() -> None:
    async def story() -> None:
        intake = Intake()
        bench = Bench(intake=intake)
        await asyncio.sleep(0)
        bench.peer.send(read(1, 1))
        bench.connection.abort()
        intake.turn()
        assert bench.transport.aborted
        assert bench.transport.written == []
        bench.close()
        intake.close()

    asyncio.run(story())
