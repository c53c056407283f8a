"""docs/conformance.md and the tests that it names: each requirement has a row, each named test exists and runs."""

import ast
import re
from functools import cache
from typing import Final, NamedTuple

import pytest

from tests.support import ROOT

PAGE: Final = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
NUMBERS: Final = [f"R-{number:02}" for number in range(1, 68) if number not in {9, 15}]
STATES: Final = {"met", "deviation", "not applicable"}
NODE: Final = re.compile(r"`([\w/]+\.py)::(\w+)`")


class Row(NamedTuple):
    """What the page says of one requirement."""

    number: str
    level: str
    state: str
    how: str
    tests: tuple[tuple[str, str], ...]


def rows() -> list[Row]:
    """Of the table, in its order."""
    found = []
    for line in PAGE.splitlines():
        if line.startswith("| R-"):
            number, level, state, how, tests = (cell.strip() for cell in line.strip("|").split("|"))
            assert NODE.sub("", tests).replace("<br>", "") in {"", "none"}, f"{number}: {tests}"
            found.append(Row(number, level, state, how, tuple(NODE.findall(tests))))
    return found


@cache
def functions(file: str) -> dict[str, set[str]]:
    """Test functions of a file, each with the names that its decorators use."""
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {
        node.name: {
            name.attr if isinstance(name, ast.Attribute) else name.id
            for decorator in node.decorator_list
            for name in ast.walk(decorator)
            if isinstance(name, ast.Attribute | ast.Name)
        }
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def test_every_requirement_has_one_row() -> None:
    assert [row.number for row in rows()] == NUMBERS


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.number)
def test_a_row_says_how_and_by_which_tests(row: Row) -> None:
    assert row.state in STATES
    assert row.how.endswith(".")
    assert row.level.split(",")[0] in {"MUST", "MUST NOT", "SHOULD", "MAY", "REQUIRED"}
    assert row.tests or row.state == "not applicable", "what is met, or differs, is shown by a test"
    assert len(set(row.tests)) == len(row.tests)


@pytest.mark.parametrize(("file", "name"), sorted(set(NODE.findall(PAGE))))
def test_a_test_that_is_named_exists_and_runs(file: str, name: str) -> None:
    assert name.startswith("test_")
    assert (ROOT / "tests" / file).is_file(), f"{file} is gone: what shows that the requirement is met now?"
    assert name in functions(file), f"{file} has no {name} any more: what shows that the requirement is met now?"
    assert functions(file)[name].isdisjoint({"skip", "skipif", "xfail"})


def test_each_deviation_stands_in_the_list_at_the_top() -> None:
    listed = re.findall(r"R-\d\d", PAGE.partition("Deviations")[2].partition("##")[0])
    assert sorted(listed) == [row.number for row in rows() if row.state == "deviation"]


def test_no_requirement_is_met_by_the_specifications_own_words() -> None:
    """The page says things its own way: none of the capital words of a standard stands in a sentence of ours."""
    for row in rows():
        assert not re.search(r"\b(MUST|SHALL|SHOULD|REQUIRED|RECOMMENDED)\b", row.how), row.number
