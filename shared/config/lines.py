"""Where in a TOML text a key stands, so that an error can name the line. tomllib reads values, but forgets places.

Only for a text that tomllib has accepted: what is not TOML ends the search without an error.
"""

import re
import tomllib
from typing import Final

Key = tuple[str | int, ...]
"""Path of a value: table names, positions in arrays, key names. ("meter", 0, "modbus", "port")"""

_BLANK: Final = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_PART: Final = re.compile(r"""[ \t]*([A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')[ \t]*""")
_STRING: Final = re.compile(
    r"""'{3}.*?'{3,5}|"{3}(?:\\.|[^\\])*?"{3,5}|'[^'\n]*'|"(?:\\.|[^"\\\n])*\"""",
    re.DOTALL,
)
_PLAIN: Final = re.compile(r"[^,\]}#\n]*")


def places(text: str) -> dict[Key, int]:
    """Line number, from 1, of each table, key and array element in a valid TOML text."""
    return _Scan(text).document()


def line_of(found: dict[Key, int], key: Key) -> int:
    """Line of `key`, or of the nearest table around it."""
    while key not in found:
        key = key[:-1]
    return found[key]


class _Scan:
    """One pass over the text, `_at` being the place and `_line` its number."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._found: dict[Key, int] = {(): 1}
        self._counts: dict[Key, int] = {}  # last position in each array of tables

    def document(self) -> dict[Key, int]:
        table: Key = ()
        self._skip(_BLANK)
        while self._at < len(self._text):
            before = self._at
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
            if self._at == before:
                break
        return self._found

    def _header(self) -> Key:
        many = self._text.startswith("[[", self._at)
        self._at += 1 + many
        parts = self._dotted()
        self._at += 1 + many
        path: Key = ()
        for position, part in enumerate(parts, start=1):
            path = (*path, part)
            self._note(path)
            if many and position == len(parts):
                self._counts[path] = self._counts.get(path, -1) + 1
            if path in self._counts:  # below an array of tables its last element is meant
                path = (*path, self._counts[path])
                self._note(path)
        return path

    def _pair(self, table: Key) -> None:
        path = table
        for part in self._dotted():
            path = (*path, part)
            self._note(path)
        if self._text.startswith("=", self._at):
            self._at += 1
            self._value(path)

    def _value(self, path: Key) -> None:
        self._skip(_BLANK)
        match self._text[self._at : self._at + 1]:
            case "[":
                self._container("]", path)
            case "{":
                self._container("}", path)
            case '"' | "'":
                self._skip(_STRING)
            case _:
                self._skip(_PLAIN)

    def _container(self, end: str, path: Key) -> None:
        index = 0
        self._at += 1
        self._skip(_BLANK)
        while self._at < len(self._text) and self._text[self._at] != end:
            before = self._at
            if end == "]":
                self._note((*path, index))
                self._value((*path, index))
            else:
                self._pair(path)
            index += 1
            self._skip(_BLANK)
            if self._text.startswith(",", self._at):
                self._at += 1
                self._skip(_BLANK)
            if self._at == before:
                return
        self._at += 1

    def _dotted(self) -> tuple[str, ...]:
        parts = []
        while part := _PART.match(self._text, self._at):
            self._at = part.end()
            parts.append(_bare(part[1]))
            if not self._text.startswith(".", self._at):
                break
            self._at += 1
        return tuple(parts)

    def _note(self, path: Key) -> None:
        self._found.setdefault(path, self._line)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self._text, self._at):
            self._line += found[0].count("\n")
            self._at = found.end()


def _bare(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return next(iter(tomllib.loads(f"{part}=0")))
    except tomllib.TOMLDecodeError:
        return part
