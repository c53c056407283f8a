"""Where in a TOML text a key stands, so that an error can name the line. tomllib reads values, but forgets places."""

import re
from typing import Final

Key = tuple[str | int, ...]
"""Path of a value: table names, positions in arrays of tables, key names. ("meter", 0, "modbus", "port")"""

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER: Final = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]")
_ASSIGNMENT: Final = re.compile(rf"\s*({_DOTTED})\s*=(.*)", re.DOTALL)
_STRING: Final = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')


def places(text: str) -> dict[Key, int]:
    """Line number, from 1, of each table and key in a valid TOML text.

    Keys of inline tables are not listed: `line_of` falls back to the line on which their table begins.
    """
    found: dict[Key, int] = {(): 1}
    table: Key = ()
    counts: dict[Key, int] = {}
    value = _OpenValue()
    for number, line in enumerate(text.splitlines(), start=1):
        if value.goes_on(line):
            continue
        if header := _HEADER.match(line):
            table = _resolve(_split(header[2]), counts, array=header[1] == "[[")
            found.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            parts = _split(assignment[1])
            for end in range(1, len(parts) + 1):
                found.setdefault(table + parts[:end], number)
            value.begin(assignment[2])
    return found


class _OpenValue:
    """A value that runs over several lines: what stands in it is no key."""

    def __init__(self) -> None:
        self._mark = ""  # closing mark of a multi-line string
        self._depth = 0  # open brackets

    def begin(self, text: str) -> None:
        self._mark = next((mark for mark in ('"""', "'''") if text.count(mark) % 2), "")
        self._depth = 0 if self._mark else max(0, _brackets(text))

    def goes_on(self, line: str) -> bool:
        """Whether `line` belongs to the value, which may end on it."""
        if self._mark:
            self._mark = "" if self._mark in line else self._mark
            return True
        if self._depth:
            self._depth += _brackets(line)
            return True
        return False


def line_of(found: dict[Key, int], key: Key) -> int:
    """Line of `key`, or of the nearest table around it."""
    while key not in found:
        key = key[:-1]
    return found[key]


def _split(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _resolve(parts: tuple[str, ...], counts: dict[Key, int], *, array: bool) -> Key:
    """Full path of a header: below an array of tables it means the last element."""
    path: Key = ()
    for position, part in enumerate(parts):
        path = (*path, part)
        if array and position == len(parts) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _brackets(text: str) -> int:
    bare = _STRING.sub("", text).partition("#")[0]
    return bare.count("[") + bare.count("{") - bare.count("]") - bare.count("}")
