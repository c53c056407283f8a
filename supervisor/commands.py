"""What a supervisor is told to do: which commands there are, and when each is done."""

from typing import Any

import msgspec

from shared.errors import RefusedError
from shared.tls.text import clean
from supervisor.board import Board
from supervisor.child import State
from supervisor.control import Progress
from supervisor.fleet import RESTING, Fleet
from supervisor.loop import now
from supervisor.preview import Preview
from supervisor.process import Process
from supervisor.reload import Reload
from supervisor.settings import Settings


class Commands:
    """Begins commands.

    Args:
        fleet: processes.
        board: where what was asked for is told.
        settings: in force.
        preview: answers `check`.
        reload: of new ones.
    """

    __slots__ = ("_board", "_fleet", "_preview", "_reload", "_settings")

    def __init__(
        self,
        fleet: Fleet,
        board: Board,
        settings: Settings,
        *,
        preview: Preview,
        reload: Reload,
    ) -> None:
        self._fleet = fleet
        self._board = board
        self._settings = settings
        self._preview = preview
        self._reload = reload

    def __call__(self, verb: str, args: dict[str, Any]) -> Progress:
        """Begin a command.

        Raises:
            RefusedError: it is unknown, or cannot be done.
        """
        if verb == "ps":
            return self._ps
        if self._fleet.ending:
            raise RefusedError("metergate is stopping")
        if verb == "reload":
            self._reload.read()
            return self._reloaded
        if verb == "check":
            return self._preview.begin(args.get("text"))
        if verb == "kill":
            return self._fleet.kill(str(args.get("role", "")), clean(str(args.get("reason", ""))) or "no reason given")
        if verb not in {"start", "stop", "restart"}:
            raise RefusedError(f"{verb!r} is no command; there are: check kill ps reload restart start stop")
        return self._steer(verb, args)

    def _steer(self, verb: str, args: dict[str, Any]) -> Progress:
        processes = self._fleet.named(str(args.get("role", "")))
        spec = processes[0].spec
        if verb != "stop" and any(process.life.state is State.DISABLED for process in processes):
            raise RefusedError(f"{spec.name} is disabled in the settings; enable it there")
        name, who = processes[0].name if len(processes) == 1 else spec.name, clean(str(args.get("by") or "cli"), 64)
        self._board.event(f"role.{verb}", f"{verb} {name}, by {who}", child=name, by=who)
        for process in processes:
            life = process.life
            if verb == "start":
                todo = life.start(now())
            elif verb == "restart":
                todo = life.restart(now())
            else:
                todo = life.halt(now(), State.STOPPED, "stopped by command; `metergate start` starts it")
            self._fleet.do(process, todo)
        return lambda: _at_rest(processes) if verb == "stop" else _all_ready(processes)

    def _ps(self) -> dict[str, Any]:
        return {
            "children": [msgspec.to_builtins(process.row()) for process in self._fleet],
            "config_error": self._settings.error,
            "config_pending": self._settings.pending,
        }

    def _reloaded(self) -> dict[str, Any] | None:
        if self._reload.under_way:
            return None
        if self._settings.error:
            raise RefusedError(self._settings.error)
        return self._ps()


def _at_rest(processes: list[Process]) -> dict[str, Any] | None:
    """Progress of a command that ends these: empty once they have ended."""
    return None if any(process.life.state not in RESTING for process in processes) else {}


def _all_ready(processes: list[Process]) -> dict[str, Any] | None:
    """Progress of a command that starts these: empty once they are ready.

    Raises:
        RefusedError: one of them will not be, and why.
    """
    for process in processes:
        if process.life.state in RESTING or process.life.state is State.BACKOFF:
            raise RefusedError(f"{process.name} is {process.life.state}: {process.life.reason or 'no reason known'}")
    return None if any(process.life.state is not State.READY for process in processes) else {}
