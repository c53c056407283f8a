import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.load import find, load, parse
from shared.errors import EXIT_CONFIG, ConfigError

FILE = Path("/etc/metergate/metergate.toml")
METER = '[[meter]]\nid = "house"\nsource = "simulated"\n'  # lines 1 to 3


def mistakes(text: str | bytes) -> list[str]:
    """The lines of the error, without the file's name."""
    with pytest.raises(ConfigError) as caught:
        parse(text.encode() if isinstance(text, str) else text, FILE, {})
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{FILE}:") for line in lines)
    return [line.removeprefix(f"{FILE}:") for line in lines]


ONE_MISTAKE: dict[str, tuple[str | bytes, str]] = {
    "empty": (b"", "1: the file is empty; an editor may have truncated it"),
    "blank": (b" \n\t\n", "1: the file is empty"),
    "not UTF-8": (b"[log]\nlevel = '\xff'\n", "2: is not UTF-8 text (invalid start byte); save it as UTF-8"),
    "UTF-16": ("[log]\n".encode("utf-16"), "1: is not UTF-8 text"),
    "byte order mark": (b"\xef\xbb\xbf[log]\n", "1: begins with a byte order mark; save it as UTF-8 without BOM"),
    "no TOML": ("[log]\nlevel info\n", "2: is not valid TOML: Expected '=' after a key in a key/value pair"),
    "text without quotes": ("[log]\n\nlevel = debug\n", "3: is not valid TOML: Invalid value; a text needs quotes"),
    "unclosed text": ('[log]\nlevel = "info\n', "2: is not valid TOML"),
    "unclosed list": ("meter = [1,\n\n\n\n", "4: is not valid TOML: "),
    "unclosed header": ("[log\n", "1: is not valid TOML: Expected ']'"),
    "key twice": ('[log]\nlevel = "info"\nlevel = "info"\n', "3: is not valid TOML: Cannot overwrite a value"),
    "table twice": (
        "[log]\n[slave]\n[log]\n",
        "3: is not valid TOML: Cannot declare [log] twice; put what belongs",
    ),
    "table after list of it": (METER + "[meter]\n", "4: is not valid TOML: Cannot declare [meter] twice; put"),
    "number of many digits": (
        "[slave]\nport = " + "1" * 5_000,
        "2: is not usable: a number of thousands",
    ),
    "nesting": ("x = " + "[" * 5_000, "1: is not usable: its tables or lists are nested too deeply"),
    "nesting in one line": (
        "\nx = " + "{a = " * 9,
        "2: is not usable: its tables or lists are nested",
    ),
    "dotted key": (
        "[log]\na" + " . a" * 2_000 + " = 1\n",
        "2: is not usable: a key has too many parts, more",
    ),
    "dotted header": ('["a"' + ".'b'" * 9 + "]\n", "1: is not usable: a key has too many parts"),
    "control character": ("[log]\nlevel = 'a\x00b'\n", "2: is not valid TOML: "),
    "unknown section": ("\n[slaev]\n", "2: slaev: is no setting; did you mean 'slave'?"),
    "unknown section with what belongs to it": (
        '[[metter]]\nid = "a"\nsource = "modbus"\n[meter.modbus]\nhost = "plc"\n',
        "1: metter: is no setting; did you mean 'meter'?",
    ),
    "unknown key": ('[log]\nlevle = "info"\n', "2: log.levle: is no setting; did you mean 'level'?"),
    "unknown key, nothing close": ("[log]\nq = 1\n", "2: log.q: is no setting; known here: format, level"),
    "unknown key outside tables": ("port = 502\n[log]\n", "1: port: is no setting; known here: "),
    "unknown quoted key": ('[log]\n"le vel" = 1\n', "2: log.le vel: is no setting; did you mean 'level'?"),
    "unknown key in one line": ('log = {level = "info", x = 1}\n', "1: log.x: is no setting"),
    "unknown dotted key": ("\nslave.prot = 1\n", "2: slave.prot: is no setting; did you mean 'port'?"),
    "number as text": (
        '[slave]\nport = "502"\n',
        "2: slave.port: is '502', but must be a whole number",
    ),
    "truth as number": ("[slave]\nport = true\n", "2: slave.port: is true, but must be a whole number from 1"),
    "number as truth": ("[slave]\nenabled = 1\n", "2: slave.enabled: is 1, but must be true or false"),
    "fraction": ("[slave]\nworkers = 1.0\n", "2: slave.workers: is 1.0, but must be a whole number from 1 to 16"),
    "negative port": ("slave.port = -502\n", "1: slave.port: is -502, but must be a whole number from 1 to 65535"),
    "port 0": ("slave.port = 0\n", "1: slave.port: is 0, but must be"),
    "port too large": ("slave.port = 0x1_0000\n", "1: slave.port: is 65536, but must be"),
    "beyond 64 bits": ("slave.port = 99999999999999999999999\n", "1: slave.port: is 99999999999999999999999, but"),
    "infinite": (METER + "[meter.simulated]\nspeed = inf\n", "5: meter.simulated.speed: is inf, but must be a number"),
    "minus infinite": (METER + "simulated.speed = -inf\n", "4: meter.simulated.speed: is -inf, but must be"),
    "not a number": (METER + "max_power_kw = nan\n", "4: meter.max_power_kw: is nan, but must be a number above 0"),
    "zero speed": (METER + "simulated = {speed = 0}\n", "4: meter.simulated.speed: is 0, but must be a number above 0"),
    "date": ("[log]\nlevel = 2024-02-01\n", "2: log.level: is the date or time 2024-02-01, but must be one of"),
    "no choice": ('[log]\nlevel = "loud"\n', "2: log.level: is 'loud', but must be one of 'debug', 'error', 'info'"),
    "table as value": ("[log]\n[log.level]\n", "2: log.level: is a table, but must be one of"),
    "value as table": ("log = 'info'\n", "1: log: is 'info', but must be a table: [log]"),
    "list as table": ("[[log]]\n", "1: log: is a list, but must be a table: [log]"),
    "one meter as table": ("[meter]\n", "1: meter: is a table, but must be a list of tables: [[meter]]"),
    "list of no tables": ("meter = [\n\n  1,\n]\n", "3: meter: is 1, but must be a table: [[meter]]"),
    "missing": ('[[meter]]\nid = "a"\n', "1: meter.source: is missing; give one of 'modbus', 'replay', 'simulated'"),
    "missing in the second": (METER + '[[meter]]\nunit = 2\nsource="simulated"', "4: meter[2].id: is missing; give a"),
    "missing deep": (METER + "[meter.modbus]\n", "4: meter.modbus.host: is missing; give a text"),
    "missing in one line": (METER + "group = [{number = 1},\n  {}]\n", "5: meter.group[2].number: is missing; give"),
    "name": (METER.replace("house", "My House"), "2: meter.id: is 'My House', but must be a name of lower case"),
    "empty name": (METER.replace("house", ""), "2: meter.id: is '', but must be a name of lower case"),
    "time of day": (
        METER + "simulated.start = '24:00'\n",
        "4: meter.simulated.start: is '24:00', but must be a time",
    ),
    "empty path": ("[gateway]\nrun_dir = ''\n", "2: gateway.run_dir: is '', but must be a path"),
    "path with NUL": ('[gateway]\nrun_dir = "a\\u0000"\n', r"2: gateway.run_dir: is 'a\x00', which holds a character"),
    "text too long": (METER + f"identity.model = '{'x' * 33}'\n", "4: meter.identity.model: is 'xxx"),
    "unit": (METER + "unit = 256\n", "4: meter.unit: is 256, but must be a whole number from 0 to 255"),
    "no source table": (METER.replace("simulated", "modbus"), "3: meter.source: is 'modbus', but there is no"),
    "same meter": (METER + METER + "unit = 2\n", "5: meter[2].id: is 'house' like that of meter 1"),
    "same unit by default": (METER + METER.replace("house", "b"), "4: meter[2].unit: is 1 like that of meter 1"),
    "same group": (METER + "[[meter.group]]\nnumber = 1\n" * 2, "7: meter.group[2].number: is 1 a second time"),
    "age": (METER + "stale_after_s = 2\ncycle_ms = 1001\n", "4: meter.stale_after_s: is 2, less than two cycles"),
    "age forever": (METER + "stale_after_s = 0\n", "4: meter.stale_after_s: is 0, but must be a number from 2 to 900"),
    "caps": ("slave = {max_connections = 9}\n", "1: slave.max_connections_per_address: is 64, more than max_conn"),
}


