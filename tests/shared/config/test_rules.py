from pathlib import Path

import pytest

from shared.config.model import Config, Group, Meter, Modbus, Replay, Sensor, Slave
from shared.config.rules import across


def meter(name: str = "house", unit: int = 1) -> Meter:
    return Meter(id=name, unit=unit, source="simulated")


def test_settings_that_fit_together_have_no_problem() -> None:
    config = Config(
        meter=(
            meter(),
            Meter(id="b", unit=2, source="modbus", modbus=Modbus(host="h")),
            Meter(id="c", unit=3, source="replay", replay=Replay(file=Path("f")), group=(Group(number=1),)),
        )
    )
    assert list(across(config)) == []


@pytest.mark.parametrize(
    ("config", "key", "words"),
    [
        (Config(meter=(meter(), meter(unit=2))), ("meter", 1, "id"), "'house' like that of meter 1"),
        (
            Config(meter=(meter(), meter("b", 2), meter("c", 2))),
            ("meter", 2, "unit"),
            "is 2 like that of meter 2; each meter needs its own",
        ),
        (
            Config(slave=Slave(max_connections=10, max_connections_per_address=11)),
            ("slave", "max_connections_per_address"),
            "is 11, more than max_connections (10)",
        ),
        (
            Config(meter=(Meter(id="a", source="modbus"),)),
            ("meter", 0, "source"),
            "there is no [meter.modbus]; add it with at least 'host'",
        ),
        (
            Config(meter=(Meter(id="a", source="replay"),)),
            ("meter", 0, "source"),
            "there is no [meter.replay]; add it with at least 'file'",
        ),
        (
            Config(meter=(Meter(id="a", source="simulated", cycle_ms=2_000, stale_after_s=3.0),)),
            ("meter", 0, "stale_after_s"),
            "is 3, less than two cycles (4 s)",
        ),
        (
            Config(meter=(Meter(id="a", source="simulated", group=(Group(number=3), Group(number=3))),)),
            ("meter", 0, "group", 1, "number"),
            "is 3 a second time; each group has its own",
        ),
        (
            Config(meter=(Meter(id="a", source="simulated", sensor=(Sensor(number=9), Sensor(number=9))),)),
            ("meter", 0, "sensor", 1, "number"),
            "is 9 a second time; each sensor has its own",
        ),
    ],
)
def test_each_rule_names_the_key_that_breaks_it(config: Config, key: tuple[str | int, ...], words: str) -> None:
    (problem,) = across(config)
    assert problem.key == key
    assert words in problem.reason


def test_all_broken_rules_are_told() -> None:
    config = Config(
        meter=(meter(), Meter(id="house", source="replay")),
        slave=Slave(max_connections=1),
    )
    assert [problem.key for problem in across(config)] == [
        ("meter", 1, "id"),
        ("meter", 1, "unit"),
        ("slave", "max_connections_per_address"),
        ("meter", 1, "source"),
    ]


@pytest.mark.parametrize("cycle_ms", [100, 1_000, 2_500, 300_000])
def test_the_default_age_suits_every_cycle(cycle_ms: int) -> None:
    one = Meter(id="a", source="simulated", cycle_ms=cycle_ms)
    assert list(across(Config(meter=(one,)))) == []
    assert one.stale_after_ms == max(5_000, 3 * cycle_ms)
