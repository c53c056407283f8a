"""Every supervisor on this host: `metergate up` has one for all, in containers each role has one of its own.

What concerns the settings is asked of all of them, and their answers are put together; what concerns a process, of the
one that runs it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from services.console.api.errors import not_found
from shared.bus.endpoints import instances
from shared.errors import Fault, MetergateError, PeerError, RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from services.console.hear.town import Town

CHECK_S: Final = 7.0
"""A supervisor gives its roles five seconds to look at files."""
BUSY_S: Final = 0.5
TRIES: Final = 4
RELOAD_S: Final = 8.0

Ask = Callable[..., Awaitable[dict[str, Any]]]


class Verdict(Struct, frozen=True):
    """What all of them say about a settings text.

    Attributes:
        faults: what is wrong with it.
        restarts, starts, stops: roles.
        pending: what waits for a new start of metergate, in words.
        silent: supervisors that did not answer; of their roles nothing is known.
    """

    faults: tuple[Fault, ...] = ()
    restarts: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    pending: str = ""
    silent: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """What follows, besides what starts again."""
        found = [f"starts: {', '.join(self.starts)}"] if self.starts else []
        found += [f"ends: {', '.join(self.stops)}"] if self.stops else []
        found += [self.pending] if self.pending else []
        silent = f"what {', '.join(self.silent)} would do is not known: no answer"
        return [*found, silent] if self.silent else found


class Supervisors:
    """Asks them.

    Args:
        run_dir: where they are found.
        ask: sends a command: instance, verb, arguments, seconds.
        town: what they said.
    """

    def __init__(self, run_dir: "Path", ask: Ask, town: "Town") -> None:
        self._run_dir = run_dir
        self._ask = ask
        self._town = town
        self._turn = asyncio.Lock()

    def names(self) -> list[str]:
        """Those that run."""
        return [name for name in instances(self._run_dir) if name.partition(".")[0] == "supervisor"]

    def of(self, name: str) -> str:
        """The one that runs this role or instance.

        Raises:
            ApiError: none does.
        """
        running = self.names()
        for supervisor, (_, said) in self._town.processes.items():
            if supervisor in running and any(name in (each.name, each.role) for each in said.children):
                return supervisor
        raise not_found(f"no supervisor on this host runs {name!r}", "name")

    async def check(self, text: str) -> Verdict:
        """What is wrong with this text as settings, and what it would do; nothing is changed. One at a time."""
        async with self._turn:
            names = self.names()
            answers = await asyncio.gather(*(self._check(name, text) for name in names), return_exceptions=True)
        silent: list[str] = []
        said: list[dict[str, Any]] = []
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, MetergateError):
                silent.append(name)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                said.append(answer)
        faults = {Fault(each["line"], each["key"], each["reason"]) for one in said for each in one["faults"]}
        return Verdict(
            faults=tuple(sorted(faults)),
            restarts=_roles(said, "restarts"),
            starts=_roles(said, "starts"),
            stops=_roles(said, "stops"),
            pending="; ".join(dict.fromkeys(one["pending"] for one in said if one["pending"])),
            silent=tuple(silent),
        )

    async def reload(self) -> None:
        """Have all of them read the settings now, rather than when they notice; what they refuse they tell all."""
        await asyncio.gather(
            *(self._ask(name, "reload", {}, RELOAD_S) for name in self.names()), return_exceptions=True
        )

    async def _check(self, name: str, text: str) -> dict[str, Any]:
        """Somebody else may be asking too: it looks at one text at a time."""
        for _ in range(TRIES):
            try:
                return await self._ask(name, "check", {"text": text}, CHECK_S)
            except RefusedError:
                await asyncio.sleep(BUSY_S)
        raise PeerError(f"{name} is busy")


def _roles(said: list[dict[str, Any]], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(role for one in said for role in one[name]))
