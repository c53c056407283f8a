"""Two ways to make a process: spawn it, as one role alone is; or have the fork server fork it, as many roles are."""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from supervisor.forkserver import ORDER_BYTES, TITLE_ROOM, Forked, Order
from supervisor.loop import Loop, now
from supervisor.report import Report

ROLE_ENTRY: Final = "shared.actor:child_main"
SHORT_LIFE_S: Final = 1.0
FORK_S: Final = 2.0
"""Patience with a fork server that has forked before, which takes milliseconds; one that still imports has more."""

Launched = Callable[[str, int], None]
"""Instance and pid: the process exists and is a child of this one."""
Failed = Callable[[str, str], None]
"""Instance and reason: there is no process."""


class Launcher(Protocol):
    """Makes processes out of orders. It does not watch them."""

    @property
    def pid(self) -> int:
        """Of the helper process that it keeps; 0 where it keeps none."""

    def launch(self, order: Order, descriptors: Sequence[int]) -> None:
        """Begin; the first descriptor is the control channel, the others listen. The caller may close them after."""

    def abandon(self, instance: str) -> None:
        """It takes too long: make sure that this order is not fulfilled any more."""

    def close(self) -> None:
        """No more orders."""


class SpawnLauncher:
    """A new interpreter for each process."""

    def __init__(self, launched: Launched, failed: Failed) -> None:
        self._launched = launched
        self._failed = failed

    @property
    def pid(self) -> int:
        """See `Launcher`."""
        return 0

    def launch(self, order: Order, descriptors: Sequence[int]) -> None:
        """See `Launcher`."""
        control, *listening = descriptors
        env = {
            **os.environ,
            **order.env,
            "METERGATE_CONTROL_FD": str(control),
            "METERGATE_LISTEN_FDS": ",".join(map(str, listening)),
        }
        try:
            pid = spawn(["-m", order.module], env, descriptors)
        except OSError as error:
            self._failed(order.instance, f"cannot start a process: {error.strerror}")
            return
        self._launched(order.instance, pid)

    def abandon(self, instance: str) -> None:
        """Never needed: spawning has ended when `launch` returns."""

    def close(self) -> None:
        """Nothing is held."""


