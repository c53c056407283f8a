"""From a file to the tables of its TOML, within bounds that hold before anything is read or parsed.

A parser takes memory by the square of the parts of a dotted key: 100 kB of `a.a.a...` cost 2.5 GB. Standard library
only, since `metergate health` finds the run folder by it.
"""

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

from shared.errors import ConfigError, Fault

LARGEST_BYTES: Final = 1024 * 1024
"""A thousand meters take less."""

DEEPEST: Final = 8
"""Parts of a dotted key, and brackets in each other; no setting needs more than five."""

LONGEST_WORD: Final = 1000
"""Characters of a bare key or number: Python neither reads nor shows numbers of more digits than some thousands."""

LONGEST_REASON: Final = 200
"""Characters of what the parser says, which may repeat a whole key."""

_TOKEN: Final = re.compile(
    r"""(?P<part>[A-Za-z0-9_-]++
           |"{3}(?:\\.|[^\\])*?(?:"{3,5}|\Z)|'{3}.*?(?:'{3,5}|\Z)
           |"(?:\\.|[^"\\\n])*+"?|'[^'\n]*+'?)
      |(?P<dot>\.)|(?P<open>[\[{])|(?P<close>[\]}])|(?P<other>\#[^\n]*+|[^ \t])""",
    re.DOTALL | re.VERBOSE,
)
"""Unclosed texts end somewhere, so that each character is looked at only once or twice."""

_TWICE: Final = re.compile(r"Cannot declare \((?P<key>.*?),?\) twice", re.DOTALL)
"""The parser shows a heading as a tuple of its parts."""


def content_of(path: Path) -> bytes:
    """What is in a file; a pipe or device in its place would be waited for, or never end.

    Raises:
        ConfigError: it is no file, or has more than `LARGEST_BYTES`.
        OSError: it cannot be read.
    """
    with open(path, "rb", opener=_without_waiting) as file:  # `Path.open` takes no opener
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ConfigError(f"{path}: is a pipe or a device; put a file there")
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise ConfigError(f"{path}: has more than {LARGEST_BYTES} bytes; settings are far smaller, check what it is")
    return content


def text_of(data: bytes, path: Path) -> str:
    """The text of a file; `path` is for messages.

    Raises:
        ConfigError: it is none, `file:line: reason`.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _wrong(path, line, f"is not UTF-8 text ({error.reason}); save it as UTF-8") from error


def read_toml(text: str, path: Path) -> dict[str, Any]:
    """The tables of a TOML text; `path` is for messages.

    Raises:
        ConfigError: it is not TOML, or nested beyond measure, `file:line: reason`.
    """
    if text.startswith("\ufeff"):
        raise _wrong(path, 1, "begins with a byte order mark; save it as UTF-8 without BOM")
    _refuse_excess(text, path)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).rpartition(" (at ")
        line_text = place.removeprefix("line ").partition(",")[0]
        number = int(line_text) if line_text.isdigit() else len(text.splitlines())
        raise _wrong(path, number, f"is not valid TOML: {_said(reason or str(error))}") from error


def _said(reason: str) -> str:
    """What the parser says; of the two mistakes that are made most, with the cure, which it does not say."""
    if reason == "Invalid value":
        return "Invalid value; a text needs quotes, and true and false small letters"
    if (twice := _TWICE.fullmatch(reason)) is not None:
        heading = shortened(twice["key"].replace("'", "").replace(", ", "."), LONGEST_REASON)
        return f"Cannot declare [{heading}] twice; put what belongs to it under the first heading of that name"
    return shortened(reason, LONGEST_REASON)


def shortened(text: str, longest: int) -> str:
    """At most so many characters of it."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _refuse_excess(text: str, path: Path) -> None:
    parts = depth = 0
    dotted = False
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup
        if kind == "part":
            parts = parts + 1 if dotted else 1
            if found.end() - found.start() > LONGEST_WORD and text[found.start()] not in "\"'":
                line = text.count("\n", 0, found.start()) + 1
                raise _wrong(path, line, "is not usable: a number of thousands of digits, or a key as long; remove it")
        elif kind == "open":
            depth += 1
        elif kind == "close":
            depth = max(0, depth - 1)
        dotted = kind == "dot"
        if parts > DEEPEST or depth > DEEPEST:
            line = text.count("\n", 0, found.start()) + 1
            what = "its tables or lists are nested too deeply" if depth > DEEPEST else "a key has too many parts"
            raise _wrong(path, line, f"is not usable: {what}, more than {DEEPEST}; no setting needs that, remove it")


def _wrong(path: Path, line: int, reason: str) -> ConfigError:
    return ConfigError(f"{path}:{line}: {reason}", (Fault(line, "", reason),))


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