@pytest.mark.parametrize("name", ONE_MISTAKE)
def test_each_kind_of_mistake_has_its_own_message_with_line_and_key(name: str) -> None:
    text, begin = ONE_MISTAKE[name]
    (line,) = mistakes(text)
    assert line.startswith(begin)


def test_the_messages_differ() -> None:
    alike = {"blank", "dotted header", "nesting in one line"}
    texts = [text for name, (text, _) in ONE_MISTAKE.items() if name not in alike]
    assert len({mistakes(text)[0] for text in texts}) == len(texts)


def test_a_text_with_dots_and_brackets_is_no_key() -> None:
    names = ".".join("abcdefghijklmnop")
    text = f"""# {names} = 1 [[[[[[[[[[
[[meter]]
id = "house"
source = "modbus"
[meter.modbus]
host = "{names}"  # {names}
profile = '''{"[" * 20}{names}.toml'''
"""
    (meter,) = parse(text.encode(), FILE, {}).meter
    assert meter.modbus
    assert meter.modbus.host == names


def test_of_thousands_of_mistakes_the_first_are_told() -> None:
    text = METER + "[slave]\n" + "".join(f"k{number} = 1\n" for number in range(20_000))
    found = mistakes(text)
    assert found[0].startswith("5: slave.k0: is no setting; known here: ")
    assert found[-1] == "55: from here on 19950 mistakes more"
    assert sum(map(len, found)) < 20_000


