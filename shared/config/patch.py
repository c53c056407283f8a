"""Changing single keys of a settings text, as a form does: comments, order and every other key stay. Pure.

Each change is first made on what the text means. Then a text is looked for that means this, the nicest first: lines put
in or taken out by hand, else what tomlkit makes of it. There is none that nearly does what was asked for.
"""

import contextlib
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.config.edit import in_its_place, steps_of
from shared.config.tables import put_in, take_out
from shared.errors import RefusedError

Steps = list[tuple[str, int | None]]
MOST_TABLES: Final = 1000
"""Of one name; a text of the largest size holds fewer."""


def patched(text: str, changes: Mapping[str, Any]) -> str:
    """The text with these changes, one after the other. Whether it is right as settings is another question.

    Args:
        text: valid TOML.
        changes: dotted key -> value. None takes a key or table out. `meter[2].unit` in a text with one `[[meter]]`
            begins a second one, `meter[2]` with None ends it.

    Raises:
        RefusedError: a key leads nowhere, or no text is found.
        ValueError: the text is no TOML.
    """
    for key, value in changes.items():
        text = _changed(text, key, value)
    return text


def _changed(text: str, key: str, value: Any) -> str:
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415  # only who edits pays for it

    steps = steps_of(key)
    before, wanted = tomllib.loads(text), tomllib.loads(text)
    _apply(wanted, steps, value, key)
    if wanted == before:
        return text
    right = (wanted, _without_empty(wanted, [name for name, _ in steps[:-1]])) if steps[-1][1] else (wanted,)
    for way in (_by_lines(text, before, steps, value), _by_tomlkit(text, wanted, steps, value, key)):
        with contextlib.suppress(TOMLKitError, ValueError, TypeError, KeyError, IndexError, RecursionError):
            for candidate in way:
                with contextlib.suppress(ValueError, RecursionError):
                    if tomllib.loads(candidate) in right:
                        return candidate
    raise RefusedError(f"{key}: this change cannot be made by program; make it in the text")


def _apply(root: Any, steps: Steps, value: Any, whole: str) -> None:
    """Make the change on tables, of tomllib or of tomlkit."""
    table = root
    for name, number in steps[:-1]:
        if value is None and number is None and name not in table:
            return
        table = _inside(table, name, number, whole, new=value is not None)
    name, number = steps[-1]
    if number is None:
        if value is not None:
            table[name] = value
        else:
            table.pop(name, None)
    elif value is not None:
        raise RefusedError(f"{whole}: a number stands behind a list of tables only; set a key in it")
    else:
        _inside(table, name, number, whole, new=False)
        del table[name][number - 1]
        if not table[name]:
            del table[name]


def _without_empty(table: dict[str, Any], names: list[str]) -> dict[str, Any]:
    """Without the tables on that way that hold nothing: who only led to a list goes with its last header."""
    if not names or not isinstance(inner := table.get(names[0]), dict):
        return table
    left = _without_empty(inner, names[1:])
    rest = {name: value for name, value in table.items() if name != names[0]}
    return {**rest, names[0]: left} if left else rest


def _inside(table: Any, name: str, number: int | None, whole: str, *, new: bool = True) -> Any:
    """The table of that name, or the one of that number in a list; with `new` made where it is the next one."""
    found = table.get(name)
    if isinstance(found, list):
        if number is None and len(found) > 1:
            raise RefusedError(f"{whole}: there are {len(found)} of {name}; say which, as in {name}[1]")
        if number == len(found) + 1 and new:
            found.append({})
        if (number or 1) > len(found):
            raise RefusedError(f"{whole}: there is no {name}[{number or 1}]; the text has {len(found)}")
        found = found[(number or 1) - 1]
    elif found is None and number in (None, 1) and new:
        table[name] = {} if number is None else [{}]
        found = table[name] if number is None else table[name][0]
    elif number is not None:
        raise RefusedError(f"{whole}: there is no {name}[{number}]")
    if not isinstance(found, dict):
        raise RefusedError(f"{whole}: {name} is no table")
    return found


def _by_lines(text: str, before: dict[str, Any], steps: Steps, value: Any) -> Iterator[str]:
    """Whole tables come and go by lines."""
    names = [name for name, _ in steps]
    if value is None:
        if steps[-1][1] is not None:
            for header in range(1, MOST_TABLES):
                if (found := next(take_out(text, names, header), None)) is None:
                    return
                yield found
        return
    at = _first_new(before, steps)
    if at is not None:
        rest = ".".join(names[at + 1 :])
        if "[" not in rest and all(number is None for _, number in steps[at + 1 :]):
            yield from put_in(text, names[: at + 1], {rest: value})


def _first_new(table: Any, steps: Steps) -> int | None:
    """Which step leads to a table of a list that is not there yet; None where none does."""
    for at, (name, number) in enumerate(steps[:-1]):
        found = table.get(name)
        if number is not None and number > len(found or ()):
            return at
        if isinstance(found, list):
            found = found[(number or 1) - 1]
        if found is None:
            return None
        table = found
    return None


def _by_tomlkit(text: str, wanted: dict[str, Any], steps: Steps, value: Any, whole: str) -> Iterator[str]:
    import tomlkit  # noqa: PLC0415  # as above

    document = tomlkit.parse(text)
    _apply(document, steps, value, whole)
    if value is not None and not isinstance(value, dict):
        placed = in_its_place(text, wanted, steps[-1][0], value)
        if placed is not None:
            yield placed
    yield document.as_string()
