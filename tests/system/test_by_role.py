"""A supervisor for each role, as in `compose.yaml`: settings that one of them refuses are in force in the others."""

from pathlib import Path

import pytest

from tests.support import Processes, free_port, wait_for
from tests.system import foreign_meter
from tests.system.gateway import Gateway
from tests.system.meters import ksem_registers
from tests.system.tables import household
from tests.system.wire import Client, ModbusError, answers, number

pytestmark = pytest.mark.system

PROFILE = Path(__file__).parents[2] / "services/measurement/profiles/ksem.toml"
METER = """[[meter]]
id = "house"
source = "modbus"
[meter.modbus]
profile = "own.toml"
host = "127.0.0.1"
port = {port}
"""
TENTHS = 50_000
"""What the meter has counted each way: 5 kWh."""


def _energies(gateway: Gateway) -> tuple[int, int] | None:
    """Imported and exported, 0.1 Wh; None where they are not known."""
    with Client(gateway.port) as client:
        try:
            words = client.read(512, 8)
        except ModbusError:
            return None
    return number(words[:4]), number(words[4:])


def test_what_measurement_still_invents_is_not_counted_as_the_real_meters(run_dir: Path, processes: Processes) -> None:
    values = {name: TENTHS / 10 if "_energy_" in name else value for name, value in household(1).items()}
    port = free_port()
    foreign_meter.start(processes, "pymodbus", port, run_dir, ksem_registers(values))
    gateway = Gateway(run_dir / "g")
    try:
        gateway.launch("run", "measurement")
        others = gateway.launch("run", "register-store", "plain-slave")
        wait_for(lambda: answers(gateway.port), "a register", 20)
        gateway.meter = METER.format(port=port)
        gateway.write()
        others.wait_output("measurement still runs by other settings: sample comes from source 'simulated'", 20)
        wait_for(lambda: not answers(gateway.port), "the end of invented values")
        assert _energies(gateway) is None
        (gateway.folder / "own.toml").write_bytes(PROFILE.read_bytes())
        wait_for(lambda: answers(gateway.port), "the meter's values", 20)
        assert _energies(gateway) == (TENTHS, TENTHS)
    finally:
        gateway.end()
