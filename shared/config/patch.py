"""Changing single keys of a settings text, as a form does: comments, order and every other key stay. Pure.

Each change is first made on what the text means. Then a text is looked for that means this, the nicest first: lines put
in or taken out by hand, else what tomlkit makes of it. There is none that nearly does what was asked for.
"""

import contextlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.config.tables import Steps, own_lines, put_in, take_out
from shared.config.toml import DEEPEST, shortened
from shared.errors import RefusedError

MOST_TABLES: Final = 1000
"""Of one name; a text of the largest size holds fewer."""
_KEY_PART: Final = re.compile(r"([A-Za-z0-9_-]+)(?:\[([1-9][0-9]*)\])?")


def patched(text: str, changes: Mapping[str, Any]) -> str:
    """The text with these changes, one after the other. Whether it is right as settings is another question.

    Args:
        text: valid TOML.
        changes: dotted key -> value. None takes a key or table out. `meter[2].unit` in a text with one `[[meter]]`
            begins a second one, and so does `meter[2]` with a table; `meter[2]` with None ends it.

    Raises:
        RefusedError: a key leads nowhere, or no text is found.
        ValueError: the text is no TOML.
    """
    for key, value in changes.items():
        try:
            text = _changed(text, key, value)
        except RecursionError:
            raise RefusedError(f"{key[:200]}: is nested too deeply") from None
    return text


def _changed(text: str, key: str, value: Any) -> str:
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415  # only who edits pays for it

    steps = _steps_of(key)
    before, wanted = tomllib.loads(text), tomllib.loads(text)
    _apply(wanted, steps, value, key)
    if wanted == before:
        return text
    right = _meanings(wanted, steps) if value is None and steps[-1][1] else (wanted,)
    for way in (_by_lines(text, before, steps, value), _by_tomlkit(text, steps, value, key)):
        with contextlib.suppress(TOMLKitError, ValueError, TypeError, KeyError, IndexError, RecursionError):
            for candidate in way:
                with contextlib.suppress(ValueError, RecursionError):
                    if tomllib.loads(candidate) in right:
                        return candidate
    raise RefusedError(f"{key}: this change cannot be made by program; make it in the text")


def _steps_of(dotted_key: str) -> Steps:
    """Name of each part of a dotted key, and its number in a list, from 1; RefusedError for what is no key."""
    steps = []
    parts = dotted_key.split(".")
    if len(parts) > DEEPEST:
        raise RefusedError(f"{shortened(dotted_key, 60)!r} is no key: it has {len(parts)} parts, no setting needs that")
    for part in parts:
        found = _KEY_PART.fullmatch(part)
        if found is None:
            raise RefusedError(f"{dotted_key!r} is no key; keys look like slave.port or meter[2].modbus.host")
        steps.append((found[1], int(found[2]) if found[2] else None))
    return steps


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
    elif isinstance(value, dict) and number == _length(table.get(name)) + 1:
        _inside(table, name, number, whole).update(value)
    elif value is not None:
        raise RefusedError(f"{whole}: a number stands behind a list of tables only; set a key in it")
    else:
        _inside(table, name, number, whole, new=False)
        del table[name][number - 1]


def _length(found: Any) -> int:
    return len(found) if isinstance(found, list) else 0


def _meanings(wanted: dict[str, Any], steps: Steps) -> tuple[dict[str, Any], ...]:
    """What is as good where the last table of a list went: an empty list, none, or not even the tables around it."""
    return wanted, _without_empty(wanted, steps, around=False), _without_empty(wanted, steps, around=True)


def _without_empty(table: dict[str, Any], steps: Steps, *, around: bool) -> dict[str, Any]:
    (name, number), inside = steps[0], steps[1:]
    left = table[name]
    if inside and isinstance(left, list):
        at = (number or 1) - 1
        left = [*left[:at], _without_empty(left[at], inside, around=around), *left[at + 1 :]]
    elif inside:
        left = _without_empty(left, inside, around=around)
    rest = {key: value for key, value in table.items() if key != name}
    empty = around and left == {} if inside else left == []
    return rest if empty else {**rest, name: left}


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
    elif number is not None and isinstance(found, dict):
        raise RefusedError(f"{whole}: {name} is no list of tables; leave out [{number}]")
    elif number is not None:
        raise RefusedError(f"{whole}: there is no {name}[{number}]")
    if not isinstance(found, dict):
        raise RefusedError(f"{whole}: {name} is no table")
    return found


def _by_lines(text: str, before: dict[str, Any], steps: Steps, value: Any) -> Iterator[str]:
    """Whole tables come and go by lines."""
    names, one_of_a_list = [name for name, _ in steps], steps[-1][1] is not None
    if one_of_a_list and value is not None:
        yield from put_in(text, names, value)
    elif one_of_a_list:
        for header in (steps[-1][1] or 1, *range(1, MOST_TABLES)):  # most likely the one of that number
            if (found := next(take_out(text, names, header), None)) is None:
                return
            yield found
    elif (
        value is not None
        and (at := _first_new(before, steps)) is not None
        and all(number is None for _, number in steps[at + 1 :])
    ):
        yield from put_in(text, names[: at + 1], {".".join(names[at + 1 :]): value})


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


def _by_tomlkit(text: str, steps: Steps, value: Any, whole: str) -> Iterator[str]:
    import tomlkit  # noqa: PLC0415  # as above

    if value is not None and not isinstance(value, dict):
        yield from _in_its_place(text, steps, value)
    document = tomlkit.parse(text)
    _apply(document, steps, value, whole)
    yield document.as_string()


def _in_its_place(text: str, steps: Steps, value: Any) -> Iterator[str]:
    """With a new key where a person would write it.

    That is the line `#name = ...` that shows its default, or else below the last key of its table: above the comments
    that introduce the next one.
    """
    import tomlkit  # noqa: PLC0415  # as above

    lines, name = text.splitlines(keepends=True), steps[-1][0]
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    line = f"{name} = {tomlkit.item(value).as_string()}{end}"
    default = re.compile(rf"#\s*{re.escape(name)}\s*=")
    own = own_lines(lines, steps[:-1])  # each place that is tried costs reading the whole text
    shown = [(at, at + 1) for at in own if default.match(lines[at])]
    below = [(at + 1, at + 1) for at in own if lines[at].endswith("\n") and lines[at].strip() and lines[at][0] != "#"]
    for first, last in [*shown, *reversed(below)]:
        yield "".join([*lines[:first], line, *lines[last:]])
