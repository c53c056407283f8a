"""Keys of a text change as in a form: what is meant is reached exactly, and every comment stays."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.config.load import parse
from shared.config.patch import patched
from shared.config.template import template
from shared.errors import RefusedError

TEXT = """\
# our house

[slave]            # the plain one
port = 1502        # no privilege needed
#workers = 1

# The first.
[[meter]]
id = "house"
source = "simulated"
simulated.seed = 4   # as last year

# The second.
[[meter]]
id = "barn"
unit = 2
source = "modbus"
# where it is
[meter.modbus]
host = "10.0.0.1"
[[meter.group]]  # the cellar
number = 1

# The log.
[log]
level = "debug"
"""
BARN = TEXT[TEXT.index("# The second.") : TEXT.index("# The log.")]


def meant(text: str) -> dict[str, Any]:
    return tomllib.loads(text)


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"slave.port": 502}, "1502 ", "502 "),
        ({"slave.workers": 2}, "#workers = 1", "workers = 2"),
        ({"slave.port": None}, "port = 1502        # no privilege needed\n", ""),
        ({"slave.port": 502, "log.level": "info"}, None, None),
        ({"slave.port": 1502}, "", ""),
        ({"console.port": None, "meter[1].modbus": None}, "", ""),
        ({"meter[2].unit": 3}, "unit = 2", "unit = 3"),
        ({"meter[2]": None}, BARN, ""),
        ({"meter[2].group[1].label": "x"}, "number = 1\n", 'number = 1\nlabel = "x"\n'),
        ({"meter[2].group[1]": None}, "[[meter.group]]  # the cellar\nnumber = 1\n", ""),
        (
            {"meter[2].group[2].number": 2, "meter[2].group[2].label": "y"},
            "number = 1\n",
            'number = 1\n\n[[meter.group]]\nnumber = 2\nlabel = "y"\n',
        ),
        (
            {"meter[3].id": "shed", "meter[3].source": "simulated", "meter[3].unit": 3},
            "number = 1\n",
            'number = 1\n\n[[meter]]\nid = "shed"\nsource = "simulated"\nunit = 3\n',
        ),
        (
            {"meter[3]": {"id": "shed", "source": "simulated"}},
            "number = 1\n",
            'number = 1\n\n[[meter]]\nid = "shed"\nsource = "simulated"\n',
        ),
        (
            {"meter[1].sensor[1].number": 7},
            "# as last year\n",
            "# as last year\n\n[[meter.sensor]]\nnumber = 7\n",
        ),
    ],
)
def test_the_text_changes_there_and_nowhere_else(changes: dict[str, Any], old: str | None, new: str) -> None:
    text = patched(TEXT, changes)
    if old is None:
        assert meant(text) == {**meant(TEXT), "slave": {"port": 502}, "log": {"level": "info"}}
        assert all(line in text for line in TEXT.splitlines() if line.startswith("#"))
    else:
        assert text == TEXT.replace(old, new)


def test_what_is_not_there_yet_is_made_and_what_is_the_last_one_goes_with_its_list() -> None:
    text = patched(TEXT, {"console.names": ["a.example"], "master.slave[1].address": "plc", "bus.host[1].name": "a"})
    found = meant(text)
    assert found["console"] == {"names": ["a.example"]}
    assert found["master"]["slave"] == [{"address": "plc"}]
    assert found["bus"]["host"] == [{"name": "a"}]
    gone = patched(text, {"master.slave[1]": None})
    assert "slave" not in meant(gone).get("master", {})


def test_lists_of_lists_and_inline_tables() -> None:
    text = patched("slave = {port = 1}\nmeter = [{id = 'a'}]\n", {"slave.port": 2, "meter[2].id": "b"})
    assert meant(text) == {"slave": {"port": 2}, "meter": [{"id": "a"}, {"id": "b"}]}
    text = patched(text, {"certificates.role[1].read": [[0, 100], [200, 300]], "meter[1]": None})
    assert meant(text)["certificates"]["role"] == [{"read": [[0, 100], [200, 300]]}]
    assert meant(text)["meter"] == [{"id": "b"}]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("meter.unit", 1, "there are 2 of meter; say which"),
        ("meter[4].unit", 1, "there is no meter[4]; the text has 2"),
        ("meter[3]", None, "there is no meter[3]; the text has 2"),
        ("sensor[1]", None, "there is no sensor[1]"),
        ("meter[1]", {"id": "x"}, "a number stands behind a list of tables only"),
        ("slave.port.x", 1, "port is no table"),
        ("slave[1].port", 1, "slave is no list of tables; leave out [1]"),
        ("slave port", 1, "'slave port' is no key"),
        ("slave.port", [None], "cannot be made by program"),
    ],
)
def test_a_key_that_leads_nowhere_is_refused(key: str, value: object, words: str) -> None:
    with pytest.raises(RefusedError) as caught:
        patched(TEXT, {key: value})
    assert words in str(caught.value)


def test_what_is_no_toml_is_an_error_of_its_own() -> None:
    with pytest.raises(ValueError, match="at the end of a table"):
        patched("[slave", {"slave.port": 1})


@pytest.mark.parametrize("source", ["simulated", "modbus"])
def test_in_the_file_of_init_a_key_takes_the_place_of_its_default(source: str) -> None:
    text = template(source)
    after = patched(text, {"slave.port": 1502, "console.port": 8081, "master.enabled": True})
    assert "\nport = 1502\n" in after
    assert len(after.splitlines()) == len(text.splitlines())
    config = parse(after.encode(), Path("/x/metergate.toml"), {})
    assert (config.slave.port, config.console.port, config.master.enabled) == (1502, 8081, True)
    more = patched(
        after, {"meter[2].id": "b", "meter[2].source": "simulated", "meter[2].unit": 2, "master.slave[1].address": "p"}
    )
    assert [meter.id for meter in parse(more.encode(), Path("/x/metergate.toml"), {}).meter] == ["house", "b"]
    assert meant(patched(more, {"meter[2]": None, "master.slave[1]": None})) == meant(after)


@pytest.mark.parametrize(
    ("changes", "old", "new"),
    [
        ({"slave.port": 1502}, "\nhost = 'a'\n", "\nhost = 'a'\nport = 1502\n"),
        ({"meter[3].cycle_ms": 500}, "\nid = 'm3'\n", "\nid = 'm3'\ncycle_ms = 500\n"),
        ({"meter[3].modbus.port": 503}, "\nhost = 'h3'\n", "\nhost = 'h3'\nport = 503\n"),
        ({"meter[200]": None}, "\n[[meter]]\nid = 'm200'\n[meter.modbus]\nhost = 'h200'\n", "\n"),
    ],
)
def test_in_a_file_of_hundreds_of_tables_no_more_texts_are_read_than_in_a_small_one(
    changes: dict[str, Any], old: str, new: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    meters = "".join(f"[[meter]]\nid = 'm{n}'\n[meter.modbus]\nhost = 'h{n}'\n" for n in range(1, 300))
    text = f"[slave]\nhost = 'a'\n{meters}"
    reads: list[str] = []
    loads = tomllib.loads

    def counted(read: str) -> dict[str, Any]:
        reads.append(read)
        return loads(read)

    monkeypatch.setattr("shared.config.patch.tomllib.loads", counted)
    assert patched(text, changes) == text.replace(old, new)
    assert len(reads) < 8


VALUES = st.one_of(
    st.booleans(), st.integers(-(2**40), 2**40), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3)
)
KEYS = st.sampled_from(
    [
        "slave.port", "slave.host", "log.level", "meter[1].unit", "meter[2].modbus.host", "meter[2].group[1].label",
        "meter[3].id", "meter[2].group[2].number", "master.groups.energy_total", "master.slave[1].address", "gateway.x",
    ]
)  # fmt: skip


@given(st.lists(st.tuples(KEYS, st.one_of(st.none(), VALUES)), max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_whatever_is_set_is_what_it_means_then_and_comments_stay(changes: list[tuple[str, Any]], end: str) -> None:
    text = TEXT.replace("\n", end)
    for key, value in changes:
        if value is None and key.startswith(("meter[3]", "meter[2].group[2]", "master.slave[1]")):
            continue  # of a table that may not be there
        text = patched(text, {key: value})
        assert patched(text, {key: value}) == text
        assert all(each in text for each in ("# our house", "# the plain one", "# The first.", "# The log."))
