"""The settings file as the console sees and changes it.

Whether a text is right, and what it would do, the supervisors say. Nobody's change is lost, since each names the text
that it was made from.
"""

import asyncio
import difflib
import hashlib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from services.console.api.errors import conflict, invalid, wrong_settings
from services.console.api.models.push import Applied
from services.console.api.models.settings import Checked, Mistake, Value
from shared.config.advice import advice, sentences
from shared.config.check import dotted
from shared.config.edit import replace
from shared.config.effective import effective, written
from shared.config.faults import faults_of, located
from shared.config.load import parse, read
from shared.config.patch import patched
from shared.config.toml import read_toml, text_of
from shared.errors import ConfigError, Fault, MetergateError, RefusedError

if TYPE_CHECKING:
    from services.console.security.caller import Caller
    from services.console.supervisors import Supervisors, Verdict
    from shared.config.model import Config

Note = Callable[["Caller", str, str, str], None]
Tell = Callable[..., None]
AFTER_S: Final = 0.1
"""The answer to a change goes out before the supervisors start roles again, of which the console may be one."""
NAMED_KEYS: Final = 8
LOOK_S: Final = 1.0


class SettingsFile:
    """The file.

    Args:
        path: of it.
        supervisors: who judge, and take it over.
        note: writes into the audit log.
        tell: publishes an event.
        on_change: called where the file is another one.

    Attributes:
        path: as given.
        text: what stands there.
        revision: SHA-256 of it, hex.
        config: what it means; None where it is wrong.
        error: what is wrong with it, in words.
    """

    def __init__(
        self, path: Path, supervisors: "Supervisors", note: Note, tell: Tell, on_change: Callable[[], None]
    ) -> None:
        self.path = path
        self._supervisors = supervisors
        self._note = note
        self._tell = tell
        self._on_change = on_change
        self._turn = asyncio.Lock()
        self._later: set[asyncio.Task[None]] = set()
        self._mark: tuple[int, int, int, int] | None = None
        self.text = ""
        self.revision = ""
        self.config: Config | None = None
        self.error = ""
        self.look()

    async def run(self) -> None:
        """See when somebody else changes it. Never returns."""
        while True:
            if self.look():
                self._on_change()
            await asyncio.sleep(LOOK_S)

    def look(self) -> bool:
        """Read it if it is another one; whether it was."""
        try:
            found = self.path.stat()
            mark = (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)  # ctime: who may read it
        except OSError:
            mark = None
        if mark == self._mark and self.revision:
            return False
        self._mark = mark
        try:
            content = read(self.path)
        except ConfigError as error:
            content, self.config, self.error = b"", None, str(error)
        else:
            try:
                self.config, self.error = parse(content, self.path), ""
            except ConfigError as error:
                self.config, self.error = None, str(error)
        self.text = content.decode(errors="replace")
        self.revision, before = revision_of(content), self.revision
        return self.revision != before

    @property
    def writable(self) -> bool:
        """Whether it can be changed from here: file and folder, and without taking it from its owner."""
        try:
            real = self.path.resolve(strict=True)
            owner = real.stat().st_uid
        except OSError:
            return False
        mine = os.geteuid() in {0, owner}
        return mine and os.access(real, os.W_OK) and os.access(real.parent, os.W_OK | os.X_OK)

    def values(self, text: str) -> tuple[Value, ...]:
        """Every key as that text means it; where it is wrong, as it has it; none where it is no TOML."""
        try:
            try:
                found = effective(text.encode(), self.path)
            except ConfigError:
                found = written(text.encode(), self.path)
        except ConfigError:
            return ()
        return tuple(
            Value(
                key=dotted(each.key),
                value=None if each.value is UNSET else msgspec.to_builtins(each.value, enc_hook=str),
                line=each.line,
                origin=each.origin,
            )
            for each in found
        )

    async def check(self, text: str, changes: Mapping[str, Any]) -> Checked:
        """What is wrong with a text, and what it would do; `changes` are made in it before."""
        faults: tuple[Fault, ...] = ()
        config: Config | None = None
        try:
            text = await asyncio.to_thread(self._patched, text, changes) if changes else text
            config = parse(text.encode(), self.path)
        except ConfigError as error:
            faults = faults_of(error)
        except RefusedError as error:
            faults = (Fault(0, next(iter(changes), ""), str(error)),)
        self.look()
        verdict = None if faults else await self._supervisors.check(text)
        if verdict is not None:
            faults = verdict.faults
        return Checked(
            errors=_mistakes(faults),
            diff=await asyncio.to_thread(_diff, self.text, text, self.path.name),
            restarts=verdict.restarts if verdict else (),
            notes=tuple(_notes(verdict, self.config, config)) if verdict and not faults else (),
            revision=self.revision,
            text=text,
            values=self.values(text),
            warnings=() if faults else advised(text, config),
        )

    async def patch(self, caller: "Caller", changes: Mapping[str, Any], revision: str | None = None) -> Applied:
        """Set some keys; None takes one out. Errors as `apply`."""
        return await self.apply(caller, lambda text: patched(text, changes), revision)

    async def put(self, caller: "Caller", text: str, revision: str) -> Applied:
        """Put a whole text in the place of the file, which may be wrong. Errors as `apply`."""
        return await self._put(caller, lambda _: text, revision)

    async def apply(self, caller: "Caller", change: Callable[[str], str], revision: str | None = None) -> Applied:
        """Change the file; it is in force a moment later.

        Args:
            caller: who wants it.
            change: from the text as it is, which is TOML, to what it shall be.
            revision: of the text that the change was made for; None for any.

        Raises:
            ApiError: somebody changed the file meanwhile, or what would stand there is wrong; nothing was written.
            RefusedError, ConfigError: it cannot be changed or written; nothing was written.
        """

        def by_text(content: bytes) -> str:
            text = text_of(content, self.path)
            read_toml(text, self.path)  # says with its line what is wrong, and before what has no bounds
            return change(text)

        return await self._put(caller, by_text, revision)

    async def _put(self, caller: "Caller", change: Callable[[bytes], str], revision: str | None) -> Applied:
        async with self._turn:
            before = await asyncio.to_thread(read, self.path)
            if revision not in (None, revision_of(before)):
                raise conflict("the settings file was changed meanwhile; look at it, and make your change again")
            text = before.decode(errors="replace")
            try:
                after = await asyncio.to_thread(change, before)
                parse(after.encode(), self.path)
            except ConfigError as error:
                raise wrong_settings(faults_of(error)) from error
            except ValueError as error:
                raise invalid(f"this cannot be written: {error}") from error
            if after.encode() == before:
                return Applied(revision=revision_of(before), text="nothing changes")
            verdict = await self._supervisors.check(after)
            if verdict.faults:
                raise wrong_settings(verdict.faults)
            keys = _named(text, after)
            self._note(caller, "settings.change", keys, f"revision {revision_of(after.encode())}")
            try:
                await asyncio.to_thread(replace, self.path, before, after.encode())
            except MetergateError as error:
                self._note(caller, "settings.change", keys, f"not written: {error}")
                raise
            self._tell("settings.change", f"settings changed by {caller.by}: {keys}", by=caller.by, keys=keys)
        known = self.config
        self.look()
        self._on_change()
        task = asyncio.get_running_loop().create_task(self._take_over())
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return Applied(
            revision=self.revision,
            restarts=verdict.restarts,
            text="; ".join(_notes(verdict, known, self.config)),
            warnings=tuple(_warnings(known, self.config)),
        )

    def _patched(self, text: str, changes: Mapping[str, Any]) -> str:
        read_toml(text, self.path)  # says with its line what is wrong, and before what has no bounds
        return patched(text, changes)

    async def _take_over(self) -> None:
        await asyncio.sleep(AFTER_S)
        await self._supervisors.reload()


