import errno
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from shared.config import edit as module
from shared.config.edit import rewrite, set_value
from shared.config.load import parse
from shared.errors import ConfigError, MetergateError, RefusedError
from tests.support import ROOT, Processes

TEXT = """\
# our house

[slave]            # the plain one
port = 1502        # no privilege needed
host = "127.0.0.1"

[[meter]]  # the first
id = "house"
source = "simulated"
simulated.seed = 4   # as last year

[[meter]]
id = "barn"
unit = 2
source = "modbus"
[meter.modbus]
host = "10.0.0.1"

# the end
"""
ONE = '[[meter]]\nid = "house"\nsource = "simulated"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "metergate.toml"
    made.write_text(TEXT, encoding="utf-8")
    return made


def nothing_left_beside(file: Path) -> bool:
    return [each.name for each in file.parent.iterdir()] == [file.name]


def read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


def test_only_the_value_changes_and_comments_stay(file: Path) -> None:
    set_value(file, "slave.port", "502")
    assert file.read_text(encoding="utf-8") == TEXT.replace("1502 ", "502 ")
    assert nothing_left_beside(file)


@pytest.mark.parametrize(
    ("key", "text", "place", "value"),
    [
        ("slave.workers", "3", ("slave", "workers"), 3),
        ("slave.host", "0.0.0.0", ("slave", "host"), "0.0.0.0"),
        ("slave.host", '"::"', ("slave", "host"), "::"),
        ("slave.enabled", "false", ("slave", "enabled"), False),
        ("log.level", "debug", ("log", "level"), "debug"),
        ("meter[1].simulated.seed", "5", ("meter", 0, "simulated", "seed"), 5),
        ("meter[1].simulated.speed", "2.5", ("meter", 0, "simulated", "speed"), 2.5),
        ("meter[2].modbus.port", "0x10", ("meter", 1, "modbus", "port"), 16),
        ("meter[2].identity.model", "A # B", ("meter", 1, "identity", "model"), "A # B"),
        ("meter[2].cycle_ms", "1_000", ("meter", 1, "cycle_ms"), 1000),
        ("gateway.run_dir", "/run/metergate", ("gateway", "run_dir"), "/run/metergate"),
    ],
)
def test_a_key_is_set_wherever_it_belongs_and_nothing_else_changes(
    file: Path, key: str, text: str, place: tuple[str | int, ...], value: object
) -> None:
    expected: Any = read(file)
    inner = expected
    for part in place[:-1]:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[part]
    inner[place[-1]] = value
    set_value(file, key, text)
    assert read(file) == expected
    for comment in ("# our house", "# the plain one", "# no privilege needed", "# the first", "# as last year"):
        assert comment in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("written", ["slave.port = 1\n", "slave = {port = 1}\n", "[slave]\nport = 1\n", "# empty\n"])
def test_every_way_to_write_a_table_can_be_changed(file: Path, written: str) -> None:
    file.write_text(written + ONE, encoding="utf-8")
    set_value(file, "slave.port", "2")
    set_value(file, "slave.workers", "2")
    set_value(file, "meter.unit", "9")
    assert read(file)["slave"] == {"port": 2, "workers": 2}
    assert read(file)["meter"][0]["unit"] == 9


WRITTEN = """\
[slave]
# port: where it listens
#port = 502
# workers: processes
#workers = 1

# Whether there is a wallbox.
[wallbox]
present = true
# A real meter:
#[meter.modbus]
#port = 502
"""


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("key", "value", "old", "new"),
    [
        ("slave.port", "1502", "#port = 502\n# workers", "port = 1502\n# workers"),
        ("slave.host", "::", "[slave]\n", '[slave]\nhost = "::"\n'),
        ("wallbox.present", "false", "true", "false"),
    ],
)
def test_a_new_key_stands_where_a_person_would_write_it(
    file: Path, key: str, value: str, old: str, new: str, end: str
) -> None:
    file.write_bytes(WRITTEN.replace("\n", end).encode())
    set_value(file, key, value)
    assert file.read_bytes() == WRITTEN.replace(old, new).replace("\n", end).encode()


