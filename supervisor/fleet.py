"""All processes of one supervisor: does what their state machines ask for, and tells these what happened.

Nothing here decides about settings, commands or the end; that is `supervise`.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from shared.config.model import Config
from shared.errors import RefusedError
from supervisor.board import Board
from supervisor.child import ALIVE, LAUNCH_FAILED, Lifecycle, State, Todo
from supervisor.forkserver import Order
from supervisor.launcher import Failed, Launched, Launcher
from supervisor.loop import Callback, Loop, now
from supervisor.policy import Limits, how_it_ended
from supervisor.process import Process
from supervisor.room import refuse_one_more
from supervisor.sockets import ListeningSockets, PlaceError, next_try
from supervisor.spec import RoleSpec

BEATS_PER_TIMEOUT = 4
_LATER = "once it can, it starts by itself"
RESTING = frozenset({State.STOPPED, State.PARKED, State.DISABLED})


class Fleet:
    """Processes by instance name.

    Args:
        loop: to wait for them.
        board: to tell of them.
        config: in force when a process is launched.
        env: what each process finds in its environment besides its own.
        launcher: given whom to tell, makes the launcher.

    Attributes:
        sockets: listening sockets that are held for them.
        ending: whoever dies now is not started again.
        on_change: called when the state of a process changed.
        on_escalate: called with the reason when a process must not be started again and this cannot be left alone.
    """

    def __init__(
        self,
        loop: Loop,
        board: Board,
        config: Callable[[], Config],
        env: dict[str, str],
        launcher: Callable[[Launched, Failed], Launcher],
    ) -> None:
        self._loop = loop
        self._board = board
        self._config = config
        self._env = env
        self._by_name: dict[str, Process] = {}
        self.sockets = ListeningSockets()
        self.ending = False
        self._launcher = launcher(self._launched, self._launch_failed)
        self.on_change: Callback
        self.on_escalate: Callable[[str], None]

    def __iter__(self) -> Iterator[Process]:
        return iter(tuple(self._by_name.values()))

    def of(self, spec: RoleSpec) -> list[Process]:
        """The processes of one role."""
        return [process for process in self._by_name.values() if process.spec is spec]

    def kill(self, instance: str, reason: str) -> Callable[[], dict[str, Any] | None]:
        """End one process this instant: somebody cannot wait until it does what it was told. Done when it is gone.

        Raises:
            RefusedError: this supervisor does not run it.
        """
        process = next((each for each in self if each.name == instance), None)
        if process is None:
            raise RefusedError(f"{instance!r} is not run by this supervisor")
        pid = process.life.pid
        self.do(process, process.life.kill(now(), f"killed by command: {reason}"))
        return lambda: None if pid and process.life.pid == pid else {"pid": pid}

    def named(self, name: str) -> list[Process]:
        """The process of that instance name, or those of that role name.

        Raises:
            RefusedError: there is none.
        """
        found = [process for process in self._by_name.values() if name in (process.spec.name, process.name)]
        if name in self._by_name and len(found) > 1:
            return found  # a role's name is also that of its first instance; the role is meant
        if not found:
            raise RefusedError(f"{name!r} is not run by this supervisor; it runs: {' '.join(self._by_name)}")
        return found

    def add(self, name: str, spec: RoleSpec) -> Process:
        """A process that may be started; it is stopped as yet."""
        settings = self._config().supervisor
        limits = Limits(settings.max_deaths_per_minute, spec.over_budget)
        life = Lifecycle(limits, settings.beat_timeout_s, settings.stop_timeout_s)
        self._by_name[name] = process = Process(name, spec, life)
        return process

    def do(self, process: Process, todo: Todo) -> None:
        """What a state machine asked for, and what follows from the state that it is in now."""
        match todo:
            case Todo.LAUNCH:
                self._launch(process)
            case Todo.TERMINATE:
                process.signal(signal.SIGTERM)
            case Todo.KILL:
                self._kill(process)
            case Todo.ESCALATE | Todo.NOTHING:
                pass
        self._loop.alarm(f"life {process.name}", process.life.deadline, lambda: self._expired(process))
        if process.life.state in RESTING:
            self.sockets.release(process.name)
            if not process.wanted:
                self._by_name.pop(process.name, None)
        self.on_change()
        if todo is Todo.ESCALATE:
            self.on_escalate(f"{process.name}: {process.life.reason}")

    def sweep(self, *others: int) -> None:
        """Reap orphans that nobody knows: children of roles, or of whatever else process 1 of a container inherits.

        Args:
            others: pids of children that are waited for elsewhere; 0 for none.
        """
        known = {*others, *(process.life.pid for process in self._by_name.values())}
        if any(process.life.pid == 0 and process.life.state in ALIVE for process in self._by_name.values()):
            return  # one on its way may have ended already; it must be there when its pid becomes known
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None or ended.si_pid in known or ended.si_pid == self._launcher.pid:
                return
            os.waitid(os.P_PID, ended.si_pid, os.WEXITED)

    def close(self) -> None:
        """Kill what still runs, and let go of everything."""
        for process in self:
            process.signal(signal.SIGKILL)
            if process.pidfd >= 0:
                self._let_go(process)
            self._hang_up(process)
        self._launcher.close()
        self.sockets.close()

    def _launched(self, name: str, pid: int) -> None:
        """The launcher made a process."""
        process = self._by_name[name]
        try:
            process.pidfd = os.pidfd_open(pid)
        except OSError as error:
            os.kill(pid, signal.SIGKILL)  # still our child's number, as nobody has waited for it; a sweep does
            self._launch_failed(name, f"cannot watch process {pid}: {error.strerror}")
            return
        self._loop.watch(process.pidfd, lambda: self._ended(process))
        self.do(process, process.life.launched(now(), pid))

    def _launch_failed(self, name: str, reason: str) -> None:
        """The launcher could not make a process."""
        process = self._by_name[name]
        self._hang_up(process)
        self._settle_death(process, LAUNCH_FAILED, reason)

    def _launch(self, process: Process) -> None:
        self._loop.alarm(f"place {process.name}", None, lambda: None)
        began = now()
        try:
            if process.life.starts == 1:
                refuse_one_more(sum(each.control is not None and each.pidfd < 0 for each in self._by_name.values()))
            listening = self._hold(process)
            theirs = process.new_channel()
        except RefusedError as error:
            reason = str(error)
            if isinstance(error, PlaceError):
                reason = f"{error}; {_LATER}"
                self._look_again(process, began)
            process.life.park(reason)
            self._board.event("child.parked", f"{process.name}: {reason}", "error", child=process.name)
            return
        except OSError as error:
            self._launch_failed(process.name, f"no channel to it: {error.strerror}")
            return
        if process.control is not None:
            self._loop.watch(process.control.fileno(), lambda: self._hear(process))
        order = Order(process.name, process.spec.module, {**self._env, "METERGATE_INSTANCE": process.name})
        try:
            self._launcher.launch(order, [theirs.fileno(), *(each.fileno() for each in listening)])
        finally:
            theirs.close()

    def _hold(self, process: Process) -> list[socket.socket]:
        """Its listening socket, if it has one; PlaceError where that cannot be had."""
        where = process.spec.listen(self._config())
        return [] if where is None else [self.sockets.hold(process.name, where)]

    def _look_again(self, process: Process, began: float) -> None:
        """Its place could not be had, tried since `began`: it starts once it can. Said once, and not at each try."""

        def look() -> None:
            if process.life.state is not State.PARKED:
                return
            began = now()
            try:
                self._hold(process)
            except PlaceError:
                self._look_again(process, began)
            else:
                self.do(process, process.life.start(now()))

        self._loop.alarm(f"place {process.name}", next_try(began, now()), look)

    def _kill(self, process: Process) -> None:
        cause = process.life.killed_for
        self._board.event("child.killed", f"{process.name}: {cause}; killed", "warning", child=process.name)
        if process.life.pid:
            process.signal(signal.SIGKILL)
        else:
            self._launcher.abandon(process.name)

    def _hear(self, process: Process) -> None:
        try:
            while (heard := process.hear()) is not None:
                self._heard(process, heard)
        except EOFError:
            self._hang_up(process)

    def _heard(self, process: Process, message: dict[str, bool | int | float | str]) -> None:
        life = process.life
        if "beat" in message:
            process.status = message
            life.beat(now())
        if "refused" in message:
            process.last_words = str(message["refused"])
        if message.get("ready") is True and life.became_ready(now()):
            self._board.event("child.ready", f"{process.name} is ready", child=process.name, pid=life.pid)
            self.on_change()
        self._loop.alarm(f"life {process.name}", life.deadline, lambda: self._expired(process))

    def _expired(self, process: Process) -> None:
        self.do(process, process.life.expired(now()))

    def _ended(self, process: Process) -> None:
        self._hear(process)  # its last words
        code = process.reap()
        self._let_go(process)
        self._hang_up(process)
        self._settle_death(process, code, process.last_words)

    def _settle_death(self, process: Process, code: int, cause: str) -> None:
        life = process.life
        if self.ending:
            life.halt(now(), State.STOPPED, "metergate stops")
        pid, killed_for, asked, known = life.pid, life.killed_for, life.state is State.STOPPING, life.reason
        todo = life.exited(now(), code, cause)
        words = cause or killed_for or how_it_ended(code)
        data: dict[str, str | int] = {"child": process.name, "pid": pid, "code": code}
        if asked:
            self._board.event("child.exited", f"{process.name} ended as asked: {words}", "info", **data)
        elif life.state is State.PARKED:
            if life.reason != known:  # said once, and not at each try
                self._board.event("child.parked", f"{process.name} is parked: {life.reason}", "error", **data)
        else:
            pause = "" if life.deadline is None else f"; starts again in {max(0.0, life.deadline - now()):.2g} s"
            if life.state is State.STARTING:
                pause = "; starts again at once"
            self._board.event("child.exited", f"{process.name} ended: {words}{pause}", "warning", **data)
        self.do(process, todo)

    def _let_go(self, process: Process) -> None:
        self._loop.unwatch(process.pidfd)
        os.close(process.pidfd)
        process.pidfd = -1

    def _hang_up(self, process: Process) -> None:
        if process.control is not None:
            self._loop.unwatch(process.control.fileno())
            process.control.close()
            process.control = None


def contract(settings: Path, copy: Path, config: Config) -> dict[str, str]:
    """Environment of every role process, besides its instance name and descriptors.

    Fixed at the start of the supervisor, as these settings are in the copy, see `settings`.
    """
    return {
        "METERGATE_CONFIG": str(settings),
        "METERGATE_SETTINGS": str(copy),
        "METERGATE_RUN_DIR": str(config.gateway.run_dir),
        "METERGATE_STATE_DIR": str(config.gateway.state_dir),
        "METERGATE_BEAT_S": f"{config.supervisor.beat_timeout_s / BEATS_PER_TIMEOUT:g}",
        "METERGATE_SUPERVISOR_PID": str(os.getpid()),
    }
