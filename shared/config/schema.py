"""The model as data, for a form: every key with its words, kind, range, words to choose from, and default."""

from typing import Literal, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, UNSET, Struct, inspect

from shared.config.check import describe, section_of
from shared.config.model import Config
from shared.config.section import Section
from shared.config.template import summary, words_of

Scalar = bool | int | float | str


class Described(Struct, frozen=True, kw_only=True):
    """One key of the model.

    Attributes:
        name: as in the file.
        words: what it is for.
        kind: `bool`, `int`, `float`, `text`, `path`, `choice`, `list`, `table` or `tables` (a list of tables).
        wants: what it takes, in words.
        default: None where there is none, and for tables.
        required: it has to be given.
        choices: of a `choice`, or of the items of a `list`.
        items: kind of the items of a `list`.
        minimum, maximum: of a number, or of the items of a list; inclusive.
        above: exclusive bound of a number.
        longest: characters of a text.
        pattern: regular expression of a text.
        keys: of a `table`, or of each of `tables`.
    """

    name: str
    words: str
    kind: str
    wants: str = ""
    default: Scalar | list[Scalar] | list[list[int]] | None = None
    required: bool = False
    choices: tuple[str | int, ...] = ()
    items: str = ""
    minimum: float | None = None
    maximum: float | None = None
    above: float | None = None
    longest: int | None = None
    pattern: str = ""
    keys: tuple["Described", ...] = ()


def schema(cls: type[Section] = Config) -> tuple[Described, ...]:
    """Every key of a section, in the model's order."""
    words = words_of(cls)
    return tuple(_key(field, words.get(field.name, "")) for field in msgspec.structs.fields(cls))


def _key(field: msgspec.structs.FieldInfo, words: str) -> Described:
    section, many = section_of(field.type)
    if section is not None:
        kind = "tables" if many else "table"
        return Described(name=field.name, words=words or summary(section), kind=kind, keys=schema(section))
    info = inspect.type_info(field.type)
    if isinstance(info, inspect.UnionType):  # with UNSET, for what has no default
        (info,) = (each for each in info.types if not _is_unset(each))
    bounds = info.item_type if isinstance(info, inspect.VarTupleType) else info
    return Described(
        name=field.name,
        words=words,
        kind=_kind(info),
        wants=describe(field.type),
        default=_default(field),
        required=field.default is NODEFAULT and field.default_factory is NODEFAULT,
        choices=_choices(field.type) if isinstance(bounds, inspect.LiteralType) else (),
        items=_kind(bounds) if bounds is not info else "",
        minimum=getattr(bounds, "ge", None),
        maximum=getattr(bounds, "le", None),
        above=getattr(bounds, "gt", None),
        longest=bounds.max_length if isinstance(bounds, inspect.StrType) else None,
        pattern=(bounds.pattern or "") if isinstance(bounds, inspect.StrType) else "",
    )


def _choices(kind: object) -> tuple[str | int, ...]:
    """The words of the literal in a type, in their own order, which msgspec does not keep."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return next((found for inner in get_args(kind) if (found := _choices(inner))), ())


def _is_unset(info: inspect.Type) -> bool:
    return isinstance(info, inspect.CustomType) and info.cls is msgspec.UnsetType


def _kind(info: inspect.Type) -> str:
    match info:
        case inspect.BoolType():
            return "bool"
        case inspect.IntType():
            return "int"
        case inspect.FloatType():
            return "float"
        case inspect.LiteralType():
            return "choice"
        case inspect.VarTupleType() | inspect.TupleType():
            return "list"
        case inspect.CustomType():
            return "path"
        case inspect.StrType():
            return "text"
    raise TypeError(f"{info} has no kind in a form; name one in {__name__}")


def _default(field: msgspec.structs.FieldInfo) -> Scalar | list[Scalar] | list[list[int]] | None:
    value = field.default
    if value is UNSET or value is NODEFAULT:
        return None
    plain: Scalar | list[Scalar] | list[list[int]] = msgspec.json.decode(msgspec.json.encode(value, enc_hook=str))
    return plain
