"""Adding, changing and deleting a `[[master.slave]]` in the settings file.

Lists of tables that stand apart, and comments between them, are more than tomlkit keeps: where the text has headers
`[[master.slave]]`, lines are put in and taken out by hand, and what comes out must mean what was asked for.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from shared.config.edit import in_its_place, rewrite
from shared.config.master import MAX_RECEIVERS
from shared.errors import RefusedError

Verify = Callable[[bytes], None]
"""See `edit.edit`."""
_HEADER: Final = re.compile(r"\s*\[")
_MASTER: Final = re.compile(r"\s*\[\[?\s*master\s*[.\]]")
_ENTRY: Final = re.compile(r"\s*\[\[\s*master\s*\.\s*slave\s*\]\]")


def add_receiver(path: Path, entry: Mapping[str, Any], verify: Verify = lambda _: None) -> None:
    """Append a receiver.

    Args:
        path: settings file.
        entry: keys and values of its table, see `master.Target`; what is left out has its default.
        verify: see `edit.edit`.

    Raises:
        ConfigError: the file, or the entry, is wrong; nothing was written.
        RefusedError: there are ten already, or the file cannot be written; nothing was written.
    """

    def change(text: str) -> tuple[str, dict[str, Any]]:
        known = _entries(tomllib.loads(text))
        if len(known) >= MAX_RECEIVERS:
            raise RefusedError(
                f"there are {len(known)} receivers already, and {MAX_RECEIVERS} at most are pushed to; "
                "delete one with `metergate slaves delete`"
            )
        return _first_right([*known, dict(entry)], text, (_put_in(text, entry), _append(text, entry)))

    rewrite(path, change, verify)


def change_receiver(
    path: Path, number: int, address: str, values: Mapping[str, Any], verify: Verify = lambda _: None
) -> None:
    """Set keys of a receiver.

    Args:
        path: settings file.
        number: its place, from 1.
        address: what its key `address` has to be: whoever asks means this one.
        values: new values; None takes a key out, so that its default counts.
        verify: see `edit.edit`.

    Raises:
        ConfigError, RefusedError: as `add_receiver`; also where that place holds another one.
    """

    def change(text: str) -> tuple[str, dict[str, Any]]:
        known = _entries(tomllib.loads(text))
        _same(known, number, address)
        for key, value in values.items():
            if value is None:
                known[number - 1].pop(key, None)
            else:
                known[number - 1][key] = value
            text, _ = _first_right(known, text, (_set(text, number, key, value),))
        return text, tomllib.loads(text)

    rewrite(path, change, verify)


def delete_receiver(path: Path, number: int, address: str, verify: Verify = lambda _: None) -> None:
    """Delete a receiver, with the comment that stands right above it.

    Args:
        path: settings file.
        number: its place, from 1.
        address: what its key `address` has to be: whoever asks means this one.
        verify: see `edit.edit`.

    Raises:
        ConfigError, RefusedError: as `add_receiver`; also where that place holds another one.
    """

    def change(text: str) -> tuple[str, dict[str, Any]]:
        known = _entries(tomllib.loads(text))
        _same(known, number, address)
        left = [*known[: number - 1], *known[number:]]
        return _first_right(left, text, (_take_out(text, number), _delete(text, number)))

    rewrite(path, change, verify)


def _entries(meaning: dict[str, Any]) -> list[dict[str, Any]]:
    """The receivers; ValueError where the settings hold something else in their place."""
    master = meaning.get("master", {})
    known = master.get("slave", []) if isinstance(master, dict) else None
    if not isinstance(known, list) or not all(isinstance(entry, dict) for entry in known):
        raise ValueError("master.slave is no list of tables")
    return known


def _same(known: list[dict[str, Any]], number: int, address: str) -> None:
    if not 1 <= number <= len(known) or known[number - 1].get("address") != address:
        raise RefusedError(f"slave {number} is no longer {address!r}: the settings were changed meanwhile; look again")


def _first_right(
    wanted: list[dict[str, Any]], before: str, ways: tuple[Iterator[str], ...]
) -> tuple[str, dict[str, Any]]:
    """The first text with these receivers and all else as it was. ValueError if there is none."""
    rest = _without(tomllib.loads(before))
    for way in ways:
        for text in way:
            try:
                meaning = tomllib.loads(text)
            except ValueError:
                continue
            if _entries(meaning) == wanted and _without(meaning) == rest:
                return text, meaning
    raise ValueError("the list of receivers is written in an unusual way")


def _without(meaning: dict[str, Any]) -> dict[str, Any]:
    """All but the receivers."""
    master = {key: value for key, value in meaning.get("master", {}).items() if key != "slave"}
    rest = {key: value for key, value in meaning.items() if key != "master"}
    return rest | ({"master": master} if master else {})


def _put_in(text: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """A table behind the last one of the master, or at the end: above the comment that introduces the next table."""
    lines, end = _lines(text)
    block = [f"{line}{end}" for line in ("[[master.slave]]", *_written(entry))]
    headers = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    masters = [at for at in headers if _MASTER.match(lines[at])]
    for last in reversed(masters):
        after = next((at for at in headers if at > last), None)
        if after is not None:
            at = _top(lines, after)
            yield "".join([*lines[:at], *([] if not lines[at - 1].strip() else [end]), *block, end, *lines[at:]])
    yield "".join([*lines, *([end] if lines and lines[-1].strip() else []), *block])


def _take_out(text: str, number: int) -> Iterator[str]:
    lines, _ = _lines(text)
    headers = [at for at, line in enumerate(lines) if _HEADER.match(line)]
    ours = [at for at in headers if _ENTRY.match(lines[at])]
    if number > len(ours):
        return
    header = ours[number - 1]
    first, behind = _top(lines, header), next((at for at in headers if at > header), len(lines))
    last = max(at for at in range(header, behind) if lines[at].strip() and not _comment(lines[at])) + 1
    while last < _top(lines, behind) and _comment(lines[last]):
        last += 1
    while last < len(lines) and not lines[last].strip():  # the blank lines above it part what is left
        last += 1
    while last == len(lines) and first and not lines[first - 1].strip():
        first -= 1
    yield "".join([*lines[:first], *lines[last:]])


def _append(text: str, entry: Mapping[str, Any]) -> Iterator[str]:
    """Into a list in brackets."""
    import tomlkit  # noqa: PLC0415  # only who edits pays for it
    from tomlkit.items import Array  # noqa: PLC0415

    document = tomlkit.parse(text)
    master: Any = document.get("master", {})
    if isinstance(master.get("slave"), Array):
        master["slave"].append(tomlkit.inline_table() | dict(entry))
        yield document.as_string()


def _delete(text: str, number: int) -> Iterator[str]:
    import tomlkit  # noqa: PLC0415

    document = tomlkit.parse(text)
    master: Any = document["master"]
    if number <= len(master["slave"]):
        del master["slave"][number - 1]
        yield document.as_string()


def _set(text: str, number: int, key: str, value: Any) -> Iterator[str]:
    import tomlkit  # noqa: PLC0415

    document = tomlkit.parse(text)
    master: Any = document["master"]
    if number > len(master["slave"]):
        return
    table = master["slave"][number - 1]
    if value is None:
        table.pop(key, None)
        yield document.as_string()
        return
    table[key] = value
    placed = in_its_place(text, document.unwrap(), key, value)
    if placed is not None:
        yield placed
    yield document.as_string()


def _written(entry: Mapping[str, Any]) -> list[str]:
    import tomlkit  # noqa: PLC0415

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
