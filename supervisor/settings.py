"""Which settings are in force. A file that is wrong changes nothing: the last good one stays, the error is kept.

Roles read their settings when they start, which may be while somebody edits the file. They are therefore given a copy
of the content in force (METERGATE_SETTINGS); the real path goes along, for messages and relative paths.
"""

import os
from pathlib import Path
from typing import Final

from shared.config.load import parse
from shared.config.model import Config
from shared.errors import ConfigError

FIXED: Final = ("gateway", "bus", "supervisor", "log")
"""Sections that this process uses itself, or that concern everybody at once; read at its start only."""


class Settings:
    """The settings file and what was made of it.

    Args:
        path: of the file.

    Attributes:
        path: of the file.
        config: in force.
        error: what is wrong with the file now; empty while it is right.
        pending: which of its changes need a new start of metergate.

    Raises:
        ConfigError: the file is wrong at the start.
    """

    __slots__ = ("_content", "_started", "config", "error", "path", "pending")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._content = _read(path)
        self.config = self._started = parse(self._content, path)
        self.error = ""
        self.pending = ""

    def reload(self) -> Config | None:
        """Read the file again; the settings before this one where they changed, otherwise None. See `error`."""
        try:
            content = _read(self.path)
            config = parse(content, self.path)
        except ConfigError as error:
            self.error = str(error)
            return None
        self.error = ""
        before = self.config
        self._content = content
        self.config = config
        changed = [f"[{name}]" for name in FIXED if getattr(config, name) != getattr(self._started, name)]
        self.pending = f"{' '.join(changed)} changed; restart metergate to use it" if changed else ""
        return before if config != before else None

    def hand_over(self, copy: Path) -> None:
        """Write the content in force where the roles read it."""
        beside = copy.with_suffix(".new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(self._content)
        beside.replace(copy)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from error