def revision_of(content: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(content).hexdigest()


def advised(text: str, config: "Config | None") -> tuple[Mistake, ...]:
    """What these settings may say, and their owner should know all the same; nothing of a text that is wrong."""
    return _mistakes(located(text, advice(config))) if config else ()


def _mistakes(faults: tuple[Fault, ...]) -> tuple[Mistake, ...]:
    return tuple(Mistake(line=each.line, key=each.key, text=each.reason) for each in faults)


def _notes(verdict: "Verdict", before: "Config | None", after: "Config | None") -> list[str]:
    own = []
    if "console" in verdict.restarts:
        moves = before is None or after is None or _place(before) != _place(after)
        where = f", at {_place(after)}" if after is not None and moves else ""
        own.append(f"the page itself starts again: it is back within seconds{where}")
    if "console" in verdict.stops:
        back = "`metergate config set console.enabled true` brings it back"
        own.append(f"this page ends, and metergate goes on without it; {back}")
    return [*verdict.words, *own]


def _warnings(before: "Config | None", after: "Config | None") -> Iterator[str]:
    """Those that the change brought."""
    known = frozenset(sentences(before)) if before else frozenset()
    yield from (each for each in (sentences(after) if after else ()) if each not in known)


def _place(config: "Config") -> str:
    """Where the page is; on all addresses only the port is known."""
    console = config.console
    scheme = "https" if console.https else "http"
    if console.host in {"0.0.0.0", "::"}:
        return f"port {console.port}, by {scheme}"
    return f"{scheme}://{f'[{console.host}]' if ':' in console.host else console.host}:{console.port}/"


def _diff(before: str, after: str, name: str) -> str:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (changed)", lineterm="")
    return "\n".join(lines)


def _named(before: str, after: str) -> str:
    """Which keys differ, for people."""
    try:
        old, new = (dict(_leaves(tomllib.loads(text), ())) for text in (before, after))
    except ValueError:
        return "the whole file"
    keys = [dotted(key) for key in dict.fromkeys((*old, *new)) if old.get(key) != new.get(key)]
    more = f" and {len(keys) - NAMED_KEYS} more" if len(keys) > NAMED_KEYS else ""
    return ", ".join(keys[:NAMED_KEYS]) + more or "comments"


def _leaves(value: Any, key: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from _leaves(inner, (*key, name))
        case [dict(), *_]:
            for index, inner in enumerate(value):
                yield from _leaves(inner, (*key, index))
        case _:
            yield key, value
