import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.toml import DEEPEST, content_of, read_toml, shortened, text_of
from shared.errors import ConfigError

FILE = Path("some.toml")


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    assert content_of(tmp_path / "a") == b"x"
    with pytest.raises(FileNotFoundError):
        content_of(tmp_path / "b")


def test_what_never_ends_or_never_begins_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ConfigError, match=f"{path}: is a pipe or a device; put a file there"):
            content_of(path)
    with (tmp_path / "huge").open("wb") as huge:
        huge.truncate(1 << 40)
    with pytest.raises(ConfigError, match="huge: has more than 1048576 bytes"):
        content_of(tmp_path / "huge")


def test_a_text_is_utf_8() -> None:
    assert text_of("ä".encode(), FILE) == "ä"
    with pytest.raises(ConfigError, match=r"some\.toml:2: is not UTF-8 text \(invalid start byte\)"):
        text_of(b"a\n\xff", FILE)


@pytest.mark.parametrize(
    "begin",
    [
        "a{dots} = 1",
        "[b]\n# . .\n[a{dots}]",
        "[[a{dots}]]",
        'x = """\n\'\'\'\n"""\n"a"{dots} = 1',
        "x = '''\n\"\"\"\n'''\n'a'{dots} = 1",
        "x = {{ a{dots} = 1 }}",
        "x = '\"'\n\ta{tabs} = 1",
    ],
)
def test_a_key_may_have_so_many_parts_and_no_more(begin: str) -> None:
    def text(parts: int) -> str:
        return begin.format(dots=".a" * (parts - 1), tabs=" .\t a" * (parts - 1))

    assert read_toml(text(DEEPEST), FILE) == tomllib.loads(text(DEEPEST))
    line = begin.count("\n") + 1
    with pytest.raises(ConfigError, match=rf"some\.toml:{line}: is not usable: a key has too many parts, more than 8;"):
        read_toml(text(DEEPEST + 1), FILE)


@pytest.mark.parametrize(
    "text",
    ["a = {digits}", "a = -{digits}", "a = 0x{digits}", "a = [1,\n0b{digits}]", "a = {digits}.5", "{digits} = 1"],
)
def test_a_number_of_thousands_of_digits_is_refused_wherever_it_stands(text: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"some\.toml:{text.count(chr(10)) + 1}: is not usable: a number of thousands"
    ):
        read_toml(text.format(digits="1" * 5000), FILE)
    assert read_toml(f'a = "{"1" * 5000}" # {"1" * 5000}', FILE) == {"a": "1" * 5000}


def test_so_many_brackets_may_stand_in_each_other() -> None:
    assert read_toml("x = [" + "[" * (DEEPEST - 1) + "]" * DEEPEST, FILE)
    with pytest.raises(ConfigError, match=r"some\.toml:3: is not usable: its tables or lists are nested too deeply"):
        read_toml("\n\nx = " + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), FILE)


@given(st.text("a1.\"'[]{}=#,\\ \n", max_size=60))
def test_nothing_else_is_refused_than_what_the_parser_refuses(text: str) -> None:
    try:
        expected = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        expected = None
    try:
        found = read_toml(text, FILE)
    except ConfigError as error:
        assert expected is None or "is not usable" in str(error)  # noqa: PT017  # both outcomes are compared
    else:
        assert found == expected


def test_what_is_long_is_shown_in_part() -> None:
    assert shortened("abcdef", 6) == "abcdef"
    assert shortened("abcdefg", 6) == "abc..."
