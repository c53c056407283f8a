"""Changing the settings file without losing another writer's change, or the file itself; `patch` keeps its comments.

Writers lock the file's folder (flock), so that two of them come one after the other; an editor that knows nothing of
the lock is noticed because the content changed. Only a text that `load.parse` accepts replaces the file, whole.
"""

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from shared.config.load import parse
from shared.config.patch import patched
from shared.config.toml import content_of, read_toml, text_of
from shared.durable import sync_folder
from shared.errors import ConfigError, RefusedError
from shared.file_lock import lock

LOCK_PATIENCE_S: Final = 5.0


def rewrite(path: Path, change: Callable[[str], str], verify: Callable[[bytes], None] = lambda _: None) -> None:
    """Read the file, let `change` make a text of its text, check that, put it in the file's place.

    Mode and owner stay. A symbolic link stays one: the file that it names is replaced.

    Args:
        path: settings file.
        change: from the text before to the one after.
        verify: given what would be written, right in itself; raises where it must not be.

    Raises:
        ConfigError: the file cannot be read, or would be wrong; nothing was written.
        RefusedError: it cannot be written, or somebody else changed it meanwhile; nothing was written.
    """

    def by_text(before: bytes) -> bytes:
        text = text_of(before, path)
        read_toml(text, path)  # says with line and cure what is wrong, and before tomlkit has no bounds
        after = change(text).encode()
        if after != before:
            _check(after, path)
        return after

    _put(path, by_text, verify)


def replace(path: Path, before: bytes, after: bytes) -> None:
    """Put a whole text in the file's place, whatever is wrong with what stands there.

    Args:
        path: settings file.
        before: what has to stand there: who wrote `after` knew that.
        after: right as settings.

    Raises:
        ConfigError, RefusedError: as `rewrite`.
    """

    def whole(now: bytes) -> bytes:
        if now != before:
            raise _changed(path)
        parse(after, path)
        return after

    _put(path, whole, lambda _: None)


def _put(path: Path, change: Callable[[bytes], bytes], verify: Callable[[bytes], None]) -> None:
    """What `change` makes of the content, in its place; alone with it all the while."""
    try:
        real = path.resolve(strict=True)
        with _locked(real):
            before = content_of(real)
            after = change(before)
            if after != before:
                verify(after)
                _replace(real, before, after)
    except OSError as error:
        raise RefusedError(_why(path, error)) from error


def set_value(
    path: Path, dotted_key: str, toml_value_text: str, verify: Callable[[bytes], None] = lambda _: None
) -> None:
    """Set one key, as in `metergate config set KEY VALUE`.

    Args:
        path: settings file.
        dotted_key: as error messages write it: `slave.port`, `meter.cycle_ms`, `meter[2].modbus.host`.
        toml_value_text: TOML value such as `true`, `1.5`, `["a"]`; what is none is taken as a text.
        verify: see `rewrite`.

    Raises:
        ConfigError, RefusedError: as `rewrite` and `patch.patched`.
    """
    value = _value(toml_value_text)
    rewrite(path, lambda text: patched(text, {dotted_key: value}), verify)


def _value(text: str) -> Any:
    here = Path("value")
    try:
        read = read_toml(text_of(f"value = {text}".encode(errors="surrogateescape"), here), here)
    except ConfigError:
        return text
    return read["value"] if read.keys() == {"value"} else text


@contextlib.contextmanager
def _locked(real: Path) -> Iterator[None]:
    fd = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not lock(fd, LOCK_PATIENCE_S):
            raise RefusedError(f"{real}: somebody else is changing it; nothing was written")
        yield
    finally:
        os.close(fd)


def _check(after: bytes, path: Path) -> None:
    try:
        parse(after, path)
    except ConfigError as error:
        words = f"{error}\nnothing was written; the lines above are those of the changed text"
        raise ConfigError(words, error.faults) from error


def _replace(real: Path, before: bytes, after: bytes) -> None:
    if not os.access(real, os.W_OK):
        raise PermissionError(errno.EACCES, "it is read-only", str(real))
    was = real.stat()
    fd, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".new", dir=real.parent)
    beside = Path(name)
    try:
        with open(fd, "wb") as file:  # noqa: PTH123  # mkstemp gave a descriptor
            file.write(after)
            os.fchown(file.fileno(), was.st_uid, was.st_gid)
            os.fchmod(file.fileno(), was.st_mode & 0o7777)
            file.flush()
            os.fsync(file.fileno())
        if content_of(real) != before:
            raise _changed(real)
        beside.rename(real)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(real.parent)


def _changed(path: Path) -> RefusedError:
    return RefusedError(f"{path}: it was changed meanwhile; nothing was written, look at it and try again")


def _why(path: Path, error: OSError) -> str:
    match error.errno:
        case errno.ENOENT:
            cure = "`metergate init` writes one"
        case errno.EBUSY:
            cure = "the file itself is mounted; mount its folder instead, so that it can be replaced"
        case errno.EPERM:
            cure = "it belongs to another user, who would lose it; change it as that user"
        case _:
            cure = "file and folder must be writable for this user"
    return f"{path}: cannot be changed ({error.strerror}); {cure}. Nothing was written"
