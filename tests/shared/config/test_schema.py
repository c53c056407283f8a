"""The model as a form needs it: nothing missing, nothing that the form could not show."""

from collections.abc import Iterator

import msgspec
import pytest

from shared.config.check import section_of
from shared.config.model import Config
from shared.config.schema import Described, schema
from shared.config.section import Section
from shared.config.template import template


def walk(keys: tuple[Described, ...], path: str = "") -> Iterator[tuple[str, Described]]:
    for key in keys:
        yield path + key.name, key
        yield from walk(key.keys, f"{path}{key.name}.")


def of_model(cls: type[Section] = Config, path: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(cls):
        yield path + field.name
        inner, _ = section_of(field.type)
        if inner is not None:
            yield from of_model(inner, f"{path}{field.name}.")


ALL = dict(walk(schema()))


def test_every_key_of_the_model_is_there_in_its_order() -> None:
    assert list(ALL) == list(of_model())


@pytest.mark.parametrize("name", ALL)
def test_each_has_words_and_what_a_form_needs(name: str) -> None:
    key = ALL[name]
    assert key.words
    assert (key.kind in {"table", "tables"}) == bool(key.keys)
    if not key.keys:
        assert key.wants
        assert bool(key.choices) == ("choice" in {key.kind, key.items})
        assert not (key.required and key.default is not None)
        assert key.words.split()[0] in template(), "the same words as in the file of init"


def test_kinds_ranges_and_defaults() -> None:
    port = ALL["slave.port"]
    assert (port.kind, port.minimum, port.maximum, port.default, port.required) == ("int", 1, 65535, 502, False)
    assert ALL["meter.id"].required
    assert ALL["meter.id"].pattern.startswith("^[a-z0-9]")
    assert (ALL["meter.max_power_kw"].above, ALL["meter.max_power_kw"].minimum) == (0, None)
    assert ALL["log.level"].choices == ("debug", "info", "warning", "error")
    assert (ALL["gateway.run_dir"].kind, ALL["gateway.run_dir"].default) == ("path", "run")
    assert (ALL["meter.stale_after_s"].kind, ALL["meter.stale_after_s"].default) == ("float", None)
    assert (ALL["certificates.role.functions"].items, ALL["certificates.role.functions"].default) == ("int", [3, 4, 43])
    assert ALL["certificates.role.read"].default == [[0, 65535]]
    assert ALL["master.slave.groups"].choices == (
        "instantaneous_total", "instantaneous_phases", "energy_total", "energy_phases",
    )  # fmt: skip
    assert ALL["master.slave.function"].choices == (16, 6)


def test_it_can_be_sent_as_json() -> None:
    assert len(msgspec.json.encode(schema())) > 10_000
