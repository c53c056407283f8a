"""A meter that nobody here wrote, as a process of its own: `python -m tests.system.foreign_meter KIND PORT FILE`.

KIND is the library that serves, `pymodbus` or `pyModbusTCP`; FILE has the registers as JSON, address -> word. Every
other address gets exception 02.
"""

import json
import signal
import sys
from pathlib import Path

from pyModbusTCP.server import DataBank, ModbusServer
from sunspec2.modbus.client import SunSpecModbusClientModel

from tests.services.measurement.modbus.foreign_meter import ForeignMeter
from tests.support import Process, Processes

BASE = 40000
"""Where a SunSpec map begins."""


class _Bank(DataBank):  # type: ignore[misc]  # published without types
    """Registers, and nothing between them."""

    def __init__(self, registers: dict[int, int]) -> None:
        super().__init__(virtual_mode=True)
        self._registers = registers

    def get_holding_registers(self, address: int, number: int = 1, srv_info: object = None) -> list[int] | None:
        """None is exception 02."""
        del srv_info
        if any(address + offset not in self._registers for offset in range(number)):
            return None
        return [self._registers[address + offset] for offset in range(number)]


def start(processes: Processes, kind: str, port: int, folder: Path, registers: dict[int, int]) -> Process:
    """Serve these registers; returns once it listens."""
    file = folder / f"meter-{port}.json"
    file.write_text(json.dumps(registers))
    process = processes.python("-m", "tests.system.foreign_meter", kind, str(port), file)
    process.wait_output("listening", 20)
    return process


def sunspec(number: int, points: dict[str, float], factors: dict[str, int], texts: dict[str, str]) -> dict[int, int]:
    """A SunSpec map of model 1, this meter model and the end model, encoded by pysunspec2.

    Args:
        number: of the meter model.
        points: name -> value.
        factors: name of the scale factor -> exponent; none for a float model.
        texts: points of model 1.
    """
    length = 124 if number > 210 else 105
    data = b"SunS" + _model(1, 66, dict(texts), {}) + _model(number, length, dict(points), factors) + b"\xff\xff\0\0"
    return {BASE + at // 2: int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)}


def _model(number: int, length: int, points: dict[str, float | str], factors: dict[str, int]) -> bytes:
    model = SunSpecModbusClientModel(model_id=number, data=bytes(2 * (length + 2)))
    for name, exponent in factors.items():
        getattr(model, name).value = exponent
    for name, value in points.items():
        point = getattr(model, name)
        exponent = factors.get(point.pdef.get("sf", ""), 0)
        point.value = round(value / 10**exponent) if isinstance(value, float) and factors else value
    data: bytes = model.get_mb()
    assert len(data) == 2 * (length + 2)
    return data


def main(kind: str, port: int, file: Path) -> None:
    """Serve until SIGTERM."""
    registers = {int(address): word for address, word in json.loads(file.read_text()).items()}
    if kind == "pymodbus":
        meter = ForeignMeter(registers)
        meter.port = port
        meter.start()
    else:
        ModbusServer("127.0.0.1", port, no_block=True, data_bank=_Bank(registers)).start()
    print("listening", flush=True)  # noqa: T201  # whoever started this waits for it
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
