"""What a benchmark hands back: tables of numbers, printed for people or written as JSON. No measuring here."""

import json
import sys
from dataclasses import asdict, dataclass, field

Cell = str | int | float


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        title: what was measured, with the unit.
        columns: heads.
        rows: one cell per column.
        notes: what one must know to read it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Report:
    """All tables of a run, by benchmark."""

    tables: dict[str, list[Table]] = field(default_factory=dict)

    def add(self, benchmark: str, tables: list[Table]) -> None:
        """Take the tables of one benchmark."""
        self.tables[benchmark] = tables

    def json(self) -> str:
        """The same for machines."""
        return json.dumps({name: [asdict(table) for table in tables] for name, tables in self.tables.items()}, indent=1)


def show(table: Table) -> None:
    """Print one table, numbers to the right."""
    rows = [table.columns, *([_text(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(table.columns))]
    right = [bool(table.rows) and not isinstance(table.rows[0][at], str) for at in range(len(table.columns))]
    print(f"\n{table.title}")
    for row in rows:
        print("  ".join(c.rjust(w) if r else c.ljust(w) for c, w, r in zip(row, widths, right, strict=True)).rstrip())
    for note in table.notes:
        print(f"  {note}")
    sys.stdout.flush()


def _text(cell: Cell) -> str:
    if isinstance(cell, float):
        return f"{cell:.2f}" if abs(cell) < 100 else f"{cell:.0f}"
    return str(cell)