def test_a_new_key_stands_above_what_introduces_the_next_table(file: Path) -> None:
    text = '[slave]\nport = 1\n\n# The box.\n[wallbox]\n\n# Ours.\n[[meter]]\nid = "a"\nsource = "simulated"'
    file.write_text(text, encoding="utf-8")
    set_value(file, "slave.workers", "2")
    assert file.read_text(encoding="utf-8") == text.replace("port = 1\n", "port = 1\nworkers = 2\n")
    set_value(file, "meter.unit", "3")
    assert read(file)["meter"][0]["unit"] == 3


def test_line_ends_stay(file: Path) -> None:
    file.write_bytes(TEXT.replace("\n", "\r\n").encode())
    set_value(file, "slave.port", "502")
    assert file.read_bytes() == TEXT.replace("1502 ", "502 ").replace("\n", "\r\n").encode()


def test_the_same_value_again_leaves_the_file_alone(file: Path) -> None:
    before = file.stat()
    set_value(file, "slave.port", "1502")
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("key", "text", "error", "words"),
    [
        ("slave.port", "0", ConfigError, ":4: slave.port: is 0, but must be a whole number from 1 to 65535"),
        ("slave.port", "abc", ConfigError, ":4: slave.port: is 'abc', but must be a whole number"),
        ("slave.port", "1\nworkers = 2", ConfigError, r"slave.port: is '1\nworkers = 2', which holds a character"),
        ("slave.prot", "1", ConfigError, "slave.prot: is no setting; did you mean 'port'?"),
        ("slaev.port", "1", ConfigError, "slaev: is no setting; did you mean 'slave'?"),
        ("meter[2].unit", "1", ConfigError, "meter[2].unit: is 1 like that of meter 1"),
        ("slave", "1", ConfigError, "slave: is 1, but must be a table"),
        ("meter.unit", "1", RefusedError, "there are 2 of meter; say which, as in meter[1]"),
        ("meter[3].unit", "1", ConfigError, "meter[3].id: is missing"),
        ("meter[4].unit", "1", RefusedError, "there is no meter[4]; the text has 2"),
        ("log[1].level", "info", ConfigError, "log: is a list, but must be a table"),
        ("slave[1].port", "1", RefusedError, "slave is no list of tables; leave out [1]"),
        ("slave.port.x", "1", RefusedError, "slave.port.x: port is no table"),
        ("meter[1]", "1", RefusedError, "a number stands behind a list of tables only"),
        ("", "1", RefusedError, "'' is no key; keys look like slave.port"),
        ("slave..port", "1", RefusedError, "'slave..port' is no key"),
        ("meter[0].unit", "1", RefusedError, "'meter[0].unit' is no key"),
        ("slave port", "1", RefusedError, "'slave port' is no key"),
        ("a" + ".a" * 5_000, "1", RefusedError, "is no key: it has 5001 parts"),
        ("log.level", "{a" + ".a" * 5_000 + " = 1}", ConfigError, "log.level: is '{a.a.a"),
    ],
)
def test_a_wrong_change_is_refused_and_the_file_stays(
    file: Path, key: str, text: str, error: type[MetergateError], words: str
) -> None:
    with pytest.raises(MetergateError) as caught:
        set_value(file, key, text)
    assert isinstance(caught.value, error)
    assert words in str(caught.value)
    assert file.read_text(encoding="utf-8") == TEXT
    assert nothing_left_beside(file)


def test_an_exception_in_the_change_leaves_the_file(file: Path) -> None:
    def change(_: str) -> str:
        raise KeyError("x")

    with pytest.raises(KeyError):
        rewrite(file, change)
    assert file.read_text(encoding="utf-8") == TEXT


def test_a_wrong_file_can_be_put_right(file: Path) -> None:
    file.write_text(TEXT.replace("1502", "0"), encoding="utf-8")
    set_value(file, "slave.port", "1502")
    assert file.read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[slave\n", ":1: is not valid TOML"),
        (b"\xff", "is not UTF-8"),
        (b"x = " + b"[" * 9999, "nested too deeply"),
        (b"a" + b".a" * 5000 + b" = 1", ":1: is not usable: a key has too many parts"),
    ],
)
def test_a_file_that_is_no_toml_is_told(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        set_value(file, "slave.port", "1")
    assert words in str(caught.value)
    assert file.read_bytes() == content


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="`metergate init` writes one"):
        set_value(tmp_path / "none.toml", "slave.port", "1")


