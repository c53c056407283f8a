"""What settings may say, and their owner should know."""

from pathlib import Path

import pytest

from shared.config.advice import advice
from shared.config.check import dotted
from shared.config.load import parse

METER = '[[meter]]\nid = "house"\nsource = "modbus"\n[meter.modbus]\nhost = "{host}"\n'


def known(text: str) -> list[tuple[str, str]]:
    found = advice(parse(text.encode(), Path("/etc/metergate.toml"), {}))
    return [(dotted(each.key), each.reason) for each in found]


@pytest.mark.parametrize("host", ["192.0.2.20", "198.51.100.1", "203.0.113.255", "2001:db8::20"])
def test_at_an_address_for_examples_no_meter_answers(host: str) -> None:
    ((key, reason),) = known(METER.format(host=host))
    assert key == "meter.modbus.host"
    assert reason.startswith(f"is {host}, an address for examples, at which nothing answers")
    assert reason.endswith("`metergate config set meter.modbus.host ADDRESS`")


@pytest.mark.parametrize("host", ["192.0.3.20", "192.168.0.20", "2001:db9::20", "meter.local", "fe80::1%eth0", "::1"])
def test_any_other_may_be_right(host: str) -> None:
    assert known(METER.format(host=host)) == []


def test_a_table_that_is_not_used_is_not_spoken_of() -> None:
    assert known(METER.format(host="192.0.2.20").replace('"modbus"', '"simulated"')) == []


def test_of_receivers_those_count_that_are_pushed_to() -> None:
    slaves = """[master]
enabled = true
[[master.slave]]
address = "192.0.2.30"
[[master.slave]]
address = "192.0.2.31"
enabled = false
[[master.slave]]
address = "plc.local"
function = 6
"""
    (example, cut) = known(slaves)
    assert example[0] == "master.slave.address"
    assert "at which nothing answers" in example[1]
    assert cut[0] == "master.slave[3]"
    assert "function 6" in cut[1]
    assert known(slaves.replace("enabled = true", "enabled = false")) == []
