"""Tables for a terminal: cells under each other, and the column STATE in colours."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import click

STATE: Final = "STATE"
BAD: Final = "red"
"""The colour of a state that has none of its own."""


def aligned(lines: Sequence[tuple[str, ...]], right: Collection[int] = ()) -> Iterator[str]:
    """Cells under each other; those of the columns `right` end under each other."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = zip(line, widths, strict=True)
        yield "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width) for column, (cell, width) in enumerate(cells)
        ).rstrip()


def by_state(
    headings: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    colours: Mapping[str, str],
    right: Collection[int] = (),
) -> str:
    """A table whose column `STATE` has a colour for each state; `BAD` where there is none."""
    column = headings.index(STATE)
    heading, *lines = aligned([headings, *rows], right)
    at = heading.index(STATE)  # left aligned: states stand under their heading
    coloured = [click.style(heading, bold=True)]
    for row, line in zip(rows, lines, strict=True):
        state = row[column]
        coloured.append(line[:at] + click.style(state, fg=colours.get(state, BAD)) + line[at + len(state) :])
    return "\n".join(coloured)
