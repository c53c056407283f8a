"""Meters that nobody here wrote are read, come out right on our side, go stale by the rule and come back."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from tests.services.measurement.modbus.ksem_registers import text, words
from tests.support import Processes, free_port, wait_for
from tests.system import foreign_meter
from tests.system.gateway import Gateway, running
from tests.system.ksem_map import ENERGIES, LIVE, READS, SUNSPEC_POINTS, Value, by_address, disagreements
from tests.system.tables import constant, household, replay
from tests.system.wire import Client, ModbusError

pytestmark = pytest.mark.system

CYCLE_MS, STALE_AFTER_S = 200, 2
METER = """[[meter]]
id = "house"
source = "modbus"
cycle_ms = {cycle}
stale_after_s = {stale}
[meter.modbus]
profile = "{profile}"
host = "127.0.0.1"
port = {port}
timeout_s = 0.5
"""
TEXTS = {"manufacturer": "Foreign Works", "model": "FM-3", "serial_number": "0815-4711", "version": "3.7"}
FACTORS = {"A_SF": -2, "V_SF": -1, "Hz_SF": -2, "W_SF": 1, "VA_SF": 1, "VAR_SF": 0, "PF_SF": -3}
FACTORS |= {"TotWh_SF": 1, "TotVAh_SF": 0, "TotVArh_SF": 0}


def _meter(port: int, profile: str) -> str:
    return METER.format(cycle=CYCLE_MS, stale=STALE_AFTER_S, profile=profile, port=port)


def _values(direction: int = -1) -> dict[str, float]:
    """What the foreign meter measures, without what only an inverter knows."""
    names = {value.quantity for value in (*LIVE, *ENERGIES)}
    return {name: value for name, value in household(direction).items() if name in names}


def _ksem(values: Mapping[str, float]) -> dict[int, int]:
    """Registers of a foreign KSEM without inverter and wallbox."""
    memory: dict[int, int] = dict.fromkeys((*range(148), *range(512, 792), *range(8192, 8245)), 0)

    def put(address: int, registers: list[int]) -> None:
        memory.update({address + offset: word for offset, word in enumerate(registers)})

    for value in (*LIVE, *ENERGIES):
        number = values[value.quantity]
        shown = max(0.0, value.way * number) if value.way else number
        put(value.address, words(round(shown * value.per_unit), value.size))
    put(8195, [3 << 8 | 7])
    put(8196, text(TEXTS["manufacturer"], 16))
    put(8212, text(TEXTS["model"], 16))
    put(8228, text(TEXTS["serial_number"], 16))
    return memory


def _sunspec(number: int, values: Mapping[str, float]) -> dict[int, int]:
    points = {name: float(values[quantity]) for name, quantity in SUNSPEC_POINTS.items()}
    common = {"Mn": TEXTS["manufacturer"], "Md": TEXTS["model"], "Vr": TEXTS["version"], "SN": TEXTS["serial_number"]}
    return foreign_meter.sunspec(number, points, FACTORS if number < 210 else {}, common)


def _on_the_wire(values: Mapping[str, float], kind: str) -> dict[str, float]:
    """The values as that meter's registers can say them."""
    if kind == "ksem":
        steps = {value.quantity: value.per_unit for value in (*LIVE, *ENERGIES)}
        return {name: round(value * steps[name]) / steps[name] for name, value in values.items()}
    known = {name: value for name, value in values.items() if name in SUNSPEC_POINTS.values()}
    if kind == "213":
        return known
    exponents = {"voltage": -1, "current": -2, "supply_frequency": -2, "active_power": 1, "apparent_power": 1,
                 "reactive_power": 0, "power_factor": -3, "active_energy": 1, "apparent_energy": 0}  # fmt: skip
    found = {}
    for name, value in known.items():
        exponent = next(exponents[start] for start in exponents if name.startswith(start))
        found[name] = float(round(value / 10**exponent) * 10**exponent) if exponent >= 0 else round(value, -exponent)
    return found


def _wrong(gateway: Gateway, values: Mapping[str, float], kind: str) -> list[str]:
    """What does not agree; a float32 of seven digits is allowed its own resolution."""
    with Client(gateway.port) as client:
        reads = {(address, count): client.read(address, count) for address, count in READS[:5]}
    registers = by_address(reads)
    known = [value for value in (*LIVE, *ENERGIES) if value.quantity in values]
    if kind != "213":
        return disagreements(registers, values, known)
    return [value.quantity for value in known if not _float_fits(value, registers, values[value.quantity])]


def _float_fits(value: Value, registers: Mapping[int, int], measured: float) -> bool:
    wanted = max(0.0, value.way * measured) if value.way else measured
    return value.shown(registers) == pytest.approx(wanted, rel=2e-7, abs=1.01 / value.per_unit)


def _identity(gateway: Gateway) -> dict[str, str]:
    with Client(gateway.port) as client:
        found = {name: client.read(address, 16) for name, address in zip(TEXTS, (8196, 8212, 8228), strict=False)}
        version = client.read(8195, 1)[0]
    texts = {
        name: b"".join(word.to_bytes(2, "big") for word in registers).rstrip(b"\0").decode()
        for name, registers in found.items()
    }
    return texts | {"version": f"{version >> 8}.{version & 255}"}


