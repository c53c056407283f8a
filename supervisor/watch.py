"""Notices that the settings, or a file that they name, changed, once it stands still: editors write in several steps.

Looked at rather than watched by inotify: editors replace the file, volumes are mounted over it, network file systems
tell nothing; a stat each quarter of a second always sees it.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

LOOK_S: Final = 0.25
SETTLE_S: Final = 1.0

Signature = tuple[int, int, int, int] | None


class Watch:
    """One file.

    Args:
        path: of the file; followed through symbolic links.
        settle_s: how long it must stand still.
    """

    __slots__ = ("_changed_at", "_path", "_seen", "_settle_s")

    def __init__(self, path: Path, settle_s: float = SETTLE_S) -> None:
        self._path = path
        self._settle_s = settle_s
        self._seen = _signature(path)
        self._changed_at: float | None = None

    @property
    def moving(self) -> bool:
        """Whether it changed and was not told yet."""
        return self._changed_at is not None

    def look(self, now: float) -> bool:
        """Whether it changed since the last time and has stood still since; true once for each change."""
        signature = _signature(self._path)
        if signature != self._seen:
            self._seen = signature
            self._changed_at = now
        if self._changed_at is None or now - self._changed_at < self._settle_s:
            return False
        self._changed_at = None
        return True


class Watches:
    """The settings file and the files that it names.

    Args:
        path: of the settings file.
    """

    __slots__ = ("_named", "_settings")

    def __init__(self, path: Path) -> None:
        self._settings = Watch(path)
        self._named: dict[Path, Watch] = {}

    def name(self, paths: Iterable[Path]) -> None:
        """These files are named now, and no others."""
        self._named = {path: self._named.get(path) or Watch(path) for path in paths}

    def look(self, now: float) -> bool:
        """Whether something changed and stands still; not while the settings move, which are to be read as a whole."""
        changed = self._settings.look(now)
        named = [watch.look(now) for watch in self._named.values()]  # each of them, as it may move for ever
        return changed or (any(named) and not self._settings.moving)


def _signature(path: Path) -> Signature:
    try:
        stat = os.stat(path)  # noqa: PTH116  # four times a second for ever: without a new Path each
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)  # ctime: who may read it changes as well
