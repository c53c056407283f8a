from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.config.load import parse
from shared.config.model import Config
from shared.errors import RefusedError
from supervisor.spec import (
    MEASUREMENT,
    PLAIN_SLAVE,
    REGISTER_STORE,
    ROLES,
    TLS_SLAVE,
    Effect,
    Listen,
    effect,
    files_of,
    named,
)

BASE = """
[[meter]]
id = "house"
source = "simulated"
cycle_ms = 200
[meter.simulated]
seed = 1
[slave]
port = 1502
"""


def config(text: str = BASE) -> Config:
    return parse(text.encode(), Path("/etc/metergate/metergate.toml"), {})


@pytest.mark.parametrize(
    ("change", "affected"),
    [
        (("seed = 1", "seed = 2"), {"measurement"}),
        (("cycle_ms = 200", "cycle_ms = 500"), {"measurement", "register-store"}),
        (("cycle_ms = 200", "unit = 7"), {"register-store", "plain-slave", "tls-slave", "measurement"}),
        (
            ('id = "house"', 'id = "barn"'),
            {"measurement", "register-store", "plain-slave", "tls-slave", "master-pusher"},
        ),
        (("port = 1502", "port = 1503"), {"plain-slave"}),
        (("port = 1502", "port = 1502\ntls_port = 1802"), {"tls-slave"}),
        (("port = 1502", "port = 1502\nhandshakes_per_s = 7"), {"tls-slave"}),
        (("port = 1502", "port = 1502\nhandshakes_per_s_per_address = 7"), {"tls-slave"}),
        (("port = 1502", "port = 1502\nidle_timeout_s = 7"), {"plain-slave", "tls-slave"}),
        (("port = 1502", "port = 1502\nmax_connections = 77"), {"plain-slave", "tls-slave"}),
        (("port = 1502", "port = 1502\nmax_connections_per_address = 7"), {"plain-slave", "tls-slave"}),
        (("port = 1502", "port = 1502\nhost = '127.0.0.1'"), {"plain-slave", "tls-slave"}),
        (("port = 1502", "port = 1502\nworkers = 2"), {"plain-slave", "tls-slave"}),
        (("port = 1502", "port = 1502\ntls = true\nplain_alongside_tls = true"), set[str]()),
        (("port = 1502", "port = 1502\nenabled = false"), set[str]()),
        (("[slave]", "[certificates]\nwarn_days = 9\n[slave]"), {"certificate-manager"}),
        (("[slave]", "[certificates]\nkeys_dir = 'k'\n[slave]"), {"certificate-manager", "tls-slave", "master-pusher"}),
        (
            ("[slave]", "[wallbox]\nexternal_control = true\n[slave]\ntls = true"),
            {"register-store", "tls-slave", "certificate-manager"},
        ),
        (("[slave]", "[wallbox]\npresent = true\n[slave]"), {"register-store"}),
        (("[slave]", "[meter.identity]\nmodel = 'x'\n[slave]"), {"register-store"}),
        (("[slave]", "[console]\nport = 8090\n[slave]"), {"console"}),
        (("[slave]", "[log]\nlevel = 'debug'\n[slave]"), set[str]()),
        (("[slave]", "[master]\nenabled = true\n[slave]"), {"master-pusher"}),
        (("[slave]", "[[master.slave]]\naddress = 'plc'\n[slave]"), {"master-pusher"}),
        (("[slave]", "# a remark\n[slave]"), set[str]()),
    ],
)
def test_a_change_concerns_exactly_the_roles_that_read_it(change: tuple[str, str], affected: set[str]) -> None:
    before, after = config(), config(BASE.replace(*change))
    if change[1] == "unit = 7":
        before = config(BASE.replace("cycle_ms = 200", "unit = 1\ncycle_ms = 500"))  # two keys at once
    assert {spec.name for spec in ROLES if spec.needs(before) != spec.needs(after)} == affected


def test_one_more_beside_several_that_share_the_port_concerns_none_of_them() -> None:
    two, three = (config(BASE.replace("port = 1502", f"port = 1502\nworkers = {count}")) for count in (2, 3))
    assert effect(ROLES, two, three) == effect(ROLES, three, two) == Effect()


def test_slaves_on_other_hosts_are_known_to_the_certificate_manager_by_their_number() -> None:
    far = replace(config(), bus=replace(config().bus, transport="tcp"))
    more = replace(far, slave=replace(far.slave, workers=2))
    changed = {spec.name for spec in ROLES if spec.needs(far) != spec.needs(more)}
    assert changed == {"certificate-manager", "plain-slave", "tls-slave"}


def test_workers_are_instances_and_share_the_port() -> None:
    many = config(BASE.replace("port = 1502", "port = 1502\nworkers = 3"))
    assert PLAIN_SLAVE.instances(many) == ("plain-slave", "plain-slave.2", "plain-slave.3")
    assert PLAIN_SLAVE.listen(many) == Listen("0.0.0.0", 1502, shared=True)
    assert PLAIN_SLAVE.listen(config()) == Listen("0.0.0.0", 1502)
    assert MEASUREMENT.instances(many) == ("measurement",)


@pytest.mark.parametrize(
    ("settings", "running"),
    [
        ("", {"plain-slave"}),
        ("tls = true", {"tls-slave", "certificate-manager"}),
        ("tls = true\nplain_alongside_tls = true", {"plain-slave", "tls-slave", "certificate-manager"}),
        ("enabled = false\ntls = true", set[str]()),
    ],
)
def test_which_door_is_open(settings: str, running: set[str]) -> None:
    now = config(BASE.replace("port = 1502", f"port = 1502\n{settings}"))
    assert {spec.name for spec in ROLES if spec.enabled(now)} - {"measurement", "register-store", "console"} == running
    assert TLS_SLAVE.listen(now) == Listen("0.0.0.0", 802, key="slave.tls_port")


def test_a_disabled_role_is_one_instance_to_show() -> None:
    off = config(BASE.replace("port = 1502", "enabled = false\nworkers = 3"))
    assert not PLAIN_SLAVE.enabled(off)
    assert PLAIN_SLAVE.instances(off) == ("plain-slave",)


def test_who_serves_ends_before_who_measures() -> None:
    assert PLAIN_SLAVE.stop_stage < MEASUREMENT.stop_stage < REGISTER_STORE.stop_stage


def test_names_are_looked_up_once_each() -> None:
    assert named(["plain-slave", "measurement", "plain-slave"]) == (PLAIN_SLAVE, MEASUREMENT)
    with pytest.raises(
        RefusedError, match=r"'slave' is no role; the roles are: .*measurement register-store plain-slave tls-slave"
    ):
        named(["slave"])


def test_the_files_that_settings_name() -> None:
    text = """
[[meter]]
id = "a"
source = "modbus"
[meter.modbus]
host = "192.0.2.1"
profile = "mine.toml"
[[meter]]
id = "b"
unit = 2
source = "modbus"
[meter.modbus]
host = "192.0.2.2"
profile = "ksem"
[[meter]]
id = "c"
unit = 3
source = "replay"
[meter.replay]
file = "day.csv"
"""
    assert files_of(ROLES, config(text)) == (Path("/etc/metergate/mine.toml"), Path("/etc/metergate/day.csv"))
    assert files_of((PLAIN_SLAVE,), config(text)) == ()
