from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from msgspec import UNSET, Meta, UnsetType, field

from shared.config.check import Problem, build, describe, dotted
from shared.config.model import Config
from shared.config.section import Name, Port, Section, TimeOfDay


class Inner(Section, frozen=True):
    """A table."""

    size: Annotated[int, Meta(ge=1, le=9)] = 1


class Outer(Section, frozen=True):
    """A table with one of everything."""

    name: Name
    file: Path = Path("x")
    ratio: Annotated[float, Meta(gt=0, le=1)] = 0.5
    on: bool = False
    mode: Literal["a", "b"] = "a"
    maybe: Annotated[str, Meta(max_length=4)] | UnsetType = UNSET
    inner: Inner = field(default_factory=Inner)
    other: Inner | UnsetType = UNSET
    many: tuple[Inner, ...] = ()


def problems_of(raw: Any) -> list[Problem]:
    found: list[Problem] = []
    built = build(Outer, raw, ("outer",), found)
    assert (built is None) == bool(found)
    return found


def test_a_right_table_becomes_its_section() -> None:
    raw = {"name": "n", "file": "a/b", "ratio": 1, "on": True, "many": [{"size": 2}, {}], "other": {"size": 3}}
    found: list[Problem] = []
    assert build(Outer, raw, (), found) == Outer(
        name="n", file=Path("a/b"), ratio=1.0, on=True, many=(Inner(size=2), Inner()), other=Inner(size=3)
    )
    assert found == []


def test_all_mistakes_are_found_not_only_the_first() -> None:
    found = problems_of({"ratio": 0, "on": 1, "inner": {"size": 10, "sise": 2}, "many": [{}, {"size": 0}], "x": 1})
    assert {problem.key for problem in found} == {
        ("outer", "name"),
        ("outer", "ratio"),
        ("outer", "on"),
        ("outer", "inner", "size"),
        ("outer", "inner", "sise"),
        ("outer", "many", 1, "size"),
        ("outer", "x"),
    }


@pytest.mark.parametrize(
    ("raw", "key", "reason"),
    [
        (5, ("outer",), "is 5, but must be a table: [outer]"),
        ({"name": "n", "inner": []}, ("outer", "inner"), "is a list, but must be a table: [outer.inner]"),
        ({"name": "n", "other": "x"}, ("outer", "other"), "is 'x', but must be a table: [outer.other]"),
        ({"name": "n", "many": {}}, ("outer", "many"), "is a table, but must be a list of tables: [[outer.many]]"),
        ({"name": "n", "many": [1]}, ("outer", "many", 0), "is 1, but must be a table: [[outer.many]]"),
        ({"name": "n", "onn": 1}, ("outer", "onn"), "is no setting; did you mean 'on'?"),
        ({"name": "n", "on": "yes"}, ("outer", "on"), "is 'yes', but must be true or false"),
        ({"name": "n", "mode": "c"}, ("outer", "mode"), "is 'c', but must be one of 'a', 'b'"),
        ({"name": "n", "maybe": "abcde"}, ("outer", "maybe"), "is 'abcde', but must be a text of at most 4 characters"),
        ({"name": "n", "maybe": {}}, ("outer", "maybe"), "is a table, but must be a text of at most 4 characters"),
        ({}, ("outer", "name"), f"is missing; give {describe(Name)}"),
        ({"name": "n", "file": ""}, ("outer", "file"), "is '', but must be a path, as a text that is not empty"),
        ({"name": "n", "ratio": True}, ("outer", "ratio"), "is true, but must be a number above 0 up to 1"),
        ({"name": "n\n"}, ("outer", "name"), r"is 'n\n', which holds a character that cannot be seen; remove it"),
    ],
)
def test_each_mistake_says_what_would_be_right(raw: Any, key: tuple[str | int, ...], reason: str) -> None:
    assert problems_of(raw) == [Problem(key, reason)]


def test_an_unknown_key_without_a_close_name_lists_what_is_known() -> None:
    (problem,) = problems_of({"name": "n", "zzzz": 1})
    assert problem.reason == "is no setting; known here: file, inner, many, maybe, mode, name, on, other, ratio"


def test_a_table_of_a_list_goes_by_its_number() -> None:
    found: list[Problem] = []
    meters = [{"id": "house", "source": "simulated", "house": {"cycle_ms": 500}}]
    assert build(Config, {"meter": meters}, (), found) is None
    reason = "is no setting; each meter goes by its number, not by its name: this one is meter[1]"
    assert found == [Problem(("meter", 0, "house"), reason)]


def test_a_long_value_is_cut() -> None:
    (problem,) = problems_of({"name": "n" * 500})
    assert len(problem.reason) < 200
    assert "..." in problem.reason


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Port, "a whole number from 1 to 65535"),
        (Annotated[int, Meta(ge=0, le=2**63 - 1)], "a whole number from 0 to 9223372036854775807"),
        (Annotated[float, Meta(ge=0, le=1)], "a number from 0 to 1"),
        (int, "a whole number"),
        (bool, "true or false"),
        (TimeOfDay, 'a time of day such as "06:30"'),
        (Annotated[str, Meta(pattern="^x$")], "a text like ^x$"),
        (Annotated[str, Meta(min_length=1)], "a text that is not empty"),
        (Annotated[str, Meta(min_length=2, max_length=9)], "a text of 2 to 9 characters"),
        (Annotated[str, Meta(min_length=4, max_length=4)], "a text of 4 characters"),
        (str, "a text"),
        (tuple[Literal["a", "b"], ...], "a list, each item one of 'a', 'b'"),
        (tuple[tuple[Port, Port], ...], "a list, each item a list of 2 items, each a whole number from 1 to 65535"),
        (Inner, "a table (inner)"),
        (Inner | UnsetType, "a table (inner)"),
    ],
)
def test_what_a_field_wants_in_words(kind: Any, text: str) -> None:
    assert describe(kind) == text


def test_every_field_of_the_model_can_be_described() -> None:
    seen: list[type] = []

    def walk(section: type[Section]) -> None:
        seen.append(section)
        for name, kind in section.__annotations__.items():
            inner = [part for part in (kind, *getattr(kind, "__args__", ())) if isinstance(part, type)]
            sections = [part for part in inner if issubclass(part, Section)]
            for part in sections:
                walk(part)
            if not sections:
                assert describe(kind), f"{section.__name__}.{name}"
                assert "another type" not in describe(kind), f"{section.__name__}.{name}"

    walk(Config)
    assert len(seen) > 8


def test_a_key_as_a_person_writes_it() -> None:
    assert dotted(("meter", 0, "modbus", "port")) == "meter.modbus.port"
    assert dotted(("meter", 1, "group", 2, "number")) == "meter[2].group[3].number"
    assert dotted(()) == ""
