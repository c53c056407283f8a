"""An answer in the reader's language: its fields that are `Words`, at any depth; everything else stays as it is."""

from functools import cache
from typing import Any, Final, TypeVar, get_args

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from services.console.words.language import Language
from services.console.words.say import Sayer, german

S = TypeVar("S", bound=Struct)
MARK: Final = "words"


def in_language(made: S, language: Language) -> S:
    """The same struct, said in that language."""
    return made if language == "en" or not has_words(type(made)) else _said(made, german())


def json_in_language(data: bytes, kind: type[Struct], language: Language) -> bytes:
    """The same for a struct that is JSON already."""
    if language == "en" or not has_words(kind):
        return data
    return msgspec.json.encode(in_language(msgspec.json.decode(data, type=kind), language))


@cache
def has_words(kind: type[Struct]) -> bool:
    """Whether such a struct holds any words."""
    return bool(_plan(kind))


def _said(made: S, sayer: Sayer) -> S:
    changes = {}
    for name, words in _plan(type(made)):
        before = getattr(made, name)
        after = _walked(before, sayer, words=words)
        if after is not before:
            changes[name] = after
    return replace(made, **changes) if changes else made


def _walked(value: Any, sayer: Sayer, *, words: bool) -> Any:
    match value:
        case str():
            return sayer.say(value) if words and value else value
        case tuple() if value:
            return tuple(_walked(each, sayer, words=words) for each in value)
        case Struct():
            return _said(value, sayer)
    return value


@cache
def _plan(kind: type[Struct]) -> tuple[tuple[str, bool], ...]:
    """Names of the fields that are words (true), or structs that hold some (false)."""
    found = ((each.name, _holds(each.type, frozenset({kind}))) for each in fields(kind))
    return tuple((name, words) for name, words in found if words is not None)


def _holds(kind: Any, seen: frozenset[Any]) -> bool | None:
    """True for words, false for a struct with words, None for neither; what holds itself is looked into once."""
    for each in getattr(kind, "__metadata__", ()):
        if isinstance(each, msgspec.Meta) and each.extra and each.extra.get(MARK):
            return True
    if isinstance(kind, type) and issubclass(kind, Struct):
        if kind in seen:
            return False
        inside = [_holds(each.type, seen | {kind}) for each in fields(kind)]
        return False if any(each is not None for each in inside) else None
    inner = [found for each in get_args(kind) if (found := _holds(each, seen)) is not None]
    return None if not inner else any(inner)