def test_a_key_or_a_reason_without_end_is_shown_in_part() -> None:
    long = "k" * 500_000
    assert len(mistakes(f"{long} = 1\n")[0]) < 500
    assert len(mistakes(f"[{long}]\n[{long}]\n")[0]) < 500


def test_all_mistakes_come_in_the_order_of_the_lines() -> None:
    text = METER + "cycle_ms = 1\nunit = -1\n\n[slave]\nport = 0\nx = 1\n[zz]\n"
    assert [line.partition(": is ")[0] for line in mistakes(text)] == [
        "4: meter.cycle_ms",
        "5: meter.unit",
        "8: slave.port",
        "9: slave.x",
        "10: zz",
    ]


def test_defaults_serve_without_any_key() -> None:
    config = parse(b"# nothing set\n", FILE, {})
    assert (config.slave.port, config.meter) == (502, ())


def test_paths_are_absolute_and_relative_to_the_file() -> None:
    text = '[gateway]\nrun_dir = "r"\nstate_dir = "/s"\n[[meter]]\nid="a"\nsource="replay"\nreplay.file="x.csv"\n'
    config = parse(text.encode(), FILE, {})
    assert config.gateway.run_dir == FILE.parent / "r"
    assert config.gateway.state_dir == Path("/s")
    assert config.meter[0].replay
    assert config.meter[0].replay.file == FILE.parent / "x.csv"


@pytest.mark.parametrize(
    ("profile", "expected"),
    [("ksem", "ksem"), ("my/meter.toml", f"{FILE.parent}/my/meter.toml"), ("/m.toml", "/m.toml")],
)
def test_a_profile_is_a_name_or_a_path(profile: str, expected: str) -> None:
    text = f'[[meter]]\nid="a"\nsource="modbus"\nmodbus = {{ host = "h", profile = "{profile}" }}\n'
    (meter,) = parse(text.encode(), FILE, {}).meter
    assert meter.modbus
    assert meter.modbus.profile == expected


def test_the_environment_moves_the_folders() -> None:
    config = parse(b"[log]\n", FILE, {"METERGATE_RUN_DIR": "/run/metergate", "METERGATE_STATE_DIR": "kept"})
    assert (config.gateway.run_dir, config.gateway.state_dir) == (Path("/run/metergate"), FILE.parent / "kept")


def test_load_reads_the_file(tmp_path: Path) -> None:
    file = tmp_path / "metergate.toml"
    file.write_text(METER, encoding="utf-8")
    assert load(file, {}).meter[0].id == "house"


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read \(.+\); check path and permissions") as caught:
        load(tmp_path / name, {})
    assert caught.value.exit_code == EXIT_CONFIG


def test_find_prefers_the_named_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "metergate.toml").touch()
    assert find("other.toml", {"METERGATE_CONFIG": "/x"}) == tmp_path / "other.toml"
    assert find(None, {"METERGATE_CONFIG": "/x"}) == Path("/x")
    assert find(None, {}) == tmp_path / "metergate.toml"


def test_find_says_how_to_get_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if os.path.exists("/etc/metergate/metergate.toml"):  # noqa: PTH110
        pytest.skip("this machine has settings of its own")
    with pytest.raises(ConfigError, match="metergate init"):
        find(None, {})


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: METER.encode() + text.encode("utf-8", "replace")))
def test_whatever_stands_in_the_file_only_a_config_error_comes(data: bytes) -> None:
    try:
        parse(data, FILE, {})
    except ConfigError as error:
        assert str(error).startswith(f"{FILE}:")  # noqa: PT017  # either outcome is right, another error is not


def test_what_was_read_once_is_not_read_again_but_placed_by_each_environment() -> None:
    text = METER.encode()
    here, there = parse(text, FILE, {}), parse(text, FILE, {"METERGATE_RUN_DIR": "/run/there"})
    assert here.slave is there.slave
    assert (here.gateway.run_dir, there.gateway.run_dir) == (FILE.parent / "run", Path("/run/there"))
    assert parse(text + b"stale_after_s = 9\n", FILE, {}).meter != here.meter
    for _ in range(2):
        assert mistakes("") == ["1: the file is empty; an editor may have truncated it. `metergate init` writes one"]


def test_a_role_finds_what_its_supervisor_has_placed() -> None:
    ours = parse(METER.encode(), FILE, {})
    folders = {"METERGATE_RUN_DIR": str(ours.gateway.run_dir), "METERGATE_STATE_DIR": str(ours.gateway.state_dir)}
    assert parse(METER.encode(), FILE, folders) is ours
    assert parse(METER.encode(), FILE, {**folders, "METERGATE_KEYS_DIR": "/keys"}).certificates.keys_dir == Path(
        "/keys"
    )
