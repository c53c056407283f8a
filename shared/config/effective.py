"""The settings in force, key by key: those of the file, and the defaults of all others."""

import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import NODEFAULT, UNSET, Struct
from msgspec.structs import FieldInfo, fields

from shared.config.check import section_of
from shared.config.lines import Key, line_of, places
from shared.config.load import parse
from shared.config.model import Config
from shared.config.section import Section
from shared.config.template import toml
from shared.config.toml import read_toml

VARIABLES: Final[Mapping[Key, str]] = {
    ("gateway", "run_dir"): "METERGATE_RUN_DIR",
    ("gateway", "state_dir"): "METERGATE_STATE_DIR",
    ("certificates", "keys_dir"): "METERGATE_KEYS_DIR",
}


class Setting(Struct, frozen=True):
    """One key.

    Attributes:
        key: path in the file.
        value: in force; UNSET where there is none.
        line: of the file where it is set; 0 for a default.
        variable: of the environment that overrides it; empty where none does.
    """

    key: Key
    value: Any
    line: int = 0
    variable: str = ""

    @property
    def origin(self) -> str:
        """Where the value comes from, in words."""
        if self.variable:
            return self.variable
        return f"line {self.line}" if self.line else "default" if self.value is not UNSET else "not set"


def effective(data: bytes, path: Path, environ: Mapping[str, str] = os.environ) -> tuple[Setting, ...]:
    """Every setting of a file's content, in the model's order.

    Raises:
        ConfigError: the content is wrong.
    """
    config = parse(data, path, environ)
    text = data.decode()
    raw = tomllib.loads(text)
    found = places(text)

    def one(key: Key, value: Any) -> Setting:
        variable = VARIABLES.get(key)
        line = line_of(found, key) if _stands_in(raw, key) else 0
        return Setting(key, value, line, variable if variable and environ.get(variable) else "")

    return tuple(one(key, value) for key, value in _leaves(config, ()))


def written(data: bytes, path: Path) -> tuple[Setting, ...]:
    """Every setting as a file's content has it, right or wrong, and the defaults of all others; in the model's order.

    Raises:
        ConfigError: the content is no TOML.
    """
    text = data.decode()
    return tuple(_written(Config, read_toml(text, path), (), places(text)))


def as_file(config: Config) -> str:
    """The text of a file that means just this, with every key; paths are absolute in it."""
    return "\n".join(as_toml((Setting(key, value) for key, value in _leaves(config, ())), origins=False))


def as_toml(settings: Iterable[Setting], *, origins: bool = True) -> Iterator[str]:
    """Lines of a file that would mean the same, with the origin of each setting behind it."""
    table: Key | None = None
    for setting in settings:
        if setting.key[:-1] != table:
            table = setting.key[:-1]
            name = ".".join(part for part in table if isinstance(part, str))
            yield f"[[{name}]]" if isinstance(table[-1], int) else f"[{name}]"
        name = str(setting.key[-1])
        text = f"#{name} =" if setting.value is UNSET else f"{name} = {toml(setting.value)}"
        yield f"{text}  # {setting.origin}" if origins else text


def _written(cls: type[Section], raw: Any, key: Key, found: dict[Key, int]) -> Iterator[Setting]:
    inner: list[tuple[Key, type[Section], Any]] = []
    for field in fields(cls):
        path = (*key, field.name)
        value = raw.get(field.name, UNSET) if isinstance(raw, dict) else UNSET
        section, many = section_of(field.type)
        if section is None:
            given = value is not UNSET
            yield Setting(path, value if given else _default(field), line_of(found, path) if given else 0)
        elif many:
            items = value if isinstance(value, list) else ()
            inner.extend(((*path, index), section, item) for index, item in enumerate(items))
        elif value is not UNSET or field.default is not UNSET:
            inner.append((path, section, value))
    for path, section, value in inner:
        yield from _written(section, value, path, found)


def _default(field: FieldInfo) -> Any:
    if field.default is not NODEFAULT:
        return field.default
    return UNSET if field.default_factory is NODEFAULT else field.default_factory()


def _leaves(section: Section, key: Key) -> Iterator[tuple[Key, Any]]:
    """Keys of a table, then those of its tables."""
    inner: list[tuple[Key, Section]] = []
    for field in fields(section):
        value, path = getattr(section, field.name), (*key, field.name)
        if section_of(field.type)[0] is None:
            yield path, value
        elif isinstance(value, Section):
            inner.append((path, value))
        elif isinstance(value, tuple):
            inner.extend(((*path, index), item) for index, item in enumerate(value))
    for path, table in inner:
        yield from _leaves(table, path)


def _stands_in(raw: Any, key: Key) -> bool:
    for part in key:
        if isinstance(part, int) or part in raw:
            raw = raw[part]
        else:
            return False
    return True