class ForkLauncher:
    """Orders go to a fork server, which is started again when it dies; what it made lives on.

    Args:
        loop: to wait for its answers.
        report: for its deaths.
        launched: called when a process exists.
        failed: called when an order came to nothing.
        modules: that the next one imports before its first order.
        entry: `module:function` that each forked process enters.
        first: a fork server that runs already.
    """

    def __init__(
        self,
        loop: Loop,
        report: Report,
        launched: Launched,
        failed: Failed,
        *,
        modules: Sequence[str],
        entry: str,
        first: "ForkServer",
    ) -> None:
        self._loop = loop
        self._report = report
        self._modules = tuple(modules)
        self._entry = entry
        self._launched = launched
        self._failed = failed
        self._pending: set[str] = set()
        self._server: ForkServer | None = None
        self._hire(first)

    @property
    def pid(self) -> int:
        """See `Launcher`."""
        return self._server.pid if self._server else 0

    def launch(self, order: Order, descriptors: Sequence[int]) -> None:
        """See `Launcher`. A fork server that still imports finds the order when it is done."""
        server = self._server or self._begin()
        if server is None:
            self._failed(order.instance, "cannot start the fork server")
            return
        try:
            forked = msgspec.structs.replace(order, module=f"{order.module}.actor")
            socket.send_fds(server.channel, [msgspec.msgpack.encode(forked)], list(descriptors))
        except OSError as error:
            self._failed(order.instance, f"the fork server takes no order: {error.strerror}")
            return
        self._pending.add(order.instance)
        if server.proven:
            self._loop.alarm(f"fork {order.instance}", now() + FORK_S, lambda: self.abandon(order.instance))

    def abandon(self, instance: str) -> None:
        """See `Launcher`. A fork server that does not answer is stuck; its death fails the order."""
        if instance in self._pending and self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._server.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """See `Launcher`."""
        if self._server is not None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._server.pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, self._server.pidfd, os.WEXITED)
            self._forget(self._server)

    def _begin(self) -> "ForkServer | None":
        try:
            return self._hire(ForkServer(self._spawn))
        except OSError as error:
            self._report.error("fork server not started", reason=str(error.strerror))
            return None

    def _spawn(self, channel: socket.socket, _: socket.socket) -> int:
        fd = channel.fileno()
        arguments = ["-m", "supervisor.forkserver", str(fd), str(os.getpid()), self._entry, *self._modules, TITLE_ROOM]
        return spawn(arguments, dict(os.environ), [fd])

    def _hire(self, server: "ForkServer") -> "ForkServer":
        self._server = server
        self._loop.watch(server.channel.fileno(), lambda: self._answers(server))
        self._loop.watch(server.pidfd, self._died)
        return server

    def _answers(self, server: "ForkServer") -> None:
        while True:
            try:
                data = server.channel.recv(ORDER_BYTES)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            if not data:
                self._loop.unwatch(server.channel.fileno())
                return
            forked = msgspec.msgpack.decode(data, type=Forked)
            server.proven = True
            self._settle(forked.instance)
            self._launched(forked.instance, forked.pid)

    def _died(self) -> None:
        server = self._server
        if server is None:
            return
        self._answers(server)  # what it made before it died
        ended = os.waitid(os.P_PIDFD, server.pidfd, os.WEXITED)
        self._forget(server)
        lived_s = now() - server.since
        self._report.warning(
            "fork server ended", pid=server.pid, status=ended.si_status if ended else 0, lived_s=round(lived_s, 3)
        )
        if lived_s >= SHORT_LIFE_S:
            self._begin()  # otherwise with the next order, which waits by the restart policy
        for instance in tuple(self._pending):
            self._settle(instance)
            self._failed(instance, "the fork server ended before it made the process")

    def _settle(self, instance: str) -> None:
        self._pending.discard(instance)
        self._loop.alarm(f"fork {instance}", None, lambda: None)

    def _forget(self, server: "ForkServer") -> None:
        self._loop.unwatch(server.pidfd)
        self._loop.unwatch(server.channel.fileno())
        os.close(server.pidfd)
        server.channel.close()
        self._server = None


class ForkServer:
    """One that runs.

    Args:
        make: makes the process, given its end of the channel and ours, which it must not keep; returns its pid.

    Attributes:
        channel: orders and answers.
        pid: of the process.
        pidfd: of the process.
        proven: whether it has forked.
        since: when it was made, monotonic seconds.

    Raises:
        OSError: it could not be made.
    """

    __slots__ = ("channel", "pid", "pidfd", "proven", "since")

    def __init__(self, make: Callable[[socket.socket, socket.socket], int]) -> None:
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.setblocking(False)
        try:
            self.pid = make(theirs, self.channel)
            self.pidfd = os.pidfd_open(self.pid)
        except OSError:
            self.channel.close()
            raise
        finally:
            theirs.close()
        self.proven = False
        self.since = now()


def spawn(arguments: list[str], env: dict[str, str], descriptors: Sequence[int], output: int = 1) -> int:
    """A child interpreter with these descriptors under the same numbers, in a group of its own, without a keyboard.

    Its standard output is `output`.

    A group of its own, so that Ctrl-C reaches the supervisor alone and the roles end in order. `-P` keeps a folder
    `services` where the command was given from being taken for ours.
    """
    actions: list[tuple[int, int, str, int, int] | tuple[int, int, int]] = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        *((os.POSIX_SPAWN_DUP2, fd, fd) for fd in descriptors),  # onto itself: loses close-on-exec, keeps the number
    ]
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-P", *arguments],
        env,
        file_actions=actions,
        setpgroup=0,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGINT, signal.SIGTERM, signal.SIGHUP),
    )
