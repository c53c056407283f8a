"""Energy counters out of a register image: what the register store counts, as clients read it. Pure."""

from typing import Final

from shared.bus.messages import Block, Image
from shared.registers.decode import decode
from shared.registers.row import Row
from shared.registers.table import TABLE

ROWS: Final[tuple[Row, ...]] = tuple(row for row in TABLE if row.origin.kind == "counter" and row.type == "uint64")
"""All 24 counters of the KSEM's block 512-791."""


def counters_of(image: Image) -> dict[str, float]:
    """Counter -> Wh, varh or VAh; one that was never known is absent."""
    found: dict[str, float] = {}
    for row in ROWS:
        block = next((each for each in image.blocks if _holds(each, row)), None)
        if block is None or any(row.address < end and first < row.end for first, end in block.unknown):
            continue
        value = decode(row, block.data[2 * (row.address - block.start) : 2 * (row.end - block.start)])
        if isinstance(value, int | float):
            found[row.origin.name] = float(value)
    return found


def _holds(block: Block, row: Row) -> bool:
    return block.start <= row.address and row.end <= block.start + len(block.data) // 2
