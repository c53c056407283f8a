import os
from pathlib import Path

import pytest

from services.measurement.modbus.plan import Request
from services.measurement.modbus.profile import load, parse
from shared.errors import ConfigError
from shared.registers.quantities import UNITS

GOOD = """\
title = "Test meter"
[[block]]
name = "main"
function = 4
type = "int32"
[block.values]
active_power = { address = 10, scale = 0.1 }
[block.texts]
model = { address = 20, count = 4 }
"""


def test_a_small_profile() -> None:
    profile = parse(GOOD, "my.toml")
    (block,) = profile.blocks
    assert profile.title == "Test meter"
    assert block.requests() == (Request(4, 10, 2),)
    assert block.text_requests() == (Request(4, 20, 4),)
    assert block.values({(4, 10): 0xFFFF, (4, 11): 0xFFF6}, ()) == {"active_power": -1.0}


def test_shipped_profiles_load_and_read_in_few_requests() -> None:
    requests = [block.requests() for block in load("ksem").blocks if not block.name.startswith("wallbox")]
    assert sum(map(len, requests)) == 7
    assert {point.quantity for block in load("ksem").blocks for point in block.points} <= UNITS.keys()
    for block in load("sunspec").blocks:
        assert len(block.at(40_000, (203, 105)).requests()) <= 1  # a model is only consistent within one request


def test_a_profile_of_ones_own_is_a_path(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert load(str(path)).title == "Test meter"


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("ksen", ["no profile 'ksen'", "ksem, sunspec", "path"]),
        ("k" * 300, ["no profile", "shipped"]),
        ("../profiles/ksem", ["no profile", "shipped"]),
        ("/nowhere/x.toml", ["/nowhere/x.toml", "No such file"]),
    ],
)
def test_a_profile_that_does_not_exist(named: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as error:
        load(named)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('title = "a"\nkind\n', "my.toml:2: is not valid TOML"),
        (f'title = "a"\nbases = [{"9" * 5000}]\n', "my.toml:2: is not usable: a number of thousands of digits"),
        ("block = " + "[" * 5000, "my.toml:1: is not usable"),
        ('title = "a"\na' + ".a" * 5000 + " = 1", "my.toml:2: is not usable: a key has too many parts"),
    ],
)
def test_a_profile_that_is_not_toml(text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        parse(text, "my.toml")


def test_a_profile_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"title = '\xff'")
    with pytest.raises(ConfigError, match="UTF-8"):
        load(str(path))


def test_a_profile_that_is_no_file(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match=r"own\.toml: is a pipe or a device; put a file there"):
        load(str(path))
    path.unlink()
    with path.open("wb") as huge:
        huge.truncate(1 << 40)
    with pytest.raises(ConfigError, match=r"own\.toml: has more than 1048576 bytes"):
        load(str(path))


LINE = "active_power = { address = 10, scale = 0.1 }"
MISTAKES = [
    ("title = ", "titel = ", 1, "title"),
    ('type = "int32"', 'type = "int33"', 5, "'uint16'"),
    ("function = 4", "function = 5", 4, "3"),
    (LINE, "activ_power = { address = 10 }", 7, "did you mean 'active_power'"),
    (LINE, "zzz = { address = 10 }", 7, "docs/profiles.md"),
    (LINE, "active_power = 10", 7, "{ address = 10 }"),
    (LINE, "active_power = { adress = 10 }", 7, "did you mean 'address'"),
    (LINE, "active_power = { scale = 0.1 }", 7, "register address from 0 to 65534"),
    (LINE, "active_power = { address = 65535 }", 7, "from 0 to 65534"),
    (LINE, "active_power = { address = '10' }", 7, "register address"),
    (LINE, "active_power = { address = true }", 7, "register address"),
    (LINE, "active_power = { address = { import = 1 } }", 7, "{ import = 0, export = 2 }"),
    (LINE, "active_power = { address = { import = [], export = 1 } }", 7, "register address"),
    (LINE, "active_power = { address = 10, scale = 0 }", 7, "physical value of one"),
    (LINE, "active_power = { address = 10, scale = nan }", 7, "physical value of one"),
    (LINE, "active_power = { address = 10, scale_factor = 3 }", 7, "use scale"),
    (LINE, "active_power = { address = 10, sign = 'power' }", 7, "use 1 or -1"),
    (LINE, "active_power = { address = 10, percent_or_ratio = true }", 7, "power_factor"),
    (
        LINE,
        f"{LINE}\npower_factor_l1 = {{ address = 1, sign = 'power' }}",
        8,
        "active_power_l1 is not in the same block",
    ),
    (LINE, "active_power_l1 = { address = 10 }", 1, "gives no active_power"),
    ("function = 4", "optional = true", 1, "not optional"),
    ("function = 4", "max_count = 1", 7, "takes 2 registers"),
    ("function = 4", "models = [203]", 4, "sunspec"),
    ('title = "Test meter"', 'title = "x"\nkind = "sunspec"', 3, "names the models"),
    ('type = "int32"', "", 7, "has no type"),
    ("model = {", "modell = {", 9, "manufacturer, model, version, serial_number"),
    (", count = 4", "", 9, "two characters each"),
    ("count = 4", "count = 4, type = 'version'", 9, "version takes 1"),
    ("address = 20", "address = 65534", 9, "does not fit"),
    ("[block.texts]\nmodel = { address = 20, count = 4 }", "[[block]]\nname = 'second'", 8, "neither"),
    (
        "[block.texts]\nmodel",
        f"[[block]]\nname='2'\ntype='int16'\n[block.values]\n{LINE}\n#",
        12,
        "in block 'main' already",
    ),
    ("title = ", "title == ", 1, "not valid TOML"),
]


@pytest.mark.parametrize(("right", "wrong", "line", "words"), MISTAKES)
def test_each_mistake_is_named_with_line_and_cure(right: str, wrong: str, line: int, words: str) -> None:
    assert right in GOOD
    with pytest.raises(ConfigError) as error:
        parse(GOOD.replace(right, wrong), "my.toml")
    text = str(error.value)
    assert words in text, text
    assert f"my.toml:{line}:" in text or f"at line {line}," in text, text


def test_all_mistakes_are_told_at_once() -> None:
    text = GOOD.replace("address = 10", "address = -1").replace("count = 4", "count = 0")
    with pytest.raises(ConfigError) as error:
        parse(text, "my.toml")
    assert len(str(error.value).splitlines()) == 2
