"""docs/messages.md against shared/bus/messages.py, both ways: each kind, tag, field, type and default."""

import inspect as python
import json
import re
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec import inspect

from shared.bus import messages
from shared.bus.messages import Command, Message, Published, Reply, topic
from shared.clock import BOOT_ID
from tests.support import ROOT

PAGE = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
COMMON = "Common fields"


class Field(NamedTuple):
    """A row of a table."""

    name: str
    kind: str
    default: str


def sections() -> dict[str, str]:
    """Heading without marks -> text below it."""
    parts = re.split(r"^#{2,3} (.+)$", PAGE, flags=re.MULTILINE)
    return {title.strip("`"): text for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> list[list[str]]:
    """Cells of the table rows in a text, without head and rule."""
    table = [line.strip().strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row] for row in table][2:]


def documented() -> dict[str, list[Field]]:
    found = {}
    for title, text in sections().items():
        table = rows(text)
        if table and "| field | type | default | meaning |" in text:
            found[title] = [Field(name.strip("`"), kind, default.strip("`")) for name, kind, default, _ in table]
            assert all(meaning for *_, meaning in table), title
    return found


def shown(kind: inspect.Type) -> str:
    """A type as the page writes it."""
    simple = {
        inspect.StrType: "str",
        inspect.IntType: "int",
        inspect.FloatType: "float",
        inspect.BoolType: "bool",
        inspect.BytesType: "bin",
        inspect.AnyType: "any",
    }
    match kind:
        case inspect.DictType(key_type=key, value_type=value):
            return f"map of {shown(key)} to {shown(value)}"
        case inspect.VarTupleType(item_type=item):
            return f"array of {shown(item)}"
        case inspect.TupleType(item_types=(one, two)):
            return f"pair of {shown(one)} and {shown(two)}"
        case inspect.StructType(cls=cls):
            return cls.__name__
        case inspect.UnionType(types=types):
            order = ["str", "int", "float", "bool"]
            names = sorted((shown(one) for one in types), key=order.index)
            return f"{', '.join(names[:-1])} or {names[-1]}"
    return simple[type(kind)]


def default_of(field: inspect.Field) -> str:
    value: Any = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    if value is msgspec.NODEFAULT:
        return ""
    if value == BOOT_ID:
        return "boot id"
    return json.dumps(value.decode() if isinstance(value, bytes) else value)


def fields_of(cls: type[msgspec.Struct]) -> list[Field]:
    kind = inspect.type_info(cls)
    assert isinstance(kind, inspect.StructType)
    return [Field(field.name, shown(field.type), default_of(field)) for field in kind.fields]


def expected() -> dict[str, list[Field]]:
    common = {field.name for field in fields_of(Message)}
    found = {COMMON: fields_of(Message)}
    for name, cls in python.getmembers(messages, python.isclass):
        if issubclass(cls, msgspec.Struct) and cls is not Message:
            tag = cls.__struct_config__.tag
            mine = [field for field in fields_of(cls) if not (issubclass(cls, Message) and field.name in common)]
            found[str(tag or name)] = mine
    return found


def test_the_page_and_the_code_have_the_same_messages() -> None:
    assert documented().keys() == expected().keys()


def test_each_field_stands_there_with_its_type_and_default() -> None:
    page, code = documented(), expected()
    for title, fields in code.items():
        assert sorted(page[title]) == sorted(fields), title


def test_every_kind_has_its_topic_writer_reader_and_moment() -> None:
    table = "| message |" + sections()["Who sends where"].split("| message |")[1]
    overview = {row[0].strip("`"): row[1:] for row in rows(table)}
    kinds: tuple[type[msgspec.Struct], ...] = (*get_args(Published), Command, Reply)
    assert overview.keys() == {str(kind.__struct_config__.tag) for kind in kinds}
    for kind in get_args(Published):
        where, *others = overview[str(kind.__struct_config__.tag)]
        assert where.strip("`").startswith(topic(kind).decode())
        assert all(others)


def test_tags_have_the_form_that_the_versions_need() -> None:
    for kind in (*get_args(Published), Command, Reply):
        assert re.fullmatch(r"[a-z]+/[1-9][0-9]*", str(kind.__struct_config__.tag))
