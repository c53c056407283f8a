"""`[master]`: what a file may say, and what it is told otherwise."""

from pathlib import Path

import pytest

from shared.config.load import parse
from shared.config.master import GROUP_RANGES, Master, MasterGroups, Target
from shared.errors import ConfigError

PLACE = Path("/etc/metergate/metergate.toml")
METER = '[[meter]]\nid = "house"\nsource = "simulated"\n'
SLAVE = '[[master.slave]]\naddress = "plc"\n'


def master(text: str) -> Master:
    return parse((METER + text).encode(), PLACE, {}).master


def fault(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        master(text)
    return str(caught.value)


def test_defaults_are_those_of_the_device() -> None:
    found = master(SLAVE)
    assert (found.enabled, found.interval_ms, found.values) == (False, 0, "current")
    (target,) = found.slave
    assert found.groups_of(target) == tuple(GROUP_RANGES)
    assert (target.function, target.unit, target.base_offset, target.receiver.port) == (16, 1, 0, 502)


def test_groups_of_all_and_of_one() -> None:
    found = master(
        f"[master.groups]\nenergy_phases = false\n{SLAVE}{SLAVE}unit = 2\ngroups = ['energy_phases', 'energy_total']\n"
    )
    assert found.groups_of(found.slave[0]) == ("instantaneous_total", "instantaneous_phases", "energy_total")
    assert found.groups_of(found.slave[1]) == ("energy_total", "energy_phases"), "in the order of their addresses"
    assert MasterGroups(instantaneous_total=False, energy_total=False).names == (
        "instantaneous_phases",
        "energy_phases",
    )


def test_a_trial_is_waited_for_as_long_as_all_its_requests_may_take() -> None:
    assert Target(address="plc").trial_s == 12
    assert Target(address="plc", timeout_s=0.1, function=6).trial_s == pytest.approx(42.2)
    assert Target(address="plc", function=6).trial_s == Target(address="plc", timeout_s=60).trial_s == 60, "in the end"
    registers = sum(end - first for first, end in GROUP_RANGES.values())
    least_s = 0.1 * (1 + registers)  # a connection, and one request for each
    assert Target(address="plc", timeout_s=0.1, function=6).trial_s > least_s


@pytest.mark.parametrize(
    "other",
    [
        SLAVE,
        "[[master.slave]]\naddress = 'PLC:502'\nlabel = 'other name'\n",
        f"{SLAVE}groups = ['energy_total']\n",
        f"{SLAVE}meter = 'barn'\n",
        f"{SLAVE}base_offset = 700\n",
    ],
)
def test_no_register_of_a_slave_is_written_twice(other: str) -> None:
    """The values of the second would stand where those of the first are looked for, and be overwritten again."""
    text = fault(f"[[meter]]\nid = 'barn'\nunit = 2\nsource = 'simulated'\n{SLAVE}label = 'x'\n{other}")
    assert f"{PLACE}:12: master.slave[2].address: is 'plc" in text.lower()
    assert "where slave 1 writes register " in text
    assert "take one of them out, or give this one another unit, base_offset or groups" in text


@pytest.mark.parametrize(
    "other",
    [
        f"{SLAVE}unit = 2\n",
        f"{SLAVE}port = 503\n",
        f"{SLAVE}base_offset = 1000\n",
        f"{SLAVE}enabled = false\n",
        "[[master.slave]]\naddress = 'plc2'\n",
        "[[master.slave]]\naddress = 'http://plc/'\n",
    ],
)
def test_one_slave_may_be_named_twice_where_its_registers_are_others(other: str) -> None:
    assert len(master(SLAVE + other).slave) == 2


@pytest.mark.parametrize(
    ("one", "again"),
    [
        ("2001:db8::1", "2001:DB8:0::0001"),
        ("192.168.0.9", "::ffff:192.168.0.9"),
        ("plc.lan", "modbus://PLC.lan.:502"),
        ("fe80::1%eth0", "FE80:0::1%eth0"),
    ],
)
def test_another_spelling_is_no_other_slave(one: str, again: str) -> None:
    first, second = (f"[[master.slave]]\naddress = '{address}'\n" for address in (one, again))
    assert "where slave 1 writes register 0 too" in fault(first + second)


def test_parts_of_the_registers_may_be_pushed_in_different_ways() -> None:
    total, phases = f"{SLAVE}groups = ['energy_total']\nonly_changes = true\n", f"{SLAVE}groups = ['energy_phases']\n"
    assert len(master(total + phases).slave) == 2


def test_a_web_service_gets_each_meter_once() -> None:
    web = "[[master.slave]]\naddress = 'http://h/x'\n"
    barn = "[[meter]]\nid = 'barn'\nunit = 2\nsource = 'simulated'\n"
    assert len(master(f"{barn}{web}{web}meter = 'barn'\n").slave) == 2
    assert "master.slave[2].address: is 'http://h/x' like that of slave 1, for the same meter" in fault(
        f"{barn}{web}{web}meter = 'house'\n"
    )


def test_paths_are_relative_to_the_file() -> None:
    (target,) = master("[[master.slave]]\naddress = 'https://x/'\ntoken_file = 't'\nhmac_file = '/k'\n").slave
    assert (target.token_file, target.hmac_file) == (PLACE.parent / "t", Path("/k"))


def test_ten_are_many_enough() -> None:
    slaves = [f"{SLAVE}unit = {number}\n" for number in range(1, 12)]
    assert len(master("".join(slaves[:10])).slave) == 10
    text = fault("".join(slaves))
    assert f"{PLACE}:34: master.slave[11]: is one too many: there are 11, and 10 at most are pushed to" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[master]\ninterval_ms = 50\n", "master.interval_ms: is 50; 100 or more, or 0"),
        (f"{SLAVE}meter = 'garden'\n", "master.slave.meter: is 'garden'; the meters here are: house"),
        (f"{SLAVE}groups = []\n", "master.slave.groups: is empty, so nothing would be pushed"),
        (f"{SLAVE}groups = ['sunspec']\n", "master.slave.groups: is a list, but must be a list, each item one of"),
        (f"{SLAVE}function = 5\n", "must be one of 16, 6"),
        (f"{SLAVE}base_offset = -1\n", "which moves registers to -1-790, outside of 0-65535"),
        (f"{SLAVE}base_offset = 64745\n", "which moves registers to 64745-65536, outside of 0-65535"),
        ("[[master.slave]]\naddress = 'ftp://x'\n", "master.slave.address: is 'ftp://x'; 'ftp' is none of"),
        ("[[master.slave]]\naddress = 'http://x'\nunit = 3\n", "master.slave.unit: is of no use beside http://"),
        (f"{SLAVE}token_fil = 't'\n", "did you mean 'token_file'?"),
    ],
)
def test_what_is_refused_is_told(text: str, said: str) -> None:
    assert said in fault(text)


def test_an_offset_that_leaves_room_is_right() -> None:
    assert master(f"{SLAVE}base_offset = 64744\n").slave[0].base_offset == 64744
    assert master(f"{SLAVE}base_offset = -512\ngroups = ['energy_total']\n").slave[0].base_offset == -512


def test_a_name_for_people() -> None:
    assert Target(address="plc", label="boiler").name == "boiler"
    assert Target(address="plc").name == "plc"
