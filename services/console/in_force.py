"""Which settings are in force: the copy that the supervisor keeps for its roles, read again when it changed.

The console follows most changes without a new start, since a new start would cost every open page its stream.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from shared.config.load import find, load, parse
from shared.config.model import Config, Meter
from shared.errors import ConfigError


class InForce:
    """Settings as they are now.

    Args:
        config: as the console was started with.
        environ: says where file and copy are.

    Attributes:
        path: of the settings file itself, which may hold something newer or wrong.
        config: in force.
    """

    __slots__ = ("_copy", "_environ", "_mark", "config", "path")

    def __init__(self, config: Config, environ: Mapping[str, str] = os.environ) -> None:
        copy = environ.get("METERGATE_SETTINGS")
        self._environ = environ
        self.path = find(None, environ)
        self._copy = self.path if copy is None else Path(copy)
        self.config = config
        self._mark = self._marked()

    def look(self) -> bool:
        """Read the copy again if it is another one; whether it was. A wrong one, or none, changes nothing."""
        mark = self._marked()
        if mark is None or mark == self._mark:
            return False
        self._mark = mark
        try:
            config = (
                load(self.path, self._environ)
                if self._copy == self.path
                else parse(self._copy.read_bytes(), self.path, self._environ)
            )
        except (ConfigError, OSError):
            return False
        changed, self.config = config != self.config, config
        return changed

    def meter(self, named: str | None) -> Meter | None:
        """The meter of that id, or the first where nobody named one; None where there is none."""
        return next((each for each in self.config.meter if named is None or each.id == named), None)

    def _marked(self) -> tuple[int, int, int] | None:
        try:
            found = self._copy.stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_size, found.st_ino)
