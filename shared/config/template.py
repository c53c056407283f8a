"""The settings file that `metergate init` writes: every key of the model, with its words, its range and its default.

It is made from the model, so that a new key appears by itself. A comment `# ...` is for people; a line `#key = value`
or `#[table]` takes effect once its `#` is removed.
"""

import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import NODEFAULT, UNSET

from shared.config.bus import Bus, BusHost
from shared.config.check import describe, section_of
from shared.config.master import Target
from shared.config.model import Config, Group, Identity, Meter, Modbus, Replay, RoleRow, Sensor, Simulated
from shared.config.section import Section

SOURCES: Final = ("simulated", "modbus", "replay")
WIDTH: Final = 110

EXAMPLES: Final[Mapping[tuple[type[Section], str], Any]] = {
    (BusHost, "name"): "house",
    (BusHost, "address"): "192.0.2.10",
    (BusHost, "public_key"): "0" * 40,
    (Bus, "this"): "house",
    (Bus, "secret_key_file"): "bus.key",
    (Meter, "id"): "house",
    (Meter, "source"): "simulated",
    (Meter, "stale_after_s"): 5.0,
    (Simulated, "start"): "06:30",
    (Modbus, "host"): "192.0.2.20",
    (Replay, "file"): "recording.csv",
    (Replay, "meter"): "house",
    (Identity, "manufacturer"): "metergate",
    (Identity, "model"): "Smart meter",
    (Identity, "version"): "1.0",
    (Identity, "serial_number"): "12345678",
    (RoleRow, "name"): "Operator",
    (Group, "number"): 1,
    (Sensor, "number"): 1,
    (Target, "address"): "192.0.2.30",
    (Target, "port"): 502,
    (Target, "meter"): "house",
    (Target, "groups"): ("instantaneous_total", "energy_total"),
    (Target, "token_file"): "token",
    (Target, "hmac_file"): "hmac.key",
}
"""For keys without a default; those that must be there stand as they are in the file."""

_HEAD: Final = """\
# Settings of metergate.
#
# Each key stands here with its default: remove the # in front of it to set it. `metergate config check` says what is
# wrong, `metergate config show` what is in force. metergate looks at this file while it runs: a valid change restarts
# exactly the parts that it concerns, an invalid one changes nothing. Paths are relative to this file's folder.
"""
_HINTS: Final = {
    "simulated": "An invented household, to try everything without a meter. Nothing real may be controlled by it.",
    "modbus": "A real meter: set host below to its address, and profile to what it is.",
    "replay": "Values from a file instead of a meter: set file below.",
}


def template(source: str = "simulated") -> str:
    """The text of a settings file for one meter with that source."""
    lines = [_HEAD, f"# {_HINTS[source]}"]
    for field in msgspec.structs.fields(Config):
        lines.extend(_table(field.name, field, source))
    return "\n".join(lines) + "\n"


def _table(path: str, field: msgspec.structs.FieldInfo, source: str) -> Iterator[str]:
    cls, many = section_of(field.type)
    if cls is None:
        raise TypeError(f"{path} is no table")
    name = path.rpartition(".")[2]
    optional = many or field.default is UNSET
    off = "#" if optional and path != "meter" and name != source else ""
    yield ""
    yield from _comment(summary(cls))
    yield f"{off}[[{path}]]" if many else f"{off}[{path}]"
    fields = msgspec.structs.fields(cls)
    words = words_of(cls)
    for key in fields:
        if section_of(key.type)[0] is None:
            yield from _key(cls, key, words.get(key.name, ""), source, off=bool(off))
    for key in fields:
        if section_of(key.type)[0] is not None:
            yield from _table(f"{path}.{key.name}", key, source)


def _key(cls: type[Section], key: msgspec.structs.FieldInfo, words: str, source: str, *, off: bool) -> Iterator[str]:
    required = key.default is NODEFAULT and key.default_factory is NODEFAULT
    value = source if (cls, key.name) == (Meter, "source") else _example(cls, key, required=required)
    kind = describe(key.type)
    said = bool(words) and kind.startswith(("a path", "a text", "true or false"))
    remarks = [] if said else [kind]
    if required:
        remarks.append("needed")
    elif key.default is UNSET:
        remarks.append("no default, this is an example")
    rest = f" ({'; '.join(remarks)})" if remarks else ""
    yield from _comment(f"{key.name}: {words.rstrip('.')}{rest}" if words else f"{key.name}: {'; '.join(remarks)}")
    yield f"{'' if required and not off else '#'}{key.name} = {toml(value)}"


def _example(cls: type[Section], key: msgspec.structs.FieldInfo, *, required: bool) -> Any:
    if not required and key.default is not UNSET:
        return key.default if key.default is not NODEFAULT else key.default_factory()
    if (cls, key.name) not in EXAMPLES:
        raise KeyError(f"{cls.__name__}.{key.name} has no default: give it an example in {__name__}.EXAMPLES")
    return EXAMPLES[cls, key.name]


def toml(value: Any) -> str:
    """A value as the file holds it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False)
        case tuple():
            return f"[{', '.join(map(toml, value))}]"
    raise TypeError(f"{value!r} cannot be written")


def _comment(text: str) -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_on_hyphens=False)


def summary(cls: type[Section]) -> str:
    """What a section is for, as its docstring says."""
    text = " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())
    text = text.partition("`: ")[2] or text
    return text[:1].upper() + text[1:]


def words_of(cls: type[Section]) -> dict[str, str]:
    """What a section's docstring says of each key: `name: text` or `one, another: text` below "Attributes:"."""
    words: dict[str, str] = {}
    names: list[str] = []
    for line in (inspect.getdoc(cls) or "").partition("Attributes:\n")[2].splitlines():
        found = re.fullmatch(r" {4}([a-z_0-9]+(?:, [a-z_0-9]+)*): (.*)", line)
        if found:
            names = found[1].split(", ")
            words |= dict.fromkeys(names, found[2])
        elif line.startswith(" " * 8):
            words |= {name: f"{words[name]} {line.strip()}" for name in names}
    return words
