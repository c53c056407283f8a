"""Clients that nobody here wrote read the registers, and what they read is what was measured."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pymodbus.client import ModbusTcpClient
from pyModbusTCP.client import ModbusClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tests.support import ROOT
from tests.system.bus import Listener, Message
from tests.system.foreign import need
from tests.system.gateway import Gateway, running
from tests.system.ksem_map import (
    ENERGIES,
    FLOW,
    LIVE,
    READS,
    SUNSPEC_POINTS,
    by_address,
    disagreements,
)
from tests.system.tables import constant, household, replay

pytestmark = pytest.mark.system

Reads = dict[tuple[int, int], list[int]]
Reader = Callable[[int], Reads]


def _pymodbus(port: int) -> Reads:
    with ModbusTcpClient("127.0.0.1", port=port) as client:
        return {
            (address, count): client.read_holding_registers(address, count=count, device_id=1).registers
            for address, count in READS
        }


def _py_modbus_tcp(port: int) -> Reads:
    client = ModbusClient("127.0.0.1", port, unit_id=1)
    try:
        return {(address, count): client.read_holding_registers(address, count) for address, count in READS}
    finally:
        client.close()


def _mbpoll(port: int) -> Reads:
    need("mbpoll", "on Debian: apt install mbpoll", here=shutil.which("mbpoll") is not None)
    reads: Reads = {}
    for address, count in READS:
        command = ["mbpoll", "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-r", str(address), "-c", str(count)]
        output = _run([*command, "-t", "4:hex", "-1", "-q", "127.0.0.1"])
        lines = re.findall(r"^\[(\d+)\]:\s+0x([0-9A-F]{4})", output, re.MULTILINE)
        found = {int(at): int(word, 16) for at, word in lines}
        reads[address, count] = [found[at] for at in range(address, address + count)]
    return reads


def _modbus_serial(port: int) -> Reads:
    node = shutil.which("node")
    modules = ROOT / "tests" / "foreign" / "node_modules" / "modbus-serial"
    need("node", "on Debian: apt install nodejs npm", here=node is not None)
    need("modbus-serial", "npm ci --omit=optional --prefix tests/foreign", here=modules.is_dir())
    assert node
    spans = [f"{address}:{count}" for address, count in READS]
    found = json.loads(_run([node, str(ROOT / "tests" / "foreign" / "read.js"), str(port), "1", *spans]))
    return dict(zip(READS, found, strict=True))


READERS = [
    pytest.param(_pymodbus, id="pymodbus"),
    pytest.param(_py_modbus_tcp, id="pyModbusTCP"),
    pytest.param(_mbpoll, id="mbpoll", marks=pytest.mark.foreign),
    pytest.param(_modbus_serial, id="modbus-serial", marks=pytest.mark.foreign),
]


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module", params=[1, -1], ids=["import", "export"])
def still(request: pytest.FixtureRequest, short_folder: Path) -> Iterator[tuple[Gateway, dict[str, float]]]:
    """A gateway on which nothing changes, and what was measured."""
    values = household(request.param)
    folder = short_folder / f"still{request.param}"
    folder.mkdir()
    constant(folder / "still.csv", values)
    with running(folder, replay(folder / "still.csv")) as gateway:
        yield gateway, values


@pytest.fixture(scope="module")
def home(short_folder: Path) -> Iterator[Gateway]:
    """The simulated household."""
    with running(short_folder / "home") as gateway:
        yield gateway


@pytest.mark.parametrize("reader", READERS)
def test_every_register_agrees_with_what_was_measured(still: tuple[Gateway, dict[str, float]], reader: Reader) -> None:
    gateway, values = still
    assert disagreements(by_address(reader(gateway.port)), values) == []


@pytest.mark.foreign
def test_mbpoll_decodes_a_value_as_the_readme_says(still: tuple[Gateway, dict[str, float]]) -> None:
    gateway, values = still
    need("mbpoll", "on Debian: apt install mbpoll", here=shutil.which("mbpoll") is not None)
    arguments = f"-m tcp -p {gateway.port} -a 1 -0 -r 0 -c 2 -t 4:int -B -1 127.0.0.1".split()
    found = dict(re.findall(r"^\[(\d+)\]:\s+(-?\d+)", _run(["mbpoll", *arguments]), re.MULTILINE))
    power = values["active_power"]
    assert int(found["0"]) == round(max(0.0, power) * 10)
    assert int(found["2"]) == round(max(0.0, -power) * 10)


def test_pymodbus_decodes_numbers_and_identifies_the_device(still: tuple[Gateway, dict[str, float]]) -> None:
    gateway, values = still
    with ModbusTcpClient("127.0.0.1", port=gateway.port) as client:
        words = client.read_holding_registers(24, count=4).registers
        energy = client.read_input_registers(512, count=4).registers
        device = client.read_device_information()
    assert client.convert_from_registers(words[:2], client.DATATYPE.INT32) == round(values["power_factor"] * 1000)
    assert client.convert_from_registers(words[2:], client.DATATYPE.UINT32) == round(values["supply_frequency"] * 1000)
    assert client.convert_from_registers(energy, client.DATATYPE.UINT64) == int(values["active_energy_import"] * 10)
    assert device.information[0] == b"metergate"


def test_pysunspec2_finds_both_models_and_every_point(still: tuple[Gateway, dict[str, float]]) -> None:
    gateway, values = still
    models = _scan(gateway.port)
    assert list(models) == [1, 203]
    assert (models[1].Mn.value, models[1].SN.value, models[1].DA.value) == ("metergate", "house", 1)
    assert _sunspec_disagreements(models[203], values) == []


@pytest.mark.parametrize("reader", READERS)
def test_a_live_household_agrees_with_the_sample_of_the_same_time(home: Gateway, reader: Reader) -> None:
    with _samples(home) as samples, _images(home) as images:
        sampled, heard = [samples.next()], [_image(images)]
        reads = reader(home.port)
        sampled += samples.within(0.3)
        heard += images.waiting()
    by_time = {sample["t_ns"]: sample["values"] for sample in sampled}
    for start, count in ((0, 125), (40960, 53)):
        words = reads[start, count]
        times = [image["t_ns"] for image in heard if _words(image, start, count) == words]
        assert times, "no image that was published looks like what was read"
        end = start + count
        values = [each for each in (*LIVE, *FLOW) if start <= each.address and each.address + each.size <= end]
        assert disagreements(by_address({(start, count): words}), by_time[times[0]], values) == []


def test_pysunspec2_agrees_with_the_live_sample(home: Gateway) -> None:
    with _samples(home) as samples:
        seen = [samples.next()]
        models = _scan(home.port)
        seen += samples.within(0.5)
    fitting = [sample for sample in seen if not _sunspec_disagreements(models[203], sample["values"], live_only=True)]
    assert len(fitting) == 1, [_sunspec_disagreements(models[203], sample["values"], live_only=True) for sample in seen]
    assert models[1].Md.value.startswith("SIMULATION")


def test_the_energies_of_the_household_are_its_power_over_time(home: Gateway) -> None:
    """Integrated once more from the samples that anybody can hear."""
    with _samples(home) as samples, _images(home) as images:
        heard: list[Message] = []
        first = _image(images)
        heard += samples.within(2)
        until = heard[-1]["t_ns"]
        last = next(image for image in iter(images.next, None) if image["t_ns"] == until)
    between = [sample for sample in heard if first["t_ns"] <= sample["t_ns"] <= last["t_ns"]]
    assert len(between) > 5
    for value in ENERGIES:
        power, _, way = value.quantity.rpartition("_energy_")
        way, _, phase = way.partition("_")
        sign = 1 if way == "import" else -1
        name = f"{power}_power{'_' + phase if phase else ''}"
        watts = [max(0.0, sign * sample["values"][name]) for sample in between]
        hours = [(after["t_ns"] - before["t_ns"]) / 3.6e12 for before, after in pairwise(between)]
        counted = sum((a + b) / 2 * h for (a, b), h in zip(pairwise(watts), hours, strict=True))
        start, end = (value.shown(by_address({(value.address, 4): _words(i, value.address, 4)})) for i in (first, last))
        assert end - start == pytest.approx(counted, abs=0.1001), value.quantity


def _samples(gateway: Gateway) -> Listener:
    return Listener(gateway.run_dir, "measurement", "sample/")


def _images(gateway: Gateway) -> Listener:
    return Listener(gateway.run_dir, "register-store", "image/")


def _image(listener: Listener) -> Message:
    return next(message for message in iter(listener.next, None) if message["t_ns"])


def _words(image: Message, start: int, count: int) -> list[int]:
    """Registers of an image on the bus."""
    for block in image["blocks"]:
        offset = 2 * (start - block["start"])
        if offset >= 0 and offset + 2 * count <= len(block["data"]):
            data = block["data"][offset : offset + 2 * count]
            return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]
    raise AssertionError(f"the image has no registers {start}-{start + count - 1}")


def _scan(port: int) -> dict[int, Any]:
    device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=port)
    try:
        device.scan()
    finally:
        device.close()
    return {model.model_id: model for model in device.model_list}


def _sunspec_disagreements(model: Any, values: dict[str, float], *, live_only: bool = False) -> list[str]:
    found = []
    for name, quantity in SUNSPEC_POINTS.items():
        counter = "_energy_" in quantity
        if counter and live_only:
            continue
        point = getattr(model, name)
        shown = point.cvalue  # which makes the library look up the scale factor, too
        step = 10.0**point.sf_value
        apart = values[quantity] - shown
        fits = -1e-6 <= apart < step + 1e-6 if counter else abs(apart) <= step / 2 + 1e-6
        if not fits:
            found.append(f"{name} is {shown}, {quantity} {values[quantity]}")
    return found
