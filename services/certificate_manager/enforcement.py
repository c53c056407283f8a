"""Whether every TLS instance acts by a new trust. One that does not say so is killed by its own supervisor.

Where registers can be written, also whether the register store is through with what was handed to it before.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from services.certificate_manager.ledger import Count, Ledger, Version, cut_since, must_acknowledge
from shared.bus.command import SETTLED_S
from shared.bus.endpoints import instances, is_held
from shared.errors import PeerError, RefusedError

PATIENCE_S: Final = 0.5
SETTLING_S: Final = 2.0
"""After our own start the instances take so long at most to find us again."""
KILL_S: Final = 2.0
LOOK_S: Final = 0.02
STORE: Final = "register-store"

Call = Callable[[str, str, dict[str, Any], float], Awaitable[dict[str, Any]]]
"""`Bus.call`."""


class Outcome(msgspec.Struct, frozen=True):
    """How the instances took it.

    Attributes:
        closed: connections cut, or gone with their process.
        killed: instances that had to be killed.
        unconfirmed: why it is not known of some, in words.
    """

    closed: int = 0
    killed: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """As a command's result has it."""
        return {"closed": self.closed, "killed": list(self.killed)}


class Enforcement:
    """Waits for acknowledgements.

    Args:
        run_dir: where instances are found.
        ledger: what they say.
        call: sends a command.
        follow: listen to an instance from now on.
        remote: roles that run on another host, whose locks cannot be seen from here.
        writes: whether peers may write registers.
    """

    def __init__(
        self,
        run_dir: Path,
        ledger: Ledger,
        call: Call,
        *,
        follow: Callable[[str], None],
        remote: frozenset[str] = frozenset(),
        writes: bool = False,
    ) -> None:
        self._run_dir = run_dir
        self._ledger = ledger
        self._call = call
        self._follow = follow
        self._remote = remote
        self._writes = writes
        self._settled = time.monotonic() + SETTLING_S

    def running(self) -> list[str]:
        """Instances that have to acknowledge."""
        heard = self._ledger.heard()
        far = {name for name in heard if self._is_remote(name)}
        return must_acknowledge({*instances(self._run_dir), *far}, heard)

    async def confirm(self, version: Version, before: Mapping[str, Mapping[str, Count]]) -> Outcome:
        """Wait until every running instance acts by the trust of that version.

        Args:
            version: of the trust that was published.
            before: fingerprints whose connections are counted -> what the instances had said about each before.
        """
        waiting = self.running()
        for name in waiting:
            self._follow(name)  # one that started just now may be heard for the first time
        closed = 0
        until = max(time.monotonic() + PATIENCE_S, self._settled)
        while True:
            for name in tuple(waiting):
                if self._ledger.acted(name, version):
                    closed += sum(
                        cut_since(counts.get(name, Count()), self._ledger.count(name, fingerprint))
                        for fingerprint, counts in before.items()
                    )
                    waiting.remove(name)
                elif not self._is_remote(name) and not is_held(self._run_dir, name):
                    closed += _had(before, name)  # they ended with their process
                    waiting.remove(name)
            if not waiting or time.monotonic() >= until:
                break
            await asyncio.sleep(LOOK_S)
        faults = await asyncio.gather(*(self._kill(name) for name in waiting))
        if self._writes:
            await self._settle_writes()
        dead = [name for name, fault in zip(waiting, faults, strict=True) if not fault]
        closed += sum(_had(before, name) for name in dead)
        return Outcome(closed, tuple(dead), tuple(fault for fault in faults if fault))

    async def _settle_writes(self) -> None:
        """Nobody hands over a write any more; wait for those that a slow store still holds, or until it drops them."""
        try:
            await self._call(STORE, "settle", {}, SETTLED_S)
        except PeerError:
            return  # it has been silent for so long
        except RefusedError:  # too busy even for this
            await asyncio.sleep(SETTLED_S)

    async def _kill(self, instance: str) -> str:
        """Have it killed; why that is not certain, or nothing where it is dead."""
        silent = f"{instance} has not acknowledged within {PATIENCE_S:g} s"
        if self._is_remote(instance):
            return f"{silent}, and it runs on another host"
        supervisors = [name for name in instances(self._run_dir) if name.partition(".")[0] == "supervisor"]
        args = {"role": instance, "reason": "it did not acknowledge a change of trust"}
        answers = await asyncio.gather(
            *(self._call(name, "kill", args, KILL_S) for name in supervisors), return_exceptions=True
        )
        faults = []
        for answer in answers:
            if not isinstance(answer, BaseException):
                self._ledger.forget(instance)
                return ""
            if isinstance(answer, PeerError):
                faults.append(str(answer))
            elif not isinstance(answer, RefusedError):  # refused: another supervisor's
                raise answer
        if not is_held(self._run_dir, instance):
            return ""
        return f"{silent}, and {'; '.join(faults) or 'no supervisor runs it: end it by hand'}"

    def _is_remote(self, instance: str) -> bool:
        return instance.partition(".")[0] in self._remote


def _had(before: Mapping[str, Mapping[str, Count]], instance: str) -> int:
    """Connections that were open there."""
    return sum(counts.get(instance, Count()).connections for counts in before.values())
