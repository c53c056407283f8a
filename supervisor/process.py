"""One supervised process with all that belongs to it: life, descriptor of the process, control channel, last status."""

import contextlib
import os
import signal
import socket
from pathlib import Path
from typing import Final

import msgspec

from shared import clock
from shared.bus.messages import Child
from supervisor.child import RUNNING, Lifecycle
from supervisor.spec import RoleSpec

BEAT_BYTES: Final = 4096
TICKS: Final = os.sysconf("SC_CLK_TCK")
PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") // 1024
LONGEST_NOTE: Final = 300
"""Characters."""

Status = dict[str, bool | int | float | str]
_decoder: Final = msgspec.msgpack.Decoder(Status)


class Process:
    """One instance of a role.

    Args:
        name: instance name.
        spec: of its role.
        life: its state machine.

    Attributes:
        control: our end of the control channel.
        pidfd: descriptor of the process, -1 where there is none.
        started_ns: CLOCK_BOOTTIME of the last start.
        status: what came with the last beat.
        last_words: why it ends, as it said itself; empty where it did not.
        wanted: false once the settings do not name it any more; it goes when its process has ended.
    """

    __slots__ = ("control", "last_words", "life", "name", "pidfd", "spec", "started_ns", "status", "wanted")

    def __init__(self, name: str, spec: RoleSpec, life: Lifecycle) -> None:
        self.name = name
        self.spec = spec
        self.life = life
        self.control: socket.socket | None = None
        self.pidfd = -1
        self.started_ns = 0
        self.status: Status = {}
        self.last_words = ""
        self.wanted = True

    def new_channel(self) -> socket.socket:
        """Make a control channel; returns the child's end, to be handed over and closed."""
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.setblocking(False)
        self.started_ns = clock.now_ns()
        self.status = {}
        self.last_words = ""
        return theirs

    def hear(self) -> Status | None:
        """The next message of the child; empty where it cannot be understood, None where there is none.

        Raises:
            EOFError: the child's end is closed.
        """
        if self.control is None:
            return None
        try:
            data = self.control.recv(BEAT_BYTES)
        except BlockingIOError:
            return None
        except ConnectionResetError:
            data = b""
        if not data:
            raise EOFError
        try:
            return _decoder.decode(data)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {}

    def signal(self, number: int) -> None:
        """Send a signal to this very process, never to a later one of the same pid."""
        if self.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):  # ended meanwhile; its descriptor tells next
                signal.pidfd_send_signal(self.pidfd, number)

    def reap(self) -> int:
        """Exit code of the ended process, or the negative number of the signal that ended it."""
        ended = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        if ended is None:
            raise ChildProcessError(f"{self.name} (pid {self.life.pid}) has not ended")
        return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status

    @property
    def reason(self) -> str:
        """Why it is not ready; of one that runs, what its last beat noted, e.g. that a meter does not answer."""
        if self.life.reason or self.life.state not in RUNNING:
            return self.life.reason
        note = str(self.status.get("note", ""))[:LONGEST_NOTE]
        return "".join(each if each.isprintable() else " " for each in note)

    def row(self) -> Child:
        """As `metergate ps` shows it."""
        rss_kib, cpu_ms = _usage(self.life.pid) if self.life.pid else (0, 0)
        return Child(
            name=self.name,
            role=self.spec.name,
            state=self.life.state.value,
            pid=self.life.pid,
            restarts=max(0, self.life.starts - 1),
            asked=max(0, self.life.asked - 1),  # less the first start, which is always asked for
            started_ns=self.started_ns,
            rss_kib=rss_kib,
            cpu_ms=cpu_ms,
            reason=self.reason,
            queue=self._told("queue"),
            pending=self._told("pending"),
            missed=self._told("missed"),
        )

    def _told(self, name: str) -> int:
        """A number of the last beat; -1 where there is none."""
        value = self.status.get(name) if self.life.pid else None
        return int(value) if isinstance(value, int | float) and value >= 0 else -1


def _usage(pid: int) -> tuple[int, int]:
    """Resident memory in KiB and processor time in ms, from proc_pid_stat(5)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:  # it ended just now, or no descriptor is left to look
        return (0, 0)
    return int(fields[21]) * PAGE_KIB, (int(fields[11]) + int(fields[12])) * 1000 // TICKS
