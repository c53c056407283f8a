"""What the server grants nobody for ever: places, time, patience."""

import asyncio

import pytest

from shared.config.model import Slave
from shared.modbus import server as server_module
from shared.modbus.server import Limits
from tests.shared.modbus.samples import answer, read, registers
from tests.shared.modbus.serving import Run, end, running


def test_the_settings_become_limits() -> None:
    granted = Limits.of(Slave(max_connections=3, max_connections_per_address=2, idle_timeout_s=1.5))
    assert granted == Limits(max_connections=3, max_connections_per_address=2, idle_timeout_s=1.5)


def test_silent_clients_are_ended_also_those_that_trickle(run: Run) -> None:
    async def story() -> None:
        async with running(idle_timeout_s=0.08, stall_timeout_s=0.04) as it:
            silent, silent_writer = await it.connect()
            trickling, trickling_writer = await it.connect()
            busy, busy_writer = await it.connect()
            await it.until(lambda: it.server.connections == 3)
            it.moves_clock_by(0.07)
            trickling_writer.write(b"\0")
            busy_writer.write(read(1, 1))
            assert await busy.readexactly(11)
            it.server._sweep()
            assert it.server.connections == 3
            it.moves_clock_by(0.02)
            assert await end(silent) == await end(trickling) == b""
            assert it.server.connections == 1
            for writer in (silent_writer, trickling_writer, busy_writer):
                writer.close()

    run(story)


def test_a_client_that_takes_nothing_is_ended_without_any_idle_timeout(run: Run) -> None:
    async def story() -> None:
        async with running(idle_timeout_s=0, stall_timeout_s=0.05) as it, it.greedy():
            while it.server.connections:
                it.moves_clock_by(0.1)
                await asyncio.sleep(0.01)

    run(story)


def test_over_the_cap_a_connection_is_closed_counted_and_logged_once_a_minute(run: Run) -> None:
    async def story() -> None:
        async with running(max_connections=2) as it:
            kept = [await it.connect() for _ in range(2)]
            for reader, writer in kept:
                writer.write(read(1, 1))
                assert await reader.readexactly(11) == answer(registers(1, 1))
            for refused in range(1, 4):
                reader, writer = await it.connect()
                assert await end(reader) == b""
                writer.close()
                assert it.server.counters().refused == refused
            (line,) = it.lines
            assert (line["level"], line["reason"]) == ("warning", "2 connections are open")
            it.moves_clock_by(60)
            reader, writer = await it.connect()
            assert await end(reader) == b""
            writer.close()
            assert it.lines[1]["untold"] == 2
            kept.pop()[1].close()
            await it.until(lambda: it.server.connections == 1)
            assert await it.ask(read(600, 1), 11) == answer(registers(600, 1))
            kept.pop()[1].close()

    run(story)


def test_who_never_asked_makes_room_the_longest_silent_first(run: Run) -> None:
    async def story() -> None:
        async with running(max_connections=3, stall_timeout_s=0.05) as it:
            asking, writer = await it.connect()
            writer.write(read(1, 1))
            assert await asking.readexactly(11) == answer(registers(1, 1))
            silent = []
            for _ in range(2):
                it.moves_clock_by(1)
                silent.append(await it.connect())
                await it.until(lambda: it.server.connections == 1 + len(silent))
            reader, refused = await it.connect()
            assert await end(reader) == b""  # they came just now, and may be about to ask
            it.moves_clock_by(server_module.MUTE_S)
            await it.until(lambda: len(it.server._mute) == 1)  # for the other one it is too early
            assert await it.ask(read(600, 1), 11) == answer(registers(600, 1))
            assert await end(silent[0][0]) == b""
            writer.write(read(600, 1))
            assert await asking.readexactly(11) == answer(registers(600, 1))
            assert not silent[1][0].at_eof()
            for one in (refused, writer, *(each[1] for each in silent)):
                one.close()

    run(story)


def test_one_address_cannot_take_all_places(run: Run) -> None:
    async def story() -> None:
        async with running(max_connections_per_address=1) as it:
            _, first = await it.connect()
            await it.until(lambda: it.server.connections == 1)
            reader, second = await it.connect()
            assert await end(reader) == b""
            assert it.lines[0]["reason"] == "1 connections from that address are open"
            other, third = await it.connect("127.0.0.2")
            third.write(read(1, 1))
            assert await other.readexactly(11)
            for writer in (first, second, third):
                writer.close()
            await it.until(lambda: it.server.connections == 0)
            assert not it.server._per_address
            assert await it.ask(read(1, 1), 11)

    run(story)


def test_the_cap_stays_below_the_descriptor_limit(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "room_for_connections", lambda: 7)

    async def story() -> None:
        async with running(max_connections=300) as it:
            assert it.server.cap == 7
            assert (it.lines[0]["configured"], it.lines[0]["possible"]) == (300, 7)

    run(story)
