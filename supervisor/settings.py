"""Which settings are in force. A file that is wrong changes nothing: the last good one stays, the error is kept.

Roles read their settings when they start, which may be while somebody edits the file. They are therefore given a copy
of the content in force (METERGATE_SETTINGS); the real path goes along, for messages and relative paths.
"""

import os
import stat
from pathlib import Path
from typing import Final, NamedTuple

from shared.config.load import parse
from shared.config.model import Config
from shared.errors import ConfigError

FIXED: Final = ("gateway", "bus", "supervisor", "log")
"""Sections that this process uses itself, or that concern everybody at once; read at its start only."""


class Draft(NamedTuple):
    """Settings that are right in themselves, and not in force yet."""

    content: bytes
    config: Config


LARGEST_BYTES: Final = 1024 * 1024
"""A thousand meters take less."""


class Settings:
    """The settings file and what was made of it.

    Args:
        path: of the file.

    Attributes:
        path: of the file.
        config: in force.
        started: those with which this process began.
        error: what is wrong with the file now; empty while it is right.
        pending: which of its changes need a new start of metergate.

    Raises:
        ConfigError: the file is wrong at the start.
    """

    __slots__ = ("_content", "config", "error", "path", "pending", "started")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = _read(path)
        self.config = self.started = parse(self._content, path)
        self.error = ""
        self.pending = ""

    def read(self) -> Draft | None:
        """What stands in the file now; None where it is wrong, see `error`."""
        try:
            content = _read(self.path)
            return Draft(content, parse(content, self.path))
        except ConfigError as error:
            self.error = str(error)
            return None

    def take(self, draft: Draft) -> Config | None:
        """Put them in force; the settings before where they changed, otherwise None."""
        self.error = ""
        before = self.config
        self._content, self.config = draft
        self.pending = left_for_a_start(self.started, self.config)
        return before if self.config != before else None

    def hand_over(self, copy: Path) -> None:
        """Write the content in force where the roles read it."""
        beside = copy.with_suffix(".new")
        write_secret(beside, self._content)
        beside.replace(copy)


def left_for_a_start(old: Config, new: Config) -> str:
    """Which changes wait for a new start of metergate, in words; empty where none does."""
    changed = [f"[{name}]" for name in FIXED if getattr(new, name) != getattr(old, name)]
    return f"{' '.join(changed)} changed; restart metergate to use it" if changed else ""


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only this user can read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _read(path: Path) -> bytes:
    """The content; only that of a file, since a pipe or device in its place would be waited for, or never end."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:  # `Path.open` takes no opener
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{path}: is a pipe or a device; put a file there")
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from error
    if len(content) > LARGEST_BYTES:
        raise ConfigError(f"{path}: has more than {LARGEST_BYTES} bytes; settings are far smaller, check what it is")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)
