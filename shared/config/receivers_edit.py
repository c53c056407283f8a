"""Adding, changing and deleting a `[[master.slave]]`: which one is meant, and how many there may be."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from shared.config.edit import rewrite
from shared.config.master import MAX_RECEIVERS
from shared.config.patch import patched
from shared.errors import RefusedError

Verify = Callable[[bytes], None]
"""See `edit.rewrite`."""


def add_receiver(path: Path, entry: Mapping[str, Any], verify: Verify = lambda _: None) -> None:
    """Append a receiver to the settings file; see `added`.

    Raises:
        ConfigError: the file, or the entry, is wrong; nothing was written.
        RefusedError: as `added`, or the file cannot be written; nothing was written.
    """
    rewrite(path, lambda text: added(text, entry), verify)


def delete_receiver(path: Path, number: int, address: str, verify: Verify = lambda _: None) -> None:
    """Delete a receiver from the settings file; see `deleted`.

    Raises:
        ConfigError, RefusedError: as `add_receiver`.
    """
    rewrite(path, lambda text: deleted(text, number, address), verify)


def added(text: str, entry: Mapping[str, Any]) -> str:
    """With one more receiver.

    Args:
        text: of the settings, valid TOML.
        entry: keys and values of its table, see `master.Target`; what is left out has its default.

    Raises:
        RefusedError: there are ten already, or as `patch.patched`.
    """
    known = _known(text)
    if len(known) >= MAX_RECEIVERS:
        raise RefusedError(
            f"there are {len(known)} receivers already, and {MAX_RECEIVERS} at most are pushed to; "
            "delete one with `metergate slaves delete`"
        )
    return patched(text, {f"master.slave[{len(known) + 1}]": dict(entry)})


def changed(text: str, number: int, address: str, values: Mapping[str, Any]) -> str:
    """With other keys of a receiver.

    Args:
        text: of the settings, valid TOML.
        number: its place, from 1.
        address: what its key `address` has to be: whoever asks means this one.
        values: new values; None takes a key out, so that its default counts.

    Raises:
        RefusedError: that place holds another one, or as `patch.patched`.
    """
    _same(text, number, address)
    return patched(text, {f"master.slave[{number}].{key}": value for key, value in values.items()})


def deleted(text: str, number: int, address: str) -> str:
    """Without a receiver, and the comment that stands right above it; arguments and errors as of `changed`."""
    _same(text, number, address)
    return patched(text, {f"master.slave[{number}]": None})


def _known(text: str) -> list[dict[str, Any]]:
    """The receivers; none where the settings hold something else in their place."""
    master = tomllib.loads(text).get("master")
    known = master.get("slave") if isinstance(master, dict) else None
    return [entry for entry in known if isinstance(entry, dict)] if isinstance(known, list) else []


def _same(text: str, number: int, address: str) -> None:
    known = _known(text)
    if not 1 <= number <= len(known) or known[number - 1].get("address") != address:
        raise RefusedError(f"slave {number} is no longer {address!r}: the settings were changed meanwhile; look again")
