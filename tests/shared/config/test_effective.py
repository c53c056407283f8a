"""Settings key by key: in force, and as a wrong file has them."""

from pathlib import Path

import pytest
from msgspec import UNSET

from shared.config.check import dotted
from shared.config.effective import Setting, effective, written
from shared.config.template import template
from shared.errors import ConfigError

FILE = Path("/etc/metergate/metergate.toml")


def by_key(settings: tuple[Setting, ...]) -> dict[str, tuple[object, int]]:
    return {dotted(each.key): (each.value, each.line) for each in settings}


def test_a_right_file_has_the_same_keys_both_ways_in_the_same_order() -> None:
    for source in ("simulated", "modbus", "replay"):
        text = template(source).encode()
        assert [each.key for each in written(text, FILE)] == [each.key for each in effective(text, FILE, {})]


def test_a_wrong_one_has_what_stands_there_and_the_defaults_of_all_others() -> None:
    text = b"""[slave]
port = 100000
prot = 3

[[meter]]
id = "house"
source = "simulated"

[[meter]]
id = 7
cycle_ms = "fast"

[meter.modbus]
port = true

[[meter.group]]
"""
    found = by_key(written(text, FILE))
    assert found["slave.port"] == (100000, 2)
    assert found["slave.host"] == ("0.0.0.0", 0)
    assert found["meter.id"] == ("house", 6)
    assert (found["meter[2].id"], found["meter[2].cycle_ms"]) == ((7, 10), ("fast", 11))
    assert found["meter[2].source"] == (UNSET, 0)
    assert found["meter[2].modbus.port"] == (True, 14)
    assert found["meter[2].modbus.host"] == (UNSET, 0)
    assert found["meter[2].group.number"] == (UNSET, 0)
    assert "meter.modbus.port" not in found
    assert "slave.prot" not in found


@pytest.mark.parametrize("text", [b"slave = 3\nmeter = 4\n", b"[[slave]]\nport = 1\n[meter]\nid = 2\n"])
def test_what_is_no_table_has_none_of_its_keys(text: bytes) -> None:
    found = by_key(written(text, FILE))
    assert found["slave.port"] == (502, 0)
    assert not [key for key in found if key.startswith("meter")]


def test_what_is_no_toml_has_nothing() -> None:
    with pytest.raises(ConfigError, match="is not valid TOML"):
        written(b"[slave\n", FILE)
