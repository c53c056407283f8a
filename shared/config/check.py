"""A parsed TOML document against the model: every mistake is found, not only the first, with what would be right."""

import datetime as dt
import difflib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args

import msgspec
from msgspec import UnsetType, inspect

from shared.config.lines import Key
from shared.config.section import Section
from shared.config.toml import shortened


class Problem(NamedTuple):
    """One mistake: where, and what is wrong and right in words."""

    key: Key
    reason: str


MOST_HINTS: Final = 1000
LONGEST_NAME: Final = 64
"""Bounds of the search for what was meant, which would take minutes in a file that is something else."""

_KINDS: Final = {list: "a list", dict: "a table"}


def build(cls: type[Section], raw: Any, key: Key, problems: list[Problem]) -> Section | None:
    """An instance of `cls`, or None where `problems` grew.

    Args:
        cls: section of the model.
        raw: what tomllib read.
        key: path of this section.
        problems: collects every mistake found.
    """
    if not isinstance(raw, dict):
        form = f"[[{dotted(key[:-1])}]]" if isinstance(key[-1], int) else f"[{dotted(key)}]"
        problems.append(Problem(key, f"is {_show(raw)}, but must be a table: {form}"))
        return None
    before = len(problems)
    fields = _fields(cls)
    meant: set[str] = set()
    for name in (name for name in raw if name not in fields):
        close = difflib.get_close_matches(name[:LONGEST_NAME], fields, n=1) if len(problems) < MOST_HINTS else []
        hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(sorted(fields))}"
        if len(key) > 1 and isinstance(key[-1], int) and name in (raw.get("id"), raw.get("name")):
            place = f"{key[-2]}[{key[-1] + 1}]"
            hint = f"each {key[-2]} goes by its number, not by its name: this one is {place}"
        problems.append(Problem((*key, name), f"is no setting; {hint}"))
        if close and isinstance(raw[name], list) and isinstance(raw.get(close[0]), dict):
            meant.add(close[0])  # `[[metter]]` with `[meter.modbus]` below: one slip
    values: dict[str, Any] = {}
    for name, field in fields.items():
        if name in meant:
            continue
        if name in raw:
            values[name] = _value(field.type, raw[name], (*key, name), problems)
        elif field.required:
            problems.append(Problem((*key, name), f"is missing; give {describe(field.type)}"))
    return cls(**values) if len(problems) == before else None


@cache
def _fields(cls: type[Section]) -> Mapping[str, msgspec.structs.FieldInfo]:
    """Made once for each of the sections, since there may be thousands of a kind."""
    return {field.name: field for field in msgspec.structs.fields(cls)}


def _value(kind: Any, raw: Any, key: Key, problems: list[Problem]) -> Any:
    section, many = section_of(kind)
    if section is not None and many:
        if not isinstance(raw, list):
            problems.append(Problem(key, f"is {_show(raw)}, but must be a list of tables: [[{dotted(key)}]]"))
            return ()
        return tuple(build(section, item, (*key, index), problems) for index, item in enumerate(raw))
    if section is not None:
        return build(section, raw, key, problems)
    if isinstance(raw, str) and not raw.isprintable():
        problems.append(Problem(key, f"is {_show(raw)}, which holds a character that cannot be seen; remove it"))
        return None
    try:
        return msgspec.convert(raw, kind, dec_hook=_path)
    except msgspec.ValidationError:
        problems.append(Problem(key, f"is {_show(raw)}, but must be {describe(kind)}"))
        return None


def section_of(kind: Any) -> tuple[type[Section] | None, bool]:
    """The section class inside a field type, and whether the field is a list of it."""
    candidates = [kind, *get_args(kind)]
    for candidate in candidates:
        if isinstance(candidate, type) and issubclass(candidate, Section):
            return candidate, kind is not candidate and getattr(kind, "__origin__", None) is tuple
    return None, False


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise msgspec.ValidationError(f"no {kind.__name__}")


def describe(kind: Any) -> str:
    """What a field wants, in words: "a whole number from 1 to 65535"."""
    return _describe(inspect.type_info(kind))


def _describe(info: inspect.Type) -> str:
    match info:
        case inspect.UnionType(types=types):
            return " or ".join(
                _describe(one) for one in types if not isinstance(one, inspect.CustomType) or one.cls is not UnsetType
            )
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(repr(value) for value in sorted(values, key=str))
        case inspect.IntType(ge=ge, le=le):
            return f"a whole number{_range(ge, le)}"
        case inspect.FloatType(ge=ge, le=le, gt=gt):
            return f"a number{_range(ge, le) if gt is None else f' above {gt:g} up to {le:g}'}"
        case inspect.StrType():
            return _describe_text(info)
        case inspect.BoolType():
            return "true or false"
        case inspect.CustomType():
            return "a path, as a text that is not empty"
        case inspect.VarTupleType() | inspect.TupleType():
            return _describe_list(info)
        case inspect.StructType(cls=cls):
            return f"a table ({cls.__name__.lower()})"
    return "another type"


def _describe_list(info: inspect.VarTupleType | inspect.TupleType) -> str:
    if isinstance(info, inspect.VarTupleType):
        return f"a list, each item {_describe(info.item_type)}"
    first, *others = info.item_types
    each = _describe(first) if all(other == first for other in others) else "another type"
    return f"a list of {len(info.item_types)} items, each {each}"


def _describe_text(info: inspect.StrType) -> str:
    if info.pattern is not None:
        return _PATTERNS.get(info.pattern, f"a text like {info.pattern}")
    shortest, longest = info.min_length or 0, info.max_length
    if longest is None:
        return "a text that is not empty" if shortest else "a text"
    if shortest == longest:
        return f"a text of {longest} characters"
    return f"a text of {shortest} to {longest} characters" if shortest else f"a text of at most {longest} characters"


_PATTERNS: Final = {
    r"^[a-z0-9][a-z0-9_-]{0,31}$": "a name of lower case letters, digits, _ and -, at most 32 characters",
    r"^([01][0-9]|2[0-3]):[0-5][0-9]$": 'a time of day such as "06:30"',
}


def _range(lowest: float | None, highest: float | None) -> str:
    if lowest is None or highest is None:
        return ""
    return f" from {lowest:g} to {highest:g}" if abs(highest or 0) < 1e6 else f" from {lowest} to {highest}"


def _show(raw: Any) -> str:
    match raw:
        case dict() | list():
            return _KINDS[type(raw)]
        case bool():
            text = "true" if raw else "false"
        case dt.date() | dt.time():
            text = f"the date or time {raw.isoformat()}"
        case _:
            text = repr(raw)
    return shortened(text, 60)


def dotted(key: Key) -> str:
    """A key as a person writes it: `meter[2].modbus.port`, counted from 1; one element needs no number."""
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]" if part else ""
        else:
            text += f".{part}" if text else part
    return text
