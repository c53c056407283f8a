import asyncio
import json
import struct
from pathlib import Path

import pytest
import sunspec2
from pymodbus.constants import ExcCodes

from services.measurement.modbus.profile import load
from services.measurement.source import Reading
from tests.services.measurement.modbus.foreign_meter import ForeignMeter
from tests.services.measurement.modbus.ksem_registers import text, words
from tests.services.measurement.modbus.watch import watching

NOT_INT16, NOT_FLOAT = 0x8000, (0x7FC0, 0)
INTEGER_LENGTH, FLOAT_LENGTH = 105, 124


def common(length: int = 66) -> list[int]:
    body = [*text("ACME", 16), *text("Meter 9", 16), *text("", 8), *text("1.4", 8), *text("S-77", 16), 1]
    return [1, length, *body, *([0x8000] * (length - 65))]


def integer_model(number: int) -> list[int]:
    """Everything is not implemented, except A, V, Hz, W, VA, PF and the active energies."""
    model = [number, INTEGER_LENGTH, *([NOT_INT16] * 36), *([0] * 69)]
    for offset, values in {
        3: [512, 498, 505, words(-2, 1)[0]],
        8: [23011, 22987, 23102],
        15: [*words(-2, 1), 5001, *words(-2, 1)],
        18: [*words(-3450, 1), *words(-1150, 1), *words(-1140, 1), *words(-1160, 1), *words(-1, 1)],
        23: [3461, 1155, 1144, 1162, *words(-1, 1)],
        33: [997, 995, 996, 998, *words(-3, 1)],
        38: [*words(70_000, 2), *words(0, 6), *words(123_456, 2), *words(0, 6), 1],
        72: [*([0x8000, 0] * 16)],
    }.items():
        model[offset : offset + len(values)] = values
    return model


def floats(*values: float) -> list[int]:
    return list(struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values)))


def float_model(number: int) -> list[int]:
    model = [number, FLOAT_LENGTH, *(list(NOT_FLOAT) * 61), 0, 0]
    for offset, values in {
        4: floats(5.125, 4.875, 5.0),
        12: floats(230.125, 229.875, 231.0),
        26: floats(49.984375),
        28: floats(2875.5, 958.5, 950.0, 967.0),
        36: floats(2900.0),
        44: floats(-375.0),
        52: floats(0.99),
        60: floats(12.0),
        68: floats(65_536.5),
        92: floats(100.0),
        100: floats(50.0),
    }.items():
        model[offset : offset + len(values)] = values
    return model


def chain(*models: list[int], base: int = 40_000) -> dict[int, int]:
    registers = [0x5375, 0x6E53, *(word for model in models for word in model), 0xFFFF, 0]
    return {base + offset: word for offset, word in enumerate(registers)}


def read(registers: dict[int, int]) -> Reading:
    async def story(meter: ForeignMeter) -> Reading:
        async with watching(meter.port, "sunspec") as watch:
            return await watch.reading()

    with ForeignMeter(registers) as meter:
        return asyncio.run(story(meter))


@pytest.mark.parametrize("number", [201, 202, 203, 204])
def test_integer_meters(number: int) -> None:
    reading = read(chain(common(), integer_model(number)))
    assert reading.texts == {
        "manufacturer": "ACME",
        "model": "Meter 9",
        "version": "1.4",
        "serial_number": "S-77",
    }
    assert reading.values == {
        "active_power": -345.0,
        "active_power_l1": -115.0,
        "active_power_l2": -114.0,
        "active_power_l3": -116.0,
        "apparent_power": -346.1,
        "apparent_power_l1": -115.5,
        "apparent_power_l2": -114.4,
        "apparent_power_l3": -116.2,
        "power_factor": -0.997,
        "power_factor_l1": -0.995,
        "power_factor_l2": -0.996,
        "power_factor_l3": -0.998,
        "current_l1": 5.12,
        "current_l2": 4.98,
        "current_l3": 5.05,
        "voltage_l1": 230.11,
        "voltage_l2": 229.87,
        "voltage_l3": 231.02,
        "supply_frequency": 50.01,
        "active_energy_import": 1_234_560.0,
        "active_energy_export": 700_000.0,
    }


@pytest.mark.parametrize("number", [211, 212, 213, 214])
def test_float_meters(number: int) -> None:
    values = read(chain(common(65), float_model(number))).values
    assert values["active_power"] == 2875.5
    assert values["current_l2"] == 4.875
    assert values["voltage_l3"] == 231
    assert values["supply_frequency"] == 49.984375
    assert values["reactive_power"] == -375
    assert values["power_factor"] == pytest.approx(0.99)
    assert values["active_energy_import"] == 65_536.5
    assert values["reactive_energy_import"] == 150
    assert "reactive_energy_export" not in values
    assert "apparent_power_l1" not in values


@pytest.mark.parametrize("base", [40_000, 50_000, 0])
def test_the_map_is_found_wherever_it_begins_and_behind_other_models(base: int) -> None:
    other = [[103, 50, *([7] * 50)], [64_001, 3, 1, 2, 3]]
    values = read(chain(common(), *other, integer_model(203), base=base)).values
    assert values["active_power"] == -345


