"""Adding, changing and deleting a `[[master.slave]]` in the settings file.

Where the text has headers `[[master.slave]]`, lines are put in and taken out, see `tables`; what comes out must mean
what was asked for.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from shared.config.edit import in_its_place, rewrite
from shared.config.master import MAX_RECEIVERS
from shared.config.tables import put_in, take_out
from shared.errors import RefusedError

Verify = Callable[[bytes], None]
"""See `edit.edit`."""
Changed = tuple[str, dict[str, Any]]
"""A text, and what it means."""
_PLACE: Final = ("master", "slave")


def add_receiver(path: Path, entry: Mapping[str, Any], verify: Verify = lambda _: None) -> None:
    """Append a receiver to the settings file; see `added`.

    Raises:
        ConfigError: the file, or the entry, is wrong; nothing was written.
        RefusedError: as `added`, or the file cannot be written; nothing was written.
    """
    rewrite(path, lambda text: added(text, entry), verify)


def change_receiver(
    path: Path, number: int, address: str, values: Mapping[str, Any], verify: Verify = lambda _: None
) -> None:
    """Set keys of a receiver in the settings file; see `changed`.

    Raises:
        ConfigError, RefusedError: as `add_receiver`.
    """
    rewrite(path, lambda text: changed(text, number, address, values), verify)


def delete_receiver(path: Path, number: int, address: str, verify: Verify = lambda _: None) -> None:
    """Delete a receiver from the settings file; see `deleted`.

    Raises:
        ConfigError, RefusedError: as `add_receiver`.
    """
    rewrite(path, lambda text: deleted(text, number, address), verify)


def added(text: str, entry: Mapping[str, Any]) -> Changed:
    """With one more receiver.

    Args:
        text: of the settings.
        entry: keys and values of its table, see `master.Target`; what is left out has its default.

    Raises:
        RefusedError: there are ten already.
        ValueError: the text is no TOML, or nothing that can be edited by program.
    """
    known = _entries(tomllib.loads(text))
    if len(known) >= MAX_RECEIVERS:
        raise RefusedError(
            f"there are {len(known)} receivers already, and {MAX_RECEIVERS} at most are pushed to; "
            "delete one with `metergate slaves delete`"
        )
    return _first_right([*known, dict(entry)], text, (put_in(text, _PLACE, entry), _append(text, entry)))


def changed(text: str, number: int, address: str, values: Mapping[str, Any]) -> Changed:
    """With other keys of a receiver.

    Args:
        text: of the settings.
        number: its place, from 1.
        address: what its key `address` has to be: whoever asks means this one.
        values: new values; None takes a key out, so that its default counts.

    Raises:
        RefusedError: that place holds another one.
        ValueError: as `added`.
    """
    known = _entries(tomllib.loads(text))
    _same(known, number, address)
    for key, value in values.items():
        if value is None:
            known[number - 1].pop(key, None)
        else:
            known[number - 1][key] = value
        text, _ = _first_right(known, text, (_set(text, number, key, value),))
    return text, tomllib.loads(text)


def deleted(text: str, number: int, address: str) -> Changed:
    """Without a receiver, and the comment that stands right above it; arguments and errors as of `changed`."""
    known = _entries(tomllib.loads(text))
    _same(known, number, address)
    left = [*known[: number - 1], *known[number:]]
    return _first_right(left, text, (take_out(text, _PLACE, number), _delete(text, number)))


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


def _first_right(wanted: list[dict[str, Any]], before: str, ways: tuple[Iterator[str], ...]) -> Changed:
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
