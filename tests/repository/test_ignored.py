"""What metergate writes beside its settings in a clone, private keys among it, is nothing to commit."""

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import fields

from shared.config.load import PLACES
from shared.config.model import Config
from tests.support import ROOT


def folders(section: Struct) -> Iterator[str]:
    """Each that the settings name by default, relative to them."""
    for field in fields(section):
        value = getattr(section, field.name)
        if isinstance(value, Struct):
            yield from folders(value)
        elif field.name.endswith("_dir"):
            yield str(value)


def test_settings_folders_and_keys_are_ignored_in_the_tree_and_in_the_demo() -> None:
    lines = set((ROOT / ".gitignore").read_text(encoding="utf-8").splitlines())
    found = set(folders(Config()))
    assert {"run", "state", "keys", "ca"} <= found
    wanted = {f"/{where}{folder}/" for folder in found for where in ("", "demo/")}
    assert wanted | {f"/{PLACES[0]}", "*.key", "*.pem", "*.tape"} <= lines
