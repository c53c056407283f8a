"""Register contents of meters that only exist in tests."""

from collections.abc import Mapping

from tests.services.measurement.modbus.ksem_registers import words
from tests.system.ksem_map import ENERGIES, LIVE


def ksem_registers(values: Mapping[str, float]) -> dict[int, int]:
    """Of a foreign KSEM without inverter and wallbox."""
    memory: dict[int, int] = dict.fromkeys((*range(148), *range(512, 792), *range(8192, 8245)), 0)
    for value in (*LIVE, *ENERGIES):
        number = values[value.quantity]
        shown = max(0.0, value.way * number) if value.way else number
        registers = words(round(shown * value.per_unit), value.size)
        memory.update({value.address + offset: word for offset, word in enumerate(registers)})
    return memory
