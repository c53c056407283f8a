"""Which settings are in force. A file that is wrong changes nothing: the last good one stays, the error is kept.

Roles read their settings when they start, which may be while somebody edits the file. They are therefore given a copy
of what is in force (METERGATE_SETTINGS); the real path goes along, for messages and relative paths. Sections that wait
for a new start of metergate stay in it as they were: a role that starts again still finds the others.
"""

import os
from pathlib import Path
from typing import Final, NamedTuple

from msgspec.structs import replace

from shared.config.advice import of_meters
from shared.config.faults import located
from shared.config.load import parse, read
from shared.config.model import Config
from shared.config.toml import text_of
from shared.errors import ConfigError, Fault, RefusedError

FIXED: Final = ("gateway", "bus", "supervisor", "log")
"""Sections that this process uses itself, or that concern everybody at once; read at its start only."""


class Draft(NamedTuple):
    """Settings that are right in themselves, and not in force yet: what stands in the file, in both forms."""

    content: bytes
    config: Config


class Settings:
    """The settings file and what was made of it.

    Args:
        path: of the file.

    Attributes:
        path: of the file.
        config: in force: the file as it was last right, but `FIXED` as in `started`.
        started: those with which this process began.
        error: what is wrong with the file now; empty while it is right.
        pending: which of its changes need a new start of metergate.

    Raises:
        ConfigError: the file is wrong at the start.
    """

    __slots__ = ("_content", "_copy", "config", "error", "path", "pending", "started")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = read(path)
        self._copy: Path | None = None
        self.config = self.started = parse(self._content, path)
        self.error = ""
        self.pending = ""

    def read(self) -> Draft | None:
        """What stands in the file now; None where it is wrong, see `error`."""
        try:
            content = read(self.path)
            return Draft(content, parse(content, self.path))
        except ConfigError as error:
            self.error = str(error)
            return None

    def take(self, draft: Draft) -> Config | None:
        """Put them in force; the settings before where they changed, otherwise None.

        Raises:
            RefusedError: the copy for the roles cannot be written; those before stay in force.
        """
        before, after = self.config, until_a_start(self.started, draft.config)
        if self._copy is not None and after != before:
            _write_copy(self._copy, draft.content if after == draft.config else _text(after))
        self.error = ""
        self._content, self.config = draft.content, after
        self.pending = left_for_a_start(self.started, draft.config)
        return before if after != before else None

    def advice(self) -> tuple[Fault, ...]:
        """What is in force about meters, and should be known all the same; of receivers the pusher tells."""
        return located(text_of(self._content, self.path), of_meters(self.config))

    def hand_over(self, copy: Path) -> None:
        """Write what is in force where the roles read it, now at the start and whenever it changes.

        Raises:
            RefusedError: it cannot be written.
        """
        _write_copy(copy, self._content)
        self._copy = copy


def _write_copy(copy: Path, content: bytes) -> None:
    beside = copy.with_suffix(".new")
    try:
        write_secret(beside, content)
        beside.replace(copy)
    except OSError as error:
        raise RefusedError(
            f"{copy}: cannot be written ({error.strerror}); the roles read their settings there, see gateway.run_dir"
        ) from error


def _text(config: Config) -> bytes:
    from shared.config.effective import as_file  # noqa: PLC0415  # seldom needed, and this process is to be small

    return as_file(config).encode()


def until_a_start(started: Config, config: Config) -> Config:
    """What of `config` counts before metergate is started anew: all but `FIXED`, which stays as in `started`."""
    return replace(config, **{name: getattr(started, name) for name in FIXED})


def left_for_a_start(old: Config, new: Config) -> str:
    """Which changes wait for a new start of metergate, in words; empty where none does."""
    changed = [f"[{name}]" for name in FIXED if getattr(new, name) != getattr(old, name)]
    return f"{' '.join(changed)} changed; restart metergate to use it" if changed else ""


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only this user can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
