"""Settings key by key: in force, and as a wrong file has them."""

from pathlib import Path

import pytest
from msgspec import UNSET

from shared.config.check import dotted
from shared.config.effective import Setting, as_file, effective, written
from shared.config.load import parse
from shared.config.template import template
from shared.errors import ConfigError
from tests.shared.config.test_template import OFF

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


SEVERAL = r"""
[gateway]
run_dir = "/r \"n\""
[bus]
transport = "tcp"
this = "b"
secret_key_file = "keys/bus"
host = [{roles = ["console"], name = "a", address = "::1", public_key = "0000000000000000000000000000000000000000"},
        {name = "b", address = "192.0.2.2", public_key = "1111111111111111111111111111111111111111"}]
[[certificates.role]]
name = '"\ä\U0001F50C'
read = [[0, 1], [7, 9]]
[[meter]]
id = "a"
source = "simulated"
max_power_kw = 1e-7
group = [{number = 1, label = "#]"}, {number = 2}]
[[meter]]
id = "b"
unit = 2
source = "modbus"
modbus = {host = "plc", profile = "mine.toml"}
[[meter.sensor]]
number = 3
"""


@pytest.mark.parametrize("source", ["simulated", "modbus", "replay"])
def test_the_text_of_settings_means_the_same_with_every_key_set(source: str) -> None:
    means_the_same("\n".join(OFF.sub("", line, count=1) for line in template(source).splitlines()))


@pytest.mark.parametrize("text", ["[log]\n", SEVERAL])
def test_the_text_of_settings_means_the_same(text: str) -> None:
    means_the_same(text)


def means_the_same(text: str) -> None:
    config = parse(text.encode(), FILE, {})
    assert parse(as_file(config).encode(), FILE, {}) == config
    assert "default" not in as_file(config)


def test_what_is_no_toml_has_nothing() -> None:
    with pytest.raises(ConfigError, match="is not valid TOML"):
        written(b"[slave\n", FILE)
