import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.constants import ExcCodes

from services.measurement.modbus.source import LONGEST_PAUSE_S, SHORTEST_PAUSE_S, pause_s
from shared.clock import now_ns
from tests.services.measurement.modbus.foreign_meter import ForeignMeter
from tests.services.measurement.modbus.ksem_registers import ksem, text, words
from tests.services.measurement.modbus.watch import watching
from tests.support import free_port, until


def test_a_foreign_ksem_is_read_to_the_last_digit() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            reading = await watch.reading()
        assert reading.texts == {
            "manufacturer": "KOSTAL",
            "model": "KOSTAL Smart Energy Meter",
            "serial_number": "0815-4711",
            "version": "2.13",
        }
        values = reading.values
        assert values["active_power"] == -1234.5
        assert values["reactive_power"] == 100
        assert values["apparent_power"] == -1238.5
        assert values["power_factor"] == -0.997
        assert values["supply_frequency"] == 50.012
        for number in (1, 2, 3):
            assert values[f"active_power_l{number}"] == -4115 * number / 10
            assert values[f"reactive_power_l{number}"] == -333 * number / 10
            assert values[f"apparent_power_l{number}"] == -4128 * number / 10
            assert values[f"current_l{number}"] == 1790 * number / 1000
            assert values[f"voltage_l{number}"] == (230_000 + number) / 1000
            assert values[f"power_factor_l{number}"] == (-990 - number) / 1000
        assert values["active_energy_import"] == 12_345_678_901.2
        assert values["active_energy_export"] == 0.5
        assert not any("wallbox" in name or "home" in name for name in values)
        assert {link.connected for link in watch.links} == {True}

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


@pytest.mark.parametrize(("model", "invented"), [("SIMULATION three-phase home", True), ("KSEM", False)])
def test_a_meter_that_says_simulation_is_believed(model: str, invented: bool) -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            assert (await watch.reading()).simulated == invented

    with ForeignMeter(ksem()) as meter:
        meter.put(8212, *text(model, 16))
        asyncio.run(story(meter))


def test_the_time_is_that_before_the_first_request() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            asked_ns = now_ns()
            reading = await watch.reading()
            assert asked_ns < reading.t_ns < now_ns()
            times = [each.t_ns for each in watch.readings]
            assert times == sorted(times)

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


def test_optional_blocks_come_when_the_meter_has_them() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            reading = await watch.reading()
        assert reading.values["battery_dc_power_total"] == -1500
        assert reading.values["system_state_of_charge"] == 77
        assert "wallbox_status" not in reading.values

    registers = ksem() | dict.fromkeys(range(40_960, 41_013), 0)
    with ForeignMeter(registers) as meter:
        meter.put(40_984, *words(-1500, 2))
        meter.put(40_986, 77)
        asyncio.run(story(meter))


def test_a_counter_that_a_gateway_cannot_know_is_not_given() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            reading = await watch.reading()
        assert "active_energy_import" in reading.values
        assert "active_energy_import_l1" not in reading.values

    with ForeignMeter(ksem()) as meter:
        meter.failing[592] = ExcCodes.DEVICE_FAILURE
        asyncio.run(story(meter))


def test_a_bad_poll_gives_no_reading_and_a_good_one_recovers() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            await watch.reading()
            meter.failing[40] = ExcCodes.DEVICE_BUSY
            link = await watch.lost("exception 06 (device busy)")
            assert link.failures > 0
            before = len(watch.readings)
            seen = len(meter.requests)
            await until(lambda: len(meter.requests) > seen + 10)
            assert len(watch.readings) == before
            meter.failing.clear()
            assert (await watch.reading()).values["active_power"] == -1234.5
            last = watch.links[-1]
            assert last.connected
            assert last.failures > link.failures
            assert last.polls - last.failures >= len(watch.readings)

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


def test_a_meter_that_stops_is_lost_and_found_again() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            await watch.reading()
            await asyncio.to_thread(meter.stop)
            await watch.lost("refused")
            before = len(watch.readings)
            meter.put(2, *words(7_000, 2))
            meter.put(8228, *text("another", 16))
            await asyncio.to_thread(meter.start)
            reading = await watch.reading()
            assert reading.values["active_power"] == -700
            assert reading.texts["serial_number"] == "another"  # texts are read anew on each connection
            assert all(each.values["active_power"] != 0 for each in watch.readings[before:])

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


def test_a_silent_meter_is_given_up_and_connected_anew() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, timeout_s=0.05) as watch:
            await watch.reading()
            meter.mute = True
            await watch.lost("no answer within 0.05 s to 28 registers from 0")
            meter.mute = False
            await watch.reading()

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


def test_late_answers_are_never_taken_for_those_of_the_next_poll() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, timeout_s=0.05) as watch:
            await watch.reading()
            for _ in range(2):
                meter.delay_s = 0.07
                await watch.lost("no answer")
                meter.delay_s = 0.0
                await watch.reading()
        for reading in watch.readings:
            assert reading.values == watch.readings[0].values

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


def test_slow_polls_do_not_pile_up() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            await watch.reading()
            meter.delay_s = 0.01  # seven requests: a poll takes many cycles
            meter.requests.clear()
            begin = time.monotonic()
            await watch.reading()
            await watch.reading()
            lasted = time.monotonic() - begin
        assert len(meter.requests) <= lasted / 0.01 + 1  # one at a time

    with ForeignMeter(ksem()) as meter:
        asyncio.run(story(meter))


def test_nobody_there_is_said_in_words() -> None:
    async def story() -> None:
        port = free_port()
        async with watching(port) as watch:
            link = await watch.lost("refused; does the meter serve Modbus TCP on this port?")
            assert f"127.0.0.1:{port}" in link.reason
            await until(lambda: len(watch.links) == 3)
            assert [(link.polls, link.failures, link.reason) for link in watch.links] == [
                (number, number, link.reason) for number in (1, 2, 3)
            ], "the same cause in the same words"
            assert watch.readings == []

    asyncio.run(story())


def test_a_missing_mandatory_block_gives_no_reading() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            await watch.lost("exception 02 (illegal data address) to 106 registers from 40")
            assert watch.readings == []

    registers = {address: word for address, word in ksem().items() if address != 144}
    with ForeignMeter(registers) as meter:
        asyncio.run(story(meter))


def test_a_wallbox_that_is_taken_away_costs_a_reconnect_and_no_more() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port) as watch:
            assert (await watch.reading()).values["wallbox_status"] == 5
            for address in range(49_206, 49_262):
                del meter.registers[address]
            await watch.lost("exception 02")
            assert "wallbox_status" not in (await watch.reading()).values

    registers = ksem() | dict.fromkeys(range(49_206, 49_262), 0)
    with ForeignMeter(registers) as meter:
        meter.put(49_206, *words(5, 4))
        asyncio.run(story(meter))


@given(st.integers(1, 1_000_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_with_jitter_within_their_limits(attempt: int, chance: float) -> None:
    pause = pause_s(attempt, chance)
    assert SHORTEST_PAUSE_S / 2 <= pause <= LONGEST_PAUSE_S
    assert pause_s(attempt, 0) * 2 == pytest.approx(min(LONGEST_PAUSE_S, 0.2 * 2.0 ** min(attempt - 1, 16)))
