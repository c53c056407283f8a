"""The server on real sockets, on uvloop and on asyncio's own loop: requests, answers, the end."""

import asyncio
import socket
import struct
from functools import partial

import pytest

from shared.modbus.listen import bind
from shared.modbus.server import Limits
from tests.shared.modbus.samples import DEADLINE, adu, answer, exception, image, read, registers, replica
from tests.shared.modbus.serving import Run, Running, answered, end, running


def test_requests_are_answered_in_order_however_they_arrive(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            reader, writer = await it.connect()
            for start in (1, 1, 2):
                writer.write(read(start, 2, start))
                assert await reader.readexactly(13) == answer(registers(start, 2), start)
            for byte in read(5, 1, 9):
                writer.write(bytes((byte,)))
                await asyncio.sleep(0)
            assert await reader.readexactly(11) == answer(registers(5, 1), 9)
            writer.write(b"".join(read(n % 90, 2, n) for n in range(900)))
            expected = b"".join(answer(registers(n % 90, 2), n) for n in range(900))
            assert await reader.readexactly(len(expected)) == expected
            assert it.server.counters().requests == 904
            writer.close()

    run(story)


@pytest.mark.parametrize(
    "broken", [adu(b"\3", protocol=7), adu(b"\3", length=0), adu(bytes(300), length=301), b"GET /"]
)
def test_a_broken_stream_ends_and_the_next_client_is_served(broken: bytes, run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            reader, writer = await it.connect()
            writer.write(read(1, 1) + broken)
            assert await end(reader) == answer(registers(1, 1))
            writer.close()
            assert await it.ask(read(1, 1), 11) == answer(registers(1, 1))
            assert it.server.counters().framing_errors == 1
            assert [line["event"] for line in it.lines] == ["connection ended: not a Modbus TCP frame"]

    run(story)


def test_values_turn_stale_and_new_ones_show_at_once(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            reader, writer = await it.connect()

            async def ask() -> bytes:
                writer.write(read(1, 1))
                return await reader.read(100)

            assert [await ask(), await ask()] == [answer(registers(1, 1))] * 2
            it.clock.now = DEADLINE + 1
            assert await ask() == exception(3, 4)
            it.replica.take(image(seq=2, t_ns=DEADLINE), it.clock.now)
            assert [await ask(), await ask()] == [answer(registers(1, 1))] * 2
            it.replica.take(image(seq=3, t_ns=DEADLINE, blocks=image().blocks[1:]), it.clock.now)
            assert await ask() == exception(3, 2)
            assert it.server.counters().exceptions == 2
            writer.close()

    run(story)


def test_a_client_that_never_reads_costs_a_bounded_buffer_and_holds_up_nobody(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            loop = asyncio.get_running_loop()
            with socket.socket() as greedy:
                greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                greedy.setblocking(False)
                await loop.sock_connect(greedy, ("127.0.0.1", it.server.port))
                requests = b"".join(read(40000, 125, n & 0xFFFF) for n in range(5000))
                sending = loop.create_task(loop.sock_sendall(greedy, requests))
                await it.until(lambda: any(connection._blocked for connection in it.server._connections))
                assert await it.ask(read(1, 1), 11) == answer(registers(1, 1))
                connection = next(each for each in it.server._connections if each._blocked)
                assert connection.transport.get_write_buffer_size() <= 64 * 259
                assert len(connection.slave.pending) <= 65536
                assert connection.slave.requests < 5000
                data = bytearray()
                while len(data) < 5000 * 259:
                    data += await loop.sock_recv(greedy, 65536)
                await sending
            expected = answer(registers(40000, 125))[2:]
            for n in range(5000):
                assert data[259 * n : 259 * n + 2] == n.to_bytes(2, "big")
                assert data[259 * n + 2 : 259 * (n + 1)] == expected

    run(story)


def test_a_lone_read_that_the_kernel_cannot_take_is_still_answered_whole(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            loop = asyncio.get_running_loop()
            with socket.socket() as slow:
                slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                slow.setblocking(False)
                await loop.sock_connect(slow, ("127.0.0.1", it.server.port))
                await it.until(lambda: it.server.connections == 1)
                (connection,) = it.server._connections
                sent = 0
                while not connection._blocked:
                    await loop.sock_sendall(slow, read(40000, 125, sent))
                    sent += 1
                    await it.until(partial(answered, connection, sent))
                data = bytearray()
                while len(data) < sent * 259:
                    data += await loop.sock_recv(slow, 65536)
                await it.until(lambda: not connection._blocked)
                assert bytes(data) == b"".join(answer(registers(40000, 125), n) for n in range(sent))
                await loop.sock_sendall(slow, read(1, 1))
                assert await loop.sock_recv(slow, 100) == answer(registers(1, 1))

    run(story)


def test_a_half_open_client_gets_its_answers_then_the_end(run: Run) -> None:
    async def story() -> None:
        async with running(burst=4) as it:
            reader, writer = await it.connect()
            writer.write(b"".join(read(1, 1, n) for n in range(30)) + b"\0\1\0")
            writer.write_eof()
            assert await end(reader) == b"".join(answer(registers(1, 1), n) for n in range(30))
            writer.close()
            await it.until(lambda: it.server.connections == 0)

    run(story)


def test_a_reset_is_forgotten(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            _, writer = await it.connect()
            await it.until(lambda: it.server.connections == 1)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
            await it.until(lambda: it.server.connections == 0)
            assert await it.ask(read(1, 1), 11) == answer(registers(1, 1))
            assert it.server.counters().accepted == 2

    run(story)


def test_stopping_lets_answers_out_and_waits_for_nobody_for_ever(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            reader, writer = await it.connect()
            writer.write(read(1, 1))
            assert await reader.readexactly(11)
            async with it.greedy():
                port = it.server.port
                await it.server.stop(0.02)
                assert it.server.connections == it.server.port == 0
                assert await end(reader) == b""
                writer.close()
                with pytest.raises(ConnectionRefusedError):
                    await asyncio.open_connection("127.0.0.1", port)

    run(story)


def test_an_inherited_listening_socket_serves_who_was_waiting_in_it(run: Run) -> None:
    async def story() -> None:
        held = bind("127.0.0.1", 0)
        held.listen()
        with socket.create_connection(held.getsockname()) as early:
            early.sendall(read(1, 1))
            it = Running(Limits(), replica())
            await it.server.start([held.dup()])
            early.setblocking(False)
            assert await asyncio.get_running_loop().sock_recv(early, 100) == answer(registers(1, 1))
            await it.server.stop()
        with held, socket.create_connection(held.getsockname()):
            pass  # the holder's socket still takes connections

    run(story)


def test_clients_are_told_with_their_requests(run: Run) -> None:
    async def story() -> None:
        async with running() as it:
            writers = []
            for count in (1, 3):
                reader, writer = await it.connect()
                writers.append(writer)
                for _ in range(count):
                    writer.write(read(1, 1))
                    assert await reader.readexactly(11)
            names = ["{}:{}".format(*writer.get_extra_info("sockname")) for writer in writers]
            assert [(client.peer, client.requests) for client in it.server.clients()] == [(names[1], 3), (names[0], 1)]
            for writer in writers:
                writer.close()
            await it.until(lambda: it.server.connections == 0)
            assert it.server.clients() == ()
            assert it.server.counters().requests == 4

    run(story)
