"""The file that `metergate init` writes: everything in it is right, also what is commented out."""

import re
from pathlib import Path

import msgspec
import pytest

from shared.config.check import section_of
from shared.config.load import parse
from shared.config.model import Config
from shared.config.section import Section
from shared.config.template import EXAMPLES, SOURCES, template

PLACE = Path("metergate.toml").absolute()
OFF = re.compile(r"#(?=\[|[a-z_0-9]+ = )")
HEADER = re.compile(r"#?\[\[?([a-z_.]+)\]\]?")


def loaded(text: str) -> Config:
    return parse(text.encode(), PLACE, {})


def all_keys(cls: type[Section] = Config, path: str = "") -> set[str]:
    """Every key of the model, dotted."""
    found: set[str] = set()
    for field in msgspec.structs.fields(cls):
        inner, _ = section_of(field.type)
        found |= all_keys(inner, f"{path}{field.name}.") if inner else {f"{path}{field.name}"}
    return found


def tables(text: str) -> list[tuple[str, list[int]]]:
    """Header line of each table and the numbers of its key lines."""
    found: list[tuple[str, list[int]]] = []
    for number, line in enumerate(text.splitlines()):
        if header := HEADER.fullmatch(line):
            found.append((header[1], [number]))
        elif found and re.match(r"#?[a-z_0-9]+ = ", line):
            found[-1][1].append(number)
    return found


@pytest.mark.parametrize("source", SOURCES)
def test_the_file_is_valid_and_has_one_meter_of_that_source(source: str) -> None:
    config = loaded(template(source))
    assert [(meter.id, meter.source) for meter in config.meter] == [("house", source)]


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_not_set_is_the_default(source: str) -> None:
    kept = [line for line in template(source).splitlines() if line and not line.startswith("#")]
    assert loaded(template(source)) == loaded("\n".join(kept))


def test_every_key_of_the_model_stands_in_it_once() -> None:
    text = template()
    lines = text.splitlines()
    keys = [
        f"{table}.{lines[number].lstrip('#').partition(' ')[0]}"
        for table, (_, *rest) in tables(text)
        for number in rest
    ]
    assert len(keys) == len(set(keys))
    assert set(keys) == all_keys()


@pytest.mark.parametrize("source", SOURCES)
def test_with_every_line_in_effect_it_is_valid(source: str) -> None:
    loaded("\n".join(OFF.sub("", line, count=1) for line in template(source).splitlines()))


@pytest.mark.parametrize("source", SOURCES)
def test_each_line_alone_may_take_effect(source: str) -> None:
    """A table that is off needs its header and what it cannot do without."""
    text = template(source)
    lines = text.splitlines()
    for table, (header, *keys) in tables(text):
        off = lines[header].startswith("#")
        needed = [number for number in keys if off and "needed" in _comment_above(lines, number)]
        for number in keys:
            changed = dict(enumerate(lines))
            for line in {number, *needed, *([header] if off else [])}:
                changed[line] = OFF.sub("", lines[line], count=1)
            assert loaded("\n".join(changed.values())), f"{table}: {lines[number]}"


def _comment_above(lines: list[str], number: int) -> str:
    first = number - 1
    while lines[first].startswith("#   "):
        first -= 1
    return " ".join(lines[first:number])


def test_a_default_that_is_shown_is_the_default() -> None:
    """Uncommenting all that has a default changes nothing."""
    text = template()
    lines = text.splitlines()
    for _, (header, *keys) in tables(text):
        for number in keys if not lines[header].startswith("#") else []:
            if "this is an example" not in _comment_above(lines, number):
                lines[number] = OFF.sub("", lines[number], count=1)
    changed = loaded("\n".join(lines))
    assert sum(not line.startswith("#") for line in lines) > 20
    assert changed == loaded(text)


def test_every_example_is_of_a_key() -> None:
    for cls, key in EXAMPLES:
        assert key in cls.__struct_fields__
