import tomllib
from typing import Any

import tomlkit
from hypothesis import example, given, settings
from hypothesis import strategies as st

from shared.config.lines import Key, line_of, places

TEXT = """\
# meters
[gateway]
run_dir = "run"

[[meter]]  # the first
id = "a]#['\\""
note = \"\"\"
id = "not a key"
[[meter]]
\\\"\"\" still inside \"\"\"\"
modbus.host = "h"   # id = 3
modbus . "port" = 502

  [[meter.group]]
  number = 1
  [[meter.group]]
  number = 2

[[meter]]
id = 'b'
list = [
  1, # ]
  [2, 3],
  {x = 1, "y.z" = [
     4]},
]
[meter.'odd name']
"with.dot" = 1979-05-27 07:32:00
"caf\\u00e9" = '''
['''
[plain]
end = 1
"""


def test_every_kind_of_place() -> None:
    tomllib.loads(TEXT)
    found = places(TEXT)
    assert {key: found[key] for key in found if key} == {
        ("gateway",): 2,
        ("gateway", "run_dir"): 3,
        ("meter",): 5,
        ("meter", 0): 5,
        ("meter", 0, "id"): 6,
        ("meter", 0, "note"): 7,
        ("meter", 0, "modbus"): 11,
        ("meter", 0, "modbus", "host"): 11,
        ("meter", 0, "modbus", "port"): 12,
        ("meter", 0, "group"): 14,
        ("meter", 0, "group", 0): 14,
        ("meter", 0, "group", 0, "number"): 15,
        ("meter", 0, "group", 1): 16,
        ("meter", 0, "group", 1, "number"): 17,
        ("meter", 1): 19,
        ("meter", 1, "id"): 20,
        ("meter", 1, "list"): 21,
        ("meter", 1, "list", 0): 22,
        ("meter", 1, "list", 1): 23,
        ("meter", 1, "list", 1, 0): 23,
        ("meter", 1, "list", 1, 1): 23,
        ("meter", 1, "list", 2): 24,
        ("meter", 1, "list", 2, "x"): 24,
        ("meter", 1, "list", 2, "y.z"): 24,
        ("meter", 1, "list", 2, "y.z", 0): 25,
        ("meter", 1, "odd name"): 27,
        ("meter", 1, "odd name", "with.dot"): 28,
        ("meter", 1, "odd name", "café"): 29,
        ("plain",): 31,
        ("plain", "end"): 32,
    }


def test_lines_end_with_a_line_feed_alone() -> None:
    text = 'a = "\u2028\x85"  # \u2029\r\nb = 1\r\n'
    assert tomllib.loads(text)["b"] == 1
    assert places(text)["b",] == 2


def test_a_key_that_is_not_there_has_the_line_of_the_table_around_it() -> None:
    found = places(TEXT)
    assert line_of(found, ("meter", 1, "modbus", "host")) == 19
    assert line_of(found, ("meter", 1, "list", 1, 1)) == 23
    assert line_of(found, ("nowhere", "at all")) == 1


def _paths(value: Any, key: Key = ()) -> dict[Key, Any]:
    """Every path in what tomllib read, with its value."""
    found = {key: value}
    if isinstance(value, dict):
        for name, item in value.items():
            found |= _paths(item, (*key, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found |= _paths(item, (*key, index))
    return found


names = st.text(alphabet=st.characters(codec="utf-8", min_codepoint=32), max_size=8) | st.sampled_from(
    ["id", "a.b", "[x]", "#", "'", '"', "=", '"""', "\\"]
)
leaves = (
    st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(["]\n[x]\n", '"""', "'''", "a\n\nb = 1\n", "#", "{", "\\"])
    | st.datetimes()
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=8
)


@given(st.dictionaries(names, values, max_size=4), st.booleans())
@settings(max_examples=50)
def test_all_that_tomllib_finds_has_a_place(document: dict[str, Any], multiline: bool) -> None:
    made = tomlkit.document()
    for name, value in document.items():
        made[name] = tomlkit.item(value)
        item = made[name]
        if multiline and isinstance(item, tomlkit.items.Array):
            item.multiline(True)
        if multiline and isinstance(value, str) and "'''" not in value and value.isprintable():
            made[name] = tomlkit.string(value, literal=True, multiline=True)
    text = tomlkit.dumps(made)
    found = places(text)
    lines = text.split("\n")
    assert found.keys() == _paths(tomllib.loads(text)).keys()
    for line in found.values():
        assert 1 <= line <= len(lines)


@given(st.lists(st.tuples(names, leaves | st.lists(leaves, max_size=3)), max_size=6, unique_by=lambda pair: pair[0]))
@settings(max_examples=50)
def test_the_place_is_the_line_that_defines_the_key(pairs: list[tuple[str, Any]]) -> None:
    text = ""
    expected: dict[Key, int] = {}
    for name, value in pairs:
        text += "# comment = [\n\n"
        expected[name,] = text.count("\n") + 1
        text += tomlkit.document().append(tomlkit.key(name), tomlkit.item(value)).as_string()
    found = places(text)
    assert {key: found[key] for key in expected} == expected


@example('"\\a"=')
@given(st.text(alphabet="[]{}=\"'.,#\n\\ a1", max_size=60))
def test_any_text_ends_without_an_error(text: str) -> None:
    assert places(text)[()] == 1
