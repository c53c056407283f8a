"""Finding a row by what a person types: its name, or an address in decimal or hexadecimal."""

from collections.abc import Sequence
from difflib import get_close_matches

from shared.errors import RefusedError
from shared.registers.blocks import all_rows
from shared.registers.row import Row


def find(key: str | int, rows: Sequence[Row] | None = None) -> Row:
    """The row of that name, or the one that the address lies in.

    Args:
        key: name, or address such as `40`, `0x28`.
        rows: where to look; without them the whole map in the layout of firmware 2.6.

    Raises:
        RefusedError: with the closest names or the neighbouring addresses.
    """
    rows = all_rows() if rows is None else rows
    address = key if isinstance(key, int) else address_of(key)
    if address is None:
        return _by_name(str(key).strip().lower(), rows)
    row = next((row for row in rows if row.address <= address < row.end), None)
    if row is None:
        raise RefusedError(f"no register at {address} (0x{address:04X}); {_neighbours(address, rows)}")
    return row


def address_of(text: str) -> int | None:
    """The address that a person typed, in decimal or hexadecimal; None for a name."""
    try:
        return int(text, 0 if text.lower().startswith("0x") else 10)
    except ValueError:
        return None


def _by_name(name: str, rows: Sequence[Row]) -> Row:
    row = next((row for row in rows if row.name == name), None)
    if row is None:
        close = get_close_matches(name, [row.name for row in rows], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(close)}?" if close else "`metergate registers` lists all"
        raise RefusedError(f"no register is named {name!r}; {hint}")
    return row


def _neighbours(address: int, rows: Sequence[Row]) -> str:
    before = max((row for row in rows if row.end <= address), key=lambda row: row.end, default=None)
    after = min((row for row in rows if row.address > address), key=lambda row: row.address, default=None)
    parts = [f"the one before is {before.name} at {before.address}"] if before else []
    parts += [f"the next is {after.name} at {after.address}"] if after else []
    return ", ".join(parts) or "there are no registers at all"
