from pathlib import Path

import pytest

from services.measurement.replay.frame import Frame
from services.measurement.replay.table import check, frames
from shared.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    path = folder / "day.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_seconds(tmp_path: Path) -> None:
    path = write(tmp_path, "t,active_power,voltage_l1\n0,100.5,230\n0.2,-7,\n\n# noon\n1.5,0,229.9\n")
    assert list(frames(path)) == [
        Frame(0, {"active_power": 100.5, "voltage_l1": 230.0}),
        Frame(200_000_000, {"active_power": -7.0}),
        Frame(1_300_000_000, {"active_power": 0.0, "voltage_l1": 229.9}),
    ]
    check(path)


def test_iso_times_semicolons_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "\ufefft;active_power\n2026-03-29T01:59:59.9+01:00;1\n2026-03-29T03:00:00.1+02:00;2\n2026-03-29T01:00:01Z;3\n",
    )
    assert [frame.after_ns for frame in frames(path)] == [0, 200_000_000, 900_000_000]


def test_names_may_be_quoted(tmp_path: Path) -> None:
    path = write(tmp_path, '"t","active_power"\n"0","1.5"\n')
    assert list(frames(path)) == [Frame(0, {"active_power": 1.5})]


def test_phases_are_enough(tmp_path: Path) -> None:
    check(write(tmp_path, "t,active_power_l1,active_power_l2,active_power_l3\n0,1,2,3\n"))


MISTAKES = [
    ("", "day.csv:1: there is no column 't'"),
    ("time,active_power\n0,1\n", "day.csv:1: there is no column 't'"),
    ("t,activepower\n0,1\n", "day.csv:1: column 'activepower' is no quantity; did you mean 'active_power'"),
    ("t,active_power,active_power\n0,1,1\n", "day.csv:1: column 'active_power' is there twice"),
    ("t,voltage_l1\n0,230\n", "day.csv:1: there is no column 'active_power'"),
    ("t,active_power\n", "day.csv: has no row"),
    ("t,active_power\n0,1\n1\n", "day.csv:3: has 1 cells, but the header has 2 columns"),
    ("t,active_power\n0,1\n\n1,x\n", "day.csv:4: active_power: 'x' is not a number"),
    ("t;active_power\n0;1,5\n", "day.csv:2: active_power: '1,5' is not a number; write the decimal point as a point"),
    ("t,active_power\n0,nan\n", "day.csv:2: active_power: 'nan' is not finite; leave it empty"),
    ("t,active_power\nnoon,1\n", "day.csv:2: t: 'noon' is neither seconds nor a time"),
    ("t,active_power\ninf,1\n", "day.csv:2: t: 'inf' is neither seconds nor a time"),
    ("t,active_power\n0,1\n1," + "1" * 200_000 + "\n", "day.csv:3: is no row of a table (field larger than"),
    ("t," + "a" * 200_000 + "\n0,1\n", "day.csv:1: is no row of a table (field larger than"),
    ("t,active_power\n5,1\n5,1\n", "day.csv:3: t: is not later than in the row before"),
]


@pytest.mark.parametrize(("text", "words"), MISTAKES)
def test_mistakes_are_named_with_line_and_column(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        check(write(tmp_path, text))
    assert words in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"check meter\.replay\.file"):
        check(tmp_path / "none.csv")
    path = tmp_path / "latin.csv"
    path.write_bytes(b"t,active_power\n0,\xe9\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        check(path)
