"""A recording in which every quantity says the same step number: a wrong or mixed answer gives itself away."""

import struct
from pathlib import Path

from tests.system.ksem_map import LIVE, PHASES

ROWS = 900
EVERY_S = 0.05
SHORT, LONG, SUNSPEC, COUNTERS = (0, 28), (0, 125), (40072, 36), (512, 125)
"""Reads that the load consists of: (address, count)."""
PHASE_VALUES = (40, 106)
"""The current values of the phases, as they are pushed."""

MARKER = b"\x80\x00"
STALE = -1
"""Instead of a step: the markers that SUNSPEC shows when its values are too old."""

_SUNSPEC_POINTS = ((1, 3, 4, 100), (6, 3, 13, 10), (14, 1, 15, 100), (16, 4, 20, 0.01), (21, 4, 25, 0.01),
                   (26, 4, 30, 0.01), (31, 4, 35, 1000))  # fmt: skip
"""In the answer to SUNSPEC: first point, points, scale factor, steps per unit."""
_SIGNED = struct.Struct(f">{SUNSPEC[1]}h")


def values(step: int) -> dict[str, float]:
    """All quantities at one step."""
    found = {"supply_frequency": step / 100}
    for suffix in PHASES:
        found |= {f"{kind}_power{suffix}": 100.0 * step for kind in ("active", "reactive", "apparent")}
        found[f"power_factor{suffix}"] = step / 1000
        if suffix:
            found |= {f"voltage{suffix}": step / 10, f"current{suffix}": step / 100}
    return found


def write(file: Path) -> None:
    """Write the recording."""
    lines = [",".join(("t", *values(1)))]
    for step in range(1, ROWS + 1):
        row = ",".join(map(repr, values(step).values()))
        lines += [f"{step * EVERY_S:.3f},{row}"]
    file.write_text("\n".join(lines) + "\n")


def _registers(step: int) -> bytes:
    memory = bytearray(2 * 148)
    measured = values(step)
    for value in LIVE:
        number = 0 if value.way < 0 else round(measured[value.quantity] * value.per_unit)
        memory[2 * value.address : 2 * (value.address + value.size)] = number.to_bytes(2 * value.size, "big")
    return bytes(memory)


class Judge:
    """Tells the step that an answer shows."""

    def __init__(self) -> None:
        images = {step: _registers(step) for step in range(1, ROWS + 1)}
        self._known = {
            (first, count): {image[2 * first : 2 * (first + count)]: step for step, image in images.items()}
            for first, count in (SHORT, LONG, PHASE_VALUES)
        }

    def step(self, read: tuple[int, int], data: bytes) -> int:
        """The step; 0 where the answer is none that was ever measured, or STALE."""
        if read == SUNSPEC:
            return _sunspec_step(data)
        return self._known[read].get(data, 0)


def _sunspec_step(data: bytes) -> int:
    if data[2:4] == MARKER:
        return STALE
    words: tuple[int, ...] = _SIGNED.unpack(data)
    steps = {
        round(words[first + offset] * 10.0 ** words[factor] * per_unit)
        for first, count, factor, per_unit in _SUNSPEC_POINTS
        for offset in range(count)
    }
    step = steps.pop()
    return step if not steps and 1 <= step <= ROWS else 0


def counters(data: bytes) -> tuple[int, ...]:
    """Those of the answer to COUNTERS, in 0.1 Wh: active, reactive and apparent energy, in sum and of phase 1."""
    return tuple(
        int.from_bytes(data[2 * (at - COUNTERS[0]) : 2 * (at - COUNTERS[0]) + 8], "big")
        for base in (512, 592)
        for at in (base, base + 4, base + 8, base + 12, base + 32, base + 36)
    )