def _refused(gateway: Gateway, address: int, count: int) -> int:
    """Code of the exception there; 0 for none."""
    try:
        with Client(gateway.port) as client:
            client.read(address, count)
    except ModbusError as error:
        return error.code
    return 0


@pytest.mark.parametrize(
    ("library", "kind"), [("pyModbusTCP", "ksem"), ("pymodbus", "203"), ("pymodbus", "213"), ("pymodbus", "ksem")]
)
def test_a_foreign_meter_comes_out_right(run_dir: Path, processes: Processes, library: str, kind: str) -> None:
    values, port = _values(), free_port()
    registers = _ksem(values) if kind == "ksem" else _sunspec(int(kind), values)
    foreign_meter.start(processes, library, port, run_dir, registers)
    with running(run_dir / "g", _meter(port, "ksem" if kind == "ksem" else "sunspec")) as gateway:
        assert _wrong(gateway, _on_the_wire(values, kind), kind) == []
        assert _identity(gateway) == TEXTS


@pytest.mark.parametrize(("library", "kind"), [("pyModbusTCP", "ksem"), ("pymodbus", "203")])
def test_a_meter_that_falls_silent_goes_stale_and_comes_back(
    run_dir: Path, processes: Processes, library: str, kind: str
) -> None:
    values, port = _values(), free_port()
    make = _ksem if kind == "ksem" else lambda known: _sunspec(203, known)
    meter = foreign_meter.start(processes, library, port, run_dir, make(values))
    with running(run_dir / "g", _meter(port, "ksem" if kind == "ksem" else "sunspec")) as gateway:
        assert _wrong(gateway, _on_the_wire(values, kind), kind) == []
        with Client(gateway.port) as client:
            before = client.read(512, 125)
        meter.terminate()
        silent = time.monotonic()
        assert _refused(gateway, 0, 2) == 0, "a value that is still young enough is served"
        wait_for(lambda: _refused(gateway, 0, 2) == 4, "exception 04 for what is live")
        assert STALE_AFTER_S - 1 < time.monotonic() - silent < STALE_AFTER_S + 0.5
        for value in LIVE:
            assert _refused(gateway, value.address, value.size) == 4
        assert _refused(gateway, 40972, 2) == 4
        with Client(gateway.port) as client:
            assert client.read(512, 125) == before, "energies are still served"
        assert _identity(gateway) == TEXTS
        _scan_has_markers_only(gateway)
        again = {name: value + (100 if "_energy_" in name else 0) for name, value in _values(1).items()}
        foreign_meter.start(processes, library, port, run_dir, make(again))
        wait_for(lambda: _refused(gateway, 0, 2) == 0, "live values again", 15)
        assert _wrong(gateway, _on_the_wire(again, kind), kind) == []
        assert gateway.children()["measurement"]["restarts"] == 0
        wait_for(lambda: not gateway.children()["measurement"]["reason"], "no word of it any more")


def test_before_the_first_answer_nothing_live_is_served(run_dir: Path) -> None:
    gateway = Gateway(run_dir / "g", _meter(free_port(), "ksem"))
    try:
        gateway.launch()
        wait_for(gateway.run_dir.joinpath("supervisor.cmd").exists, "the supervisor")
        gateway.wait_ready()
        wait_for(lambda: _refused_or_none(gateway, 8196) == 0, "identity without any sample")
        assert _refused(gateway, 0, 2) == 4
        assert _refused(gateway, 512, 4) == 4, "a counter that was never known is no zero"
        cause = wait_for(lambda: gateway.children()["measurement"]["reason"], "why there is none")
        assert cause.startswith("meter house: no connection to 127.0.0.1:")
        assert cause in gateway.cli("ps").stdout
        wait_for(lambda: cause in gateway.cli("health").stdout, "the cause in the state file")
        stale = gateway.cli("health", "--fresh")
        assert (stale.returncode, f"measurement: {cause}" in stale.stdout + stale.stderr) == (1, True)
        _scan_has_markers_only(gateway, energies=False)
    finally:
        gateway.end()


def test_a_gateway_reads_another_gateway(run_dir: Path) -> None:
    values = household(1)
    constant(run_dir / "still.csv", values)
    with (
        running(run_dir / "a", replay(run_dir / "still.csv")) as first,
        running(run_dir / "b", _meter(first.port, "ksem")) as second,
    ):
        for address, count in (*READS, (8196, 48), (40004, 32)):
            with Client(first.port) as one, Client(second.port) as other:
                assert other.read(address, count) == one.read(address, count), address


def _refused_or_none(gateway: Gateway, address: int) -> int:
    try:
        return _refused(gateway, address, 1)
    except (OSError, EOFError):
        return -1


def _scan_has_markers_only(gateway: Gateway, *, energies: bool = True) -> None:
    device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr="127.0.0.1", ipport=gateway.port)
    try:
        device.scan()
    finally:
        device.close()
    models = {model.model_id: model for model in device.model_list}
    assert list(models) == [1, 203]
    for name, quantity in SUNSPEC_POINTS.items():
        point = getattr(models[203], name)
        if "_energy_" not in quantity:
            assert point.value is None, name
        else:
            assert (point.value not in (None, 0x80000000)) is energies, name
