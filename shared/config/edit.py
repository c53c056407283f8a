"""Changing the settings file without losing its comments, another writer's change, or the file itself.

Writers lock the file's folder (flock), so that two of them come one after the other; an editor that knows nothing of
the lock is noticed because the content changed. Only a text that `load.parse` accepts replaces the file, whole.
"""

import contextlib
import errno
import fcntl
import os
import re
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from shared.config.load import parse
from shared.config.toml import DEEPEST, content_of, read_toml, shortened, text_of
from shared.errors import ConfigError, RefusedError

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

LOCK_PATIENCE_S: Final = 5.0
_KEY_PART: Final = re.compile(r"([A-Za-z0-9_-]+)(?:\[([1-9][0-9]*)\])?")


def edit(
    path: Path,
    change: "Callable[[TOMLDocument], None]",
    arrange: "Callable[[str, dict[str, Any]], str | None]" = lambda _, __: None,
    verify: Callable[[bytes], None] = lambda _: None,
) -> None:
    """Read the file, let `change` work on it, check the result, put it in the file's place.

    Mode, owner, comments and line ends stay. A symbolic link stays one: the file that it names is replaced.

    Args:
        path: settings file.
        change: works on the document in place.
        arrange: given the text before and the meaning after, gives a nicer text with that meaning, where it knows one.
        verify: given what would be written, right in itself; raises where it must not be.

    Raises:
        ConfigError, RefusedError: as `rewrite`.
    """

    def by_program(text: str) -> tuple[str, dict[str, Any]]:
        import tomlkit  # noqa: PLC0415  # only who edits pays for it

        document = tomlkit.parse(text)
        change(document)
        meant = document.unwrap()
        return arrange(text, meant) or document.as_string(), meant

    rewrite(path, by_program, verify)


def rewrite(
    path: Path, change: Callable[[str], tuple[str, dict[str, Any]]], verify: Callable[[bytes], None] = lambda _: None
) -> None:
    """As `edit`, by the text alone.

    Args:
        path: settings file.
        change: from the text before to the one after, and what that has to mean.
        verify: given what would be written, right in itself; raises where it must not be.

    Raises:
        ConfigError: the file cannot be read, or would be wrong; nothing was written.
        RefusedError: it cannot be written, or somebody else changed it meanwhile; nothing was written.
    """
    from tomlkit.exceptions import TOMLKitError  # noqa: PLC0415

    try:
        real = path.resolve(strict=True)
        with _locked(real):
            before = content_of(real)
            text = text_of(before, path)
            read_toml(text, path)  # says with line and cure what is wrong, and before tomlkit has no bounds
            try:
                after_text, meant = change(text)
            except (TOMLKitError, ValueError) as error:
                raise RefusedError(f"{path}: cannot be edited by program ({error}); edit it by hand") from error
            after = after_text.encode()
            if after == before:
                return
            _check(after, path, meant)
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
        verify: see `edit`.

    Raises:
        ConfigError, RefusedError: as `edit`; also where the key leads nowhere.
    """
    steps = steps_of(dotted_key)
    value = _value(toml_value_text)

    def change(document: "TOMLDocument") -> None:
        table: Any = document
        for name, number in steps[:-1]:
            table = _inside(table, name, number, dotted_key)
        name, number = steps[-1]
        if number is not None:
            raise RefusedError(f"{dotted_key}: a number stands behind a list of tables only; set a key in it")
        table[name] = value

    edit(path, change, lambda text, meant: in_its_place(text, meant, steps[-1][0], value), verify)


def steps_of(dotted_key: str) -> list[tuple[str, int | None]]:
    """Name of each part of a dotted key, and its number in a list, from 1; RefusedError for what is no key."""
    steps = []
    parts = dotted_key.split(".")
    if len(parts) > DEEPEST:
        raise RefusedError(f"{shortened(dotted_key, 60)!r} is no key: it has {len(parts)} parts, no setting needs that")
    for part in parts:
        found = _KEY_PART.fullmatch(part)
        if found is None:
            raise RefusedError(f"{dotted_key!r} is no key; keys look like slave.port or meter[2].modbus.host")
        steps.append((found[1], int(found[2]) if found[2] else None))
    return steps


def _value(text: str) -> Any:
    here = Path("value")
    try:
        read = read_toml(text_of(f"value = {text}".encode(errors="surrogateescape"), here), here)
    except ConfigError:
        return text
    return read["value"] if read.keys() == {"value"} else text


def in_its_place(text: str, meant: dict[str, Any], name: str, value: Any) -> str | None:
    """The text with a new key where a person would write it; None where the key is there already, or no place fits.

    That is the line `#name = ...` that shows its default, or else below the last key of its table: above the comments
    that introduce the next one. A line is the right one if the text then means what it should.
    """
    import tomlkit  # noqa: PLC0415

    lines = text.splitlines(keepends=True)
    end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    line = f"{name} = {tomlkit.item(value).as_string()}{end}"
    default = re.compile(rf"#\s*{re.escape(name)}\s*=")
    shown = [(at, at + 1) for at, old in enumerate(lines) if default.match(old)]
    below = [(at + 1, at + 1) for at, old in enumerate(lines) if old.endswith("\n") and old.strip() and old[0] != "#"]
    for first, last in [*shown, *reversed(below)]:
        candidate = "".join([*lines[:first], line, *lines[last:]])
        with contextlib.suppress(ValueError, RecursionError):
            if tomllib.loads(candidate) == meant:
                return candidate
    return None


def _inside(table: Any, name: str, number: int | None, whole: str) -> Any:
    """The table `name` of `table`, or its `number`th where it is a list; an absent one is made."""
    import tomlkit  # noqa: PLC0415

    found = table.get(name)
    if found is None and number is None:
        table[name] = tomlkit.table()
        return table[name]
    if isinstance(found, list):
        if number is None and len(found) > 1:
            raise RefusedError(f"{whole}: there are {len(found)} of {name}; say which, as in {name}[1]")
        if (number or 1) > len(found):
            raise RefusedError(f"{whole}: there is no {name}[{number or 1}]; the file has {len(found)}")
        found = found[(number or 1) - 1]
    elif number is not None:
        raise RefusedError(f"{whole}: {name} is no list of tables; leave out [{number}]")
    if not isinstance(found, dict):
        raise RefusedError(f"{whole}: {name} is no table")
    return found


@contextlib.contextmanager
def _locked(real: Path) -> Iterator[None]:
    fd = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = time.monotonic() + LOCK_PATIENCE_S
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= until:
                    raise RefusedError(f"{real}: somebody else is changing it; nothing was written") from None
                time.sleep(0.01)
        yield
    finally:
        os.close(fd)


def _check(after: bytes, path: Path, meant: dict[str, Any]) -> None:
    try:
        parse(after, path)
    except ConfigError as error:
        words = f"{error}\nnothing was written; the lines above are those of the changed text"
        raise ConfigError(words, error.faults) from error
    if tomllib.loads(after.decode()) != meant:
        raise RefusedError(f"{path}: this change cannot be made by program; nothing was written, edit it by hand")


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
            raise RefusedError(f"{real}: it was changed meanwhile; nothing was written, look at it and try again")
        beside.rename(real)
    finally:
        beside.unlink(missing_ok=True)
    folder = os.open(real.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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
