"""Lists of tables in a settings text: one is put in, one is taken out, by whole lines. Pure.

Tables that stand apart, and comments between them, are more than tomlkit keeps. Each function offers texts, the nicest
first; which of them means what was asked for, the caller finds out by reading them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_HEADER: Final = re.compile(r"\s*\[")


Steps = list[tuple[str, int | None]]
"""Name of each part of a dotted key, and its number in a list, from 1."""


def own_lines(lines: Sequence[str], table: Steps) -> range:
    """The header of a table and its own keys, up to the next header; of the text itself those above the first.

    Empty where the table has no header of its own.
    """
    first, end = 0, len(lines)
    for depth in range(1, len(table) + 1):
        name = r"\s*\.\s*".join(part for part, _ in table[:depth])
        ours = re.compile(rf"\s*\[\[?\s*{name}\s*\]")
        headers = [at for at in range(first, end) if ours.match(lines[at])]
        number = table[depth - 1][1] or 1
        if number <= len(headers):
            first, end = headers[number - 1], next(iter(headers[number:]), end)
        elif headers or depth == len(table):
            return range(0)
    inside = first + 1 if table else first
    return range(first, next((at for at in range(inside, end) if _HEADER.match(lines[at])), end))


def put_in(text: str, path: Sequence[str], entry: Mapping[str, Any]) -> Iterator[str]:
    """With another table `[[path]]`: behind the last one of the same section that fits, or at the end.

    Above the comment that introduces the next table.
    """
    lines, end = _lines(text)
    block = [f"{line}{end}" for line in (f"[[{'.'.join(path)}]]", *_written(entry))]
    headers = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    section = re.compile(rf"\s*\[\[?\s*{path[0]}\s*[.\]]")
    for last in reversed([at for at in headers if section.match(lines[at])]):
        after = next((at for at in headers if at > last), None)
        if after is not None:
            at = _top(lines, after)
            yield "".join([*lines[:at], *([] if not lines[at - 1].strip() else [end]), *block, end, *lines[at:]])
    yield "".join([*lines, *([end] if lines and lines[-1].strip() else []), *block])


def take_out(text: str, path: Sequence[str], number: int) -> Iterator[str]:
    """Without the `number`th header `[[path]]` of the text, from 1, its keys, the tables in it, and its own comment."""
    lines, _ = _lines(text)
    headers = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    name = r"\s*\.\s*".join(path)
    ours = [at for at in headers if re.match(rf"\s*\[\[\s*{name}\s*\]\]", lines[at])]
    if number > len(ours):
        return
    header, inside = ours[number - 1], re.compile(rf"\s*\[\[?\s*{name}\s*\.")
    behind = next((at for at in headers if at > header and not inside.match(lines[at])), len(lines))
    first = _top(lines, header)
    last = max(at for at in range(header, behind) if lines[at].strip() and not _comment(lines[at])) + 1
    while last < _top(lines, behind) and _comment(lines[last]):
        last += 1
    if not first or not lines[first - 1].strip():  # the blank lines above it part what is left
        while last < len(lines) and not lines[last].strip():
            last += 1
    while last == len(lines) and first and not lines[first - 1].strip():
        first -= 1
    yield "".join([*lines[:first], *lines[last:]])


def _written(entry: Mapping[str, Any]) -> list[str]:
    import tomlkit  # noqa: PLC0415  # only who edits pays for it

    return [f"{key} = {tomlkit.item(value).as_string()}" for key, value in entry.items()]


def _lines(text: str) -> tuple[list[str], str]:
    """Whole lines, and how they end."""
    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    return lines, end


def _top(lines: list[str], header: int) -> int:
    """The first of the comment lines right above a header."""
    while 0 < header <= len(lines) and _comment(lines[header - 1]):
        header -= 1
    return header


def _comment(line: str) -> bool:
    return line.lstrip().startswith("#")
