"""One supervisor: starts its roles, follows settings, commands and signals, and ends everything in order."""

import signal
from pathlib import Path
from typing import Final

from shared.config.model import Config
from shared.errors import EXIT_DONE, EXIT_REFUSED, RefusedError
from supervisor.board import Board
from supervisor.child import ALIVE, State
from supervisor.control import Control
from supervisor.fleet import RESTING, Fleet
from supervisor.loop import Callback, Loop, now
from supervisor.places import Places
from supervisor.preview import Preview
from supervisor.process import Process
from supervisor.reload import Reload
from supervisor.report import Report
from supervisor.settings import Settings
from supervisor.spec import RoleSpec
from supervisor.state_file import WRITE_S
from supervisor.verification import Verification

LAST_PATIENCE_S: Final = 5.0
"""Beyond the stop timeouts, for processes that even SIGKILL does not end because the kernel holds them."""


class Supervisor:
    """The whole.

    Args:
        specs: roles to run.
        settings: in force.
        copy: where roles read them.
        loop: everything waits there.
        reload: of new settings.
        places: where roles listen.
        verification: of new settings; its processes are not swept up.
        preview: of settings that somebody thinks of, whose processes are not swept up.
        board: what others see.
        report: log.
        fleet: the processes; its launcher is set.

    Attributes:
        on_first_ready: called once, when every enabled role is ready for the first time.
        exit_code: of this process, once `run` returned.
    """

    def __init__(
        self,
        specs: tuple[RoleSpec, ...],
        settings: Settings,
        copy: Path,
        loop: Loop,
        *,
        reload: Reload,
        places: Places,
        verification: Verification,
        preview: Preview,
        board: Board,
        report: Report,
        fleet: Fleet,
    ) -> None:
        self._specs = specs
        self._settings = settings
        self._copy = copy
        self._loop = loop
        self._verification = verification
        self._preview = preview
        self._board = board
        self._report = report
        self._fleet = fleet
        self._control: Control | None = None
        self._reload = reload
        self._places = places
        reload.taken, reload.refused, reload.decided = self._taken, self._show, self._settle
        self._moving: dict[str, list[Process]] = {}
        self._closing = False
        self._ticks = 0
        self.on_first_ready: Callback | None = None
        self.exit_code = EXIT_DONE
        preview.on_found = self._settle
        fleet.on_change = self._changed
        fleet.on_escalate = self._give_up

    def serve(self, control: Control) -> None:
        """Answer these conversations."""
        self._control = control

    def start(self) -> None:
        """Start every enabled role, in the order of the data's way.

        Raises:
            RefusedError: a port cannot be listened on; nothing was started.
        """
        config = self._settings.config
        self._settings.hand_over(self._copy)
        for spec in self._specs:
            where = spec.listen(config)
            for name in spec.instances(config):
                if where is not None and spec.enabled(config):
                    try:
                        self._fleet.sockets.hold(name, where)
                    except RefusedError as error:
                        if spec.over_budget == "escalate":  # one that may be parked is, once it is to be started
                            raise RefusedError(f"{name}: {error}") from error
                self._fleet.add(name, spec)
        for process in self._fleet:
            if process.spec.enabled(config):
                self._fleet.do(process, process.life.start(now()))
            else:
                self._fleet.do(process, process.life.halt(now(), State.DISABLED, "disabled in the settings"))

    def run(self) -> None:
        """Until the end was asked for and everything has ended."""
        self._reload.follow()
        self._loop.every("state", WRITE_S, self._tick)
        self._loop.run()

    def on_signal(self, number: int) -> None:
        """SIGHUP reads the settings now; SIGTERM and SIGINT end in order, the second time at once."""
        if number == signal.SIGHUP:
            self._reload.read()
        elif self._closing:
            self._report.warning("killing what still runs", signal=signal.Signals(number).name)
            for process in self._fleet:
                process.signal(signal.SIGKILL)
        else:
            self._report.info("stopping", signal=signal.Signals(number).name)
            self._close(EXIT_DONE)

    def _taken(self, before: Config | None) -> None:
        if not self._closing:
            self._follow(before)
        self._show()

    def _show(self) -> None:
        self._board.show(self._fleet)

    def _settle(self) -> None:
        if self._control is not None:
            self._control.settle()

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks % 2:
            self._board.write(self._fleet)
        else:
            self._board.show(self._fleet)
        self._fleet.sweep(self._verification.pid, self._preview.pid)
        self._settle()

    def _follow(self, before: Config | None) -> None:
        """Have the processes be as the settings in force say; parked ones get another chance in any case."""
        config = self._settings.config
        started = [process.name for spec in self._specs for process in self._follow_role(spec, before or config)]
        if before is not None:
            follows = f"starts again: {' '.join(started)}" if started else "no role has to start again"
            self._board.event("config.changed", f"settings changed; {follows}")

    def _follow_role(self, spec: RoleSpec, old: Config) -> list[Process]:
        """The processes of one role that start, or start again, because of this."""
        config = self._settings.config
        known = {process.name: process for process in self._fleet.of(spec)}
        wanted = spec.instances(config)
        for name in known.keys() - set(wanted):
            known[name].wanted = False
            self._fleet.do(known[name], known[name].life.halt(now(), State.STOPPED, "one worker less in the settings"))
        processes = [known.get(name) or self._fleet.add(name, spec) for name in wanted]
        moving = self._moving.pop(spec.name, [])
        if not spec.enabled(config):
            for process in processes:
                self._fleet.do(process, process.life.halt(now(), State.DISABLED, "disabled in the settings"))
            return []
        changed = spec.needs(old) != spec.needs(config)
        before = [each for each in known.values() if each.wanted]
        stopped = [each for each in before if each.life.state is State.STOPPED and each not in moving]  # by command
        due = [each for each in processes if each in moving or _is_due(each, changed=changed)]
        due = [] if stopped and stopped == before else [each for each in due if each not in stopped]
        for process in processes:
            process.wanted = True
            if process not in due and process.life.state in RESTING:
                self._fleet.sockets.release(process.name)  # nobody would accept there
        if self._places.waits(spec, due):
            self._move(spec, due)
        else:
            for process in due:
                self._fleet.do(process, process.life.restart(now()))
        return due

    def _move(self, spec: RoleSpec, due: list[Process]) -> None:
        """Where sockets of ours are in the way, nobody takes the new place before the last of them is given up."""
        self._moving[spec.name] = due
        for process in due:
            if process.life.state not in RESTING:
                self._fleet.do(process, process.life.halt(now(), State.STOPPED, "moves to another port or address"))

    def _start_moved(self) -> None:
        """Start those that wait for nobody any more."""
        for name, due in tuple(self._moving.items()):
            ended = not any(each.life.state in ALIVE for each in due)
            if ended and name in self._moving and not self._places.waits(due[0].spec, due):
                del self._moving[name]
                for each in due:
                    self._fleet.do(each, each.life.start(now()))

    def _changed(self) -> None:
        self._start_moved()
        self._board.show(self._fleet)
        self._settle()
        if self._closing:
            self._end_next_stage()
        elif self.on_first_ready is not None and all(
            each.life.state in {State.READY, State.DISABLED}
            or (each.life.state is State.PARKED and each.spec.over_budget == "park")
            for each in self._fleet
        ):
            greet, self.on_first_ready = self.on_first_ready, None
            greet()

    def _give_up(self, reason: str) -> None:
        if not self._closing:
            self._report.error(f"giving up: {reason}")
            self._close(EXIT_REFUSED)

    def _close(self, code: int) -> None:
        self._closing = self._fleet.ending = True
        self._reload.stop()
        self._preview.cancel()
        self._moving.clear()
        self.exit_code = code
        if self._control is not None:
            self._control.refuse_all("metergate is stopping")
        for process in self._fleet:
            if process.life.state not in ALIVE:
                self._fleet.do(process, process.life.halt(now(), State.STOPPED, "metergate stops"))
        stages = len({process.spec.stop_stage for process in self._fleet})
        patience_s = stages * self._settings.config.supervisor.stop_timeout_s + LAST_PATIENCE_S
        self._loop.alarm("last patience", now() + patience_s, self._abandon)
        self._end_next_stage()

    def _end_next_stage(self) -> None:
        alive = [process for process in self._fleet if process.life.state in ALIVE]
        if not alive:
            self._loop.stop()
            return
        stage = min(process.spec.stop_stage for process in alive)
        for process in alive:
            if process.spec.stop_stage == stage and process.life.state is not State.STOPPING:
                self._fleet.do(process, process.life.halt(now(), State.STOPPED, "metergate stops"))

    def _abandon(self) -> None:
        left = " ".join(f"{process.name} (pid {process.life.pid})" for process in self._fleet if process.life.pid)
        self._report.error(f"even SIGKILL does not end {left}; leaving it to the kernel")
        self.exit_code = EXIT_REFUSED
        self._loop.stop()


def _is_due(process: Process, *, changed: bool) -> bool:
    """Whether it starts (again) now: it is new, its settings changed, or they were, or may be, why it does not run."""
    new = process.life.starts == 0 or not process.wanted
    return changed or new or process.life.state in {State.DISABLED, State.PARKED}
