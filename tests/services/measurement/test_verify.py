"""What the settings refer to, seen before the role reads it."""

import os
from pathlib import Path

import pytest

from services.measurement.verify import verify
from shared.config.check import Problem
from shared.config.model import Config, Meter, Modbus, Replay, Simulated


def problems(*meters: Meter) -> list[Problem]:
    return verify(Config(meter=meters))


def modbus(profile: str) -> Meter:
    return Meter(id="house", source="modbus", modbus=Modbus(host="192.0.2.1", profile=profile))


def replay(file: Path) -> Meter:
    return Meter(id="house", source="replay", replay=Replay(file=file))


def test_what_can_be_used_has_no_problem(tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text("t,active_power\n0,1\n", encoding="utf-8")
    assert problems(modbus("ksem"), modbus("sunspec"), replay(day), Meter(id="a", source="simulated")) == []


def test_only_the_source_that_is_chosen_counts(tmp_path: Path) -> None:
    assert problems(Meter(id="a", source="simulated", simulated=Simulated(), replay=Replay(file=tmp_path / "no"))) == []


def test_each_meter_is_named_by_its_key(tmp_path: Path) -> None:
    missing = tmp_path / "none.csv"
    profile, file = problems(modbus("sunspecc"), replay(missing))
    assert profile.key == ("meter", 0, "modbus", "profile")
    assert profile.reason.startswith("there is no profile 'sunspecc'; shipped: ")
    assert file == Problem(
        ("meter", 1, "replay", "file"),
        f"{missing}: cannot be read (No such file or directory); check meter.replay.file",
    )


def test_every_line_of_a_wrong_profile_is_told(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('title = "mine"\n[[block]]\nname = "a"\n[[block]]\nname = "b"\n', encoding="utf-8")
    found = problems(modbus(str(own)))
    assert len(found) >= 2
    assert all(problem.reason.startswith(f"{own}:") for problem in found)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", ":1: there is no column 't'"),
        ("t,active_power\n", ": has no row of measurements"),
        ("t,power\n0,1\n", ":1: column 'power' is no quantity"),
        ("t,active_power\n0,x\n", ":2: active_power: 'x' is not a number"),
    ],
)
def test_a_wrong_table(text: str, reason: str, tmp_path: Path) -> None:
    day = tmp_path / "day.csv"
    day.write_text(text, encoding="utf-8")
    (problem,) = problems(replay(day))
    assert f"{day}{reason}" in problem.reason


def test_what_is_no_file_does_not_hold_it_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "day.csv")
    (problem,) = problems(replay(tmp_path / "day.csv"))
    assert "is no file" in problem.reason