def test_a_poll_is_one_request_with_its_scale_factors() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, "sunspec") as watch:
            await watch.reading()
            meter.requests.clear()
            await watch.reading()
            assert set(meter.requests) == {(3, 40_070, 105)}
            meter.put(40_088, 250, words(-90, 1)[0], 170, 170, 1)  # 10 W steps from now on
            reading = await watch.reading()
            assert reading.values["active_power"] == 2500
            assert reading.values["active_power_l1"] == -900
            assert reading.values["apparent_power"] == 346.1
            assert reading.values["apparent_power_l1"] == -115.5

    with ForeignMeter(chain(common(), integer_model(203))) as meter:
        asyncio.run(story(meter))


def test_a_marker_for_what_was_given_before_stops_the_readings() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, "sunspec") as watch:
            await watch.reading()
            meter.put(40_078, NOT_INT16)
            await watch.lost("voltage_l1: given before, missing now")
            seen = len(watch.readings)
            await asyncio.to_thread(meter.stop)  # a new connection does not make it unmeasured either
            await watch.lost("refused")
            await asyncio.to_thread(meter.start)
            await watch.lost("voltage_l1: given before, missing now")
            assert len(watch.readings) == seen
            meter.put(40_078, 22_900)
            assert (await watch.reading()).values["voltage_l1"] == 229

    with ForeignMeter(chain(common(), integer_model(203))) as meter:
        asyncio.run(story(meter))


def test_a_counter_that_begins_to_count_is_given_from_then_on() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, "sunspec") as watch:
            assert "active_energy_import_l1" not in (await watch.reading()).values
            meter.put(40_118, 0, 3)
            assert (await watch.reading()).values["active_energy_import_l1"] == 30
            meter.put(40_118, 0, 0)
            assert (await watch.reading()).values["active_energy_import_l1"] == 0

    with ForeignMeter(chain(common(), integer_model(203))) as meter:
        asyncio.run(story(meter))


def test_another_model_at_its_place_is_noticed_and_found_again() -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, "sunspec") as watch:
            await watch.reading()
            meter.registers.clear()
            meter.registers.update(chain(common(65), integer_model(203)))  # all one lower: a firmware change
            reading = await watch.reading()
            assert reading.values["active_power"] == -345
            assert {each.values["active_power"] for each in watch.readings} == {-345}
            assert any("the meter has changed" in link.reason or "exception" in link.reason for link in watch.links)

    with ForeignMeter(chain(common(), integer_model(203))) as meter:
        asyncio.run(story(meter))


@pytest.mark.parametrize(
    ("registers", "words_"),
    [
        ({0: 1, 1: 2}, "no SunSpec map: 'SunS' is not at 40000, 50000, 0"),
        (chain(common(), [103, 2, 0, 0]), "has models 1, 103, but no meter of 201, 202"),
        (chain(common(), [203, 4, 0, 0, 0, 0]), "has 4 registers, but its points need"),
        (dict(list(chain(common()).items())[:-2]), "exception 02"),
        (chain(*([[64_001, 0]] * 300)), "no end model"),
    ],
)
def test_maps_that_cannot_be_used_are_described(registers: dict[int, int], words_: str) -> None:
    async def story(meter: ForeignMeter) -> None:
        async with watching(meter.port, "sunspec") as watch:
            await watch.lost(words_)
            assert watch.readings == []

    with ForeignMeter(registers) as meter:
        asyncio.run(story(meter))


def test_a_refusal_at_one_base_does_not_end_the_search() -> None:
    async def story(meter: ForeignMeter) -> None:
        meter.failing[40_000] = ExcCodes.DEVICE_FAILURE
        async with watching(meter.port, "sunspec") as watch:
            await watch.reading()

    with ForeignMeter(chain(common(), float_model(213), base=50_000)) as meter:
        asyncio.run(story(meter))


NAMES = {
    "active_power": "W",
    "reactive_power": "VAR",
    "apparent_power": "VA",
    "power_factor": "PF",
    "active_energy_import": "TotWhImp",
    "active_energy_export": "TotWhExp",
    "apparent_energy_import": "TotVAhImp",
    "apparent_energy_export": "TotVAhExp",
    "reactive_energy_import": "TotVArhImpQ1",
    "reactive_energy_export": "TotVArhExpQ3",
    "current": "A",
    "voltage": "PhV",
    "supply_frequency": "Hz",
}


@pytest.mark.parametrize(
    ("block", "number"), [(1, n) for n in (201, 202, 203, 204)] + [(2, n) for n in (211, 212, 213, 214)]
)
def test_the_shipped_profile_fits_the_models_of_the_specification(block: int, number: int) -> None:
    """Every point's address, type and scale factor against the definitions that pysunspec2 brings along."""
    definition = json.loads((Path(sunspec2.__file__).parent / f"models/json/model_{number}.json").read_text())
    points: dict[str, tuple[int, str, str | None]] = {}
    address = 0
    for point in definition["group"]["points"]:
        points[point["name"].lower()] = (address, point["type"], point.get("sf"))
        address += point["size"]
    checked = 0
    for point in load("sunspec").blocks[block].points:
        name, _, phase = point.quantity.partition("_l")
        if point.quantity[-3:-1] != "_l":
            name, phase = point.quantity, ""
        suffix = f"ph{'abc'[int(phase) - 1]}" if phase else ""
        at, kind, factor = points[f"{NAMES[name].lower()}{suffix}"]
        assert (point.plus[0].address, point.plus[0].type) == (at, kind), point.quantity
        if factor is not None:
            assert point.factor is not None
            assert point.factor.address == points[factor.lower()][0]
        checked += 1
    assert checked == 47
