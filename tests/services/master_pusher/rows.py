"""Rows of a map that exists in tests only."""

from collections.abc import Sequence

from shared.registers.row import Origin, Row


def rows_of(counts: Sequence[int], start: int = 100) -> list[Row]:
    """Gapless rows of so many registers."""
    rows: list[Row] = []
    for number, count in enumerate(counts):
        row = Row(
            address=start, count=count, name=f"row{number}", obis="", type="reserved", unit="", per_unit=1,
            scale_row="", access="R", group="", row_class="live", origin=Origin(), confidence="low", source="", note="",
        )  # fmt: skip
        rows.append(row)
        start += count
    return rows
