"""Has the roles check what new settings refer to, in a process of its own, before these come into force.

While it runs the settings before stay in force and the poll goes on. Whatever keeps the answer from coming counts as a
refusal: settings of which nobody knows whether they are right change nothing.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from shared.errors import EXIT_CONFIG, EXIT_DONE, Fault
from supervisor.launcher import spawn
from supervisor.loop import Loop, now
from supervisor.policy import how_it_ended
from supervisor.settings import write_secret

PATIENCE_S: Final = 5.0
MOST_BYTES: Final = 65_536
_READ: Final = 16_384
_UNKNOWN: Final = "the files that the settings name could not be checked"

Verdict = Callable[[tuple[Fault, ...]], None]
"""Told why the settings are refused; empty where they are not."""

_faults: Final = msgspec.json.Decoder(tuple[Fault, ...])


class Verification:
    """At most one check at a time.

    Args:
        loop: to wait for it.
        env: what a role finds in its environment.
        draft: where the settings in question are written meanwhile; its name is that of the alarm, too.
    """

    __slots__ = ("_alarm", "_draft", "_env", "_loop", "_pidfd", "_reader", "_said", "_verdict", "pid")

    def __init__(self, loop: Loop, env: Mapping[str, str], draft: Path) -> None:
        self._loop = loop
        self._env = env
        self._draft = draft
        self._alarm = f"verify {draft.name}"
        self._pidfd = self._reader = -1
        self._said = b""
        self._verdict: Verdict | None = None
        self.pid = 0

    @property
    def under_way(self) -> bool:
        """Whether a verdict is still to come."""
        return self._verdict is not None

    def begin(self, content: bytes, modules: Sequence[str], verdict: Verdict) -> None:
        """Check these settings; a check under way is given up.

        Args:
            content: of the settings file.
            modules: of the roles, see `shared.verify`.
            verdict: called later, never from here, and not where the check is given up.
        """
        self.cancel()
        self._verdict = verdict
        try:
            write_secret(self._draft, content)
            self._start(modules)
        except OSError as error:
            reason = f"{error.strerror}"
            self._loop.alarm(self._alarm, now(), lambda: self._unknown(reason))
        else:
            self._loop.watch(self._reader, self._hear)
            self._loop.watch(self._pidfd, self._ended)
            self._loop.alarm(self._alarm, now() + PATIENCE_S, self._too_late)

    def cancel(self) -> None:
        """Give up a check under way. Its process is not waited for, since the kernel may hold it; a sweep reaps it."""
        self._verdict = None
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self._let_go()

    def _start(self, modules: Sequence[str]) -> None:
        self._reader, writer = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        os.set_blocking(writer, True)
        env = {**os.environ, **self._env, "METERGATE_SETTINGS": str(self._draft)}
        try:
            self.pid = spawn(["-m", "shared.verify", *modules], env, (), output=writer)
            self._pidfd = os.pidfd_open(self.pid)
        finally:
            os.close(writer)

    def _hear(self) -> None:
        """Take what it says, before a full pipe holds it up; what is beyond measure is dropped."""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, _READ):
                self._said = (self._said + part)[:MOST_BYTES]
            self._loop.unwatch(self._reader)

    def _ended(self) -> None:
        self._hear()
        ended = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        code = -1 if ended is None else ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        if code == EXIT_DONE:
            self._end(())
        elif code == EXIT_CONFIG and (faults := _read_faults(self._said)):
            self._end(faults)
        else:
            self._unknown(f"{how_it_ended(code)}, see the log")

    def _too_late(self) -> None:
        verdict = self._verdict
        self.cancel()
        self._verdict = verdict
        self._unknown(f"no answer within {PATIENCE_S:g} s; tried again within a minute")

    def _unknown(self, why: str) -> None:
        self._end((Fault(0, "", f"{_UNKNOWN}: {why}"),))

    def _end(self, faults: tuple[Fault, ...]) -> None:
        verdict, self._verdict = self._verdict, None
        self._let_go()
        if verdict is not None:
            verdict(faults)

    def _let_go(self) -> None:
        for fd in (self._pidfd, self._reader):
            if fd >= 0:
                self._loop.unwatch(fd)
                os.close(fd)
        self._pidfd = self._reader = -1
        self.pid = 0
        self._said = b""
        self._loop.alarm(self._alarm, None, lambda: None)
        with contextlib.suppress(OSError):  # one that is not there, or stays, is no secret: nobody else may read it
            self._draft.unlink()


def _read_faults(said: bytes) -> tuple[Fault, ...]:
    """What the check said; empty where it cannot be understood."""
    try:
        return _faults.decode(said)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ()