def test_mode_and_owner_stay(file: Path) -> None:
    file.chmod(0o640)
    before = file.stat()
    set_value(file, "slave.port", "502")
    after = file.stat()
    assert stat.S_IMODE(after.st_mode) == 0o640
    assert (after.st_uid, after.st_gid) == (before.st_uid, before.st_gid)


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give a file away")
def test_the_owner_stays_when_root_edits(file: Path) -> None:
    os.chown(file, 1234, 2345)
    set_value(file, "slave.port", "502")
    assert (file.stat().st_uid, file.stat().st_gid) == (1234, 2345)


def test_a_symbolic_link_stays_one(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    link = folder / "metergate.toml"
    link.symlink_to(file)
    set_value(link, "slave.port", "502")
    assert link.is_symlink()
    assert read(file)["slave"]["port"] == 502
    assert list(folder.iterdir()) == [link]


def test_a_read_only_file_stays(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.chmod(0o444)
    if os.getuid() == 0:  # root may write all: ask as the kernel would answer anybody else
        monkeypatch.setattr(os, "access", lambda path, mode: bool(Path(path).stat().st_mode & 0o222) or not mode)
    with pytest.raises(RefusedError, match=r"cannot be changed \(it is read-only\); file and folder must be writable"):
        set_value(file, "slave.port", "502")
    assert file.read_text(encoding="utf-8") == TEXT
    assert nothing_left_beside(file)


@pytest.mark.parametrize(
    ("number", "words"),
    [("EBUSY", "mount its folder instead"), ("EROFS", "must be writable"), ("EPERM", "another user")],
)
def test_what_the_system_denies_is_explained(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: str, words: str
) -> None:
    def deny(*_: object) -> None:
        raise OSError(getattr(errno, number), "denied")

    monkeypatch.setattr(Path, "rename", deny)
    with pytest.raises(RefusedError, match=rf"cannot be changed \(denied\); .*{words}.* Nothing was written"):
        set_value(file, "slave.port", "502")
    assert file.read_text(encoding="utf-8") == TEXT
    assert nothing_left_beside(file)


def test_a_change_by_an_editor_meanwhile_is_not_lost(file: Path) -> None:
    def change(text: str) -> str:
        file.write_text(ONE, encoding="utf-8")
        return text.replace("1502", "502")

    with pytest.raises(RefusedError, match="changed meanwhile; nothing was written"):
        rewrite(file, change)
    assert file.read_text(encoding="utf-8") == ONE
    assert nothing_left_beside(file)


def test_who_finds_it_locked_for_long_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_PATIENCE_S", 0.05)

    def change(text: str) -> str:
        set_value(file, "slave.port", "502")
        return text

    with pytest.raises(RefusedError, match="somebody else is changing it"):
        rewrite(file, change)


COUNTER = """
import sys, tomllib
from pathlib import Path
from shared.config.edit import rewrite
from shared.config.patch import patched

def change(text):
    return patched(text, {"slave.port": tomllib.loads(text)["slave"]["port"] + 1})

for _ in range(10):
    rewrite(Path(sys.argv[1]), change)
"""


@pytest.mark.system
def test_no_change_of_concurrent_writers_is_lost(file: Path, processes: Processes) -> None:
    writers = [processes.python("-c", COUNTER, file) for _ in range(3)]
    versions = set()
    while any(writer.returncode is None for writer in writers):
        versions.add(parse(file.read_bytes(), file, {}).slave.port)  # whole and valid at every moment
    assert [writer.wait() for writer in writers] == [0] * 3
    assert read(file)["slave"]["port"] == 1502 + 30
    assert len(versions) > 5
    assert nothing_left_beside(file)


def test_tomlkit_is_loaded_by_nobody_who_does_not_edit() -> None:
    code = "import sys, shared.config.edit, shared.config.load; sys.exit('tomlkit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
