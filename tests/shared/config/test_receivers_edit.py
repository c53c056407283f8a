"""A receiver comes, changes and goes in settings written in every way; nothing else in them changes."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from shared.config.edit import rewrite
from shared.config.load import load, parse
from shared.config.receivers_edit import add_receiver, changed, delete_receiver
from shared.config.template import template
from shared.errors import ConfigError, RefusedError

METER = '\n[[meter]]\nid = "house"\nsource = "simulated"\n'
NEW = {"address": "plc.local", "port": 1502}
BLOCK = '[[master.slave]]\naddress = "plc.local"\nport = 1502\n'
WAYS = {
    "nothing": "# ours\n",
    "a master": "[master]\nenabled = true\n# not yet\n\n# The slave.\n[slave]\nport = 1502\n",
    "groups": "[master]\n\n[master.groups]\nenergy_total = false\n\n# The slave.\n[slave]\nport = 1502\n",
    "one": '[[master.slave]]\naddress = "a"  # first\n\n# The log.\n[log]\nlevel = "debug"\n',
    "apart": '[[master.slave]]\naddress = "a"\n\n[slave]\nport = 1502\n\n# second\n[[master.slave]]\naddress = "b"\n',
    "split": '[master]\nenabled = true\n[slave]\nport = 1\n\n[[master.slave]]\naddress = "a"\n\n# The log.\n[log]\n',
    "dotted": "master.enabled = true\n\n[slave]\nport = 1502\n",
    "brackets": '[master]\nslave = [{address = "a"}]  # one\n\n[slave]\nport = 1502\n',
    "brackets, empty": "[master]\nslave = []\n",
    "brackets, lines": '[master]\nslave = [\n  {address = "a"},  # one\n]\n',
    "a header in a text": '[master]\nenabled = true\n\n[[master.slave]]\naddress = "a"\nlabel = """\\\n[x]"""\n',
    "template": template(),
}


def file_of(folder: Path, text: str) -> Path:
    made = folder / "metergate.toml"
    made.write_bytes(text.encode())
    return made


def slaves(file: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8")).get("master", {}).get("slave", [])
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("way", WAYS)
def test_it_comes_changes_and_goes(tmp_path: Path, way: str, end: str) -> None:
    text = (WAYS[way] if way == "template" else WAYS[way] + METER).replace("\n", end)
    file = file_of(tmp_path, text)
    known = slaves(file)
    add_receiver(file, NEW)
    assert slaves(file) == [*known, NEW]
    number = len(known) + 1
    values = {"label": "boiler", "port": None, "tls": True, "groups": ["energy_total"]}
    rewrite(file, lambda text: changed(text, number, "plc.local", values))
    boiler = {"address": "plc.local", "label": "boiler", "tls": True, "groups": ["energy_total"]}
    assert slaves(file) == [*known, boiler]
    assert load(file).master.slave[-1].label == "boiler"
    delete_receiver(file, number, "plc.local")
    assert file.read_bytes().decode() == text


def test_it_comes_and_goes_in_braces(tmp_path: Path) -> None:
    file = file_of(tmp_path, "master = {enabled = true}  # on\n" + METER)
    add_receiver(file, NEW)
    assert slaves(file) == [NEW]
    delete_receiver(file, 1, "plc.local")
    assert slaves(file) == []
    assert file.read_text(encoding="utf-8").startswith("master = {enabled = true")
    assert file.read_text(encoding="utf-8").endswith("  # on\n" + METER)


@pytest.mark.parametrize(
    ("way", "above", "below"),
    [
        ("nothing", 'source = "simulated"\n\n', ""),
        ("a master", "# not yet\n\n", "\n# The slave.\n[slave]"),
        ("groups", "energy_total = false\n\n", "\n# The slave.\n[slave]"),
        ("one", "# first\n\n", "\n# The log.\n[log]"),
        ("split", 'address = "a"\n\n', "\n# The log.\n[log]"),
    ],
)
def test_it_stands_where_a_person_would_write_it(tmp_path: Path, way: str, above: str, below: str) -> None:
    file = file_of(tmp_path, WAYS[way] + METER)
    add_receiver(file, NEW)
    assert above + BLOCK + below in file.read_text(encoding="utf-8")


def test_what_is_deleted_takes_its_own_comments_along_and_no_others(tmp_path: Path) -> None:
    own = '# the boiler\n[[master.slave]]\naddress = "b"  # down there\n# as in May\n#port = 1\n\n'
    before = '[[master.slave]]\naddress = "a"\n\n'
    after = '# to do: the car\n\n# The log.\n[log]\nlevel = "debug"\n'
    file = file_of(tmp_path, before + own + after + METER)
    delete_receiver(file, 2, "b")
    assert file.read_text(encoding="utf-8") == before + after + METER


def test_what_was_written_for_the_list_stays_where_the_last_one_goes(tmp_path: Path) -> None:
    file = file_of(tmp_path, '[master]\n# our slaves\n\n[[master.slave]]\naddress = "a"\n' + METER)
    delete_receiver(file, 1, "a")
    assert file.read_text(encoding="utf-8") == "[master]\n# our slaves\n" + METER


def test_the_eleventh_is_refused(tmp_path: Path) -> None:
    file = file_of(tmp_path, METER)
    for number in range(10):
        add_receiver(file, {"address": f"plc{number}"})
    before = file.read_bytes()
    with pytest.raises(RefusedError, match="there are 10 receivers already, and 10 at most are pushed to; delete one"):
        add_receiver(file, NEW)
    assert file.read_bytes() == before


@pytest.mark.parametrize(("number", "address"), [(0, "a"), (3, "a"), (1, "b"), (2, "a")])
def test_another_one_in_that_place_is_left_alone(tmp_path: Path, number: int, address: str) -> None:
    file = file_of(tmp_path, '[[master.slave]]\naddress = "a"\n[[master.slave]]\naddress = "c"\n' + METER)
    before = file.read_bytes()
    with pytest.raises(RefusedError, match=f"slave {number} is no longer '{address}': the settings were changed"):
        delete_receiver(file, number, address)
    with pytest.raises(RefusedError, match="look again"):
        rewrite(file, lambda text: changed(text, number, address, {"label": "x"}))
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"address": "ftp://plc"}, "'ftp' is none of modbus, mbaps, http, https"),
        ({"address": "plc", "speed": 1}, "master.slave.speed"),
        ({"port": 1}, "address"),
        ({"address": "plc", "meter": "barn"}, "the meters here are: house"),
    ],
)
def test_what_is_wrong_changes_nothing(tmp_path: Path, entry: dict[str, Any], said: str) -> None:
    file = file_of(tmp_path, METER)
    with pytest.raises(ConfigError, match=said):
        add_receiver(file, entry)
    assert file.read_text(encoding="utf-8") == METER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("master = 5\n", "master"),
        ("[master]\nslave = 5\n", "master.slave"),
        ("[master\n", "toml:1: is not valid TOML"),
    ],
)
def test_what_cannot_be_edited_is_said_and_left(tmp_path: Path, text: str, said: str) -> None:
    file = file_of(tmp_path, text + METER)
    with pytest.raises((ConfigError, RefusedError), match=said):
        add_receiver(file, NEW)
    assert file.read_text(encoding="utf-8") == text + METER


def test_the_last_word_is_with_who_verifies(tmp_path: Path) -> None:
    file = file_of(tmp_path, METER)
    seen: list[int] = []

    def verify(after: bytes) -> None:
        seen.append(len(parse(after, file).master.slave))
        raise RefusedError("not now")

    with pytest.raises(RefusedError, match="not now"):
        add_receiver(file, NEW, verify)
    assert seen == [1]
    assert file.read_text(encoding="utf-8") == METER
