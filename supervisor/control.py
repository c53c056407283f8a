"""Takes commands on the supervisor's ROUTER and answers when they are done, not when they are begun."""

from collections.abc import Callable
from typing import Any, Final

import zmq

from shared.bus.codec import decode_command, encode
from shared.bus.command import Deadlines
from shared.bus.messages import Command, Reply
from shared.bus.sockets import Socket, receive
from shared.errors import BusError, RefusedError
from supervisor.report import Report

COMMANDS_PER_TURN: Final = 64
WAITING: Final = 64

Result = dict[str, Any]
Progress = Callable[[], Result | None]
"""The result once it is there, None until then; RefusedError where it cannot come any more."""


class Control:
    """Conversations with command lines and the console.

    Args:
        socket: ROUTER.
        execute: begins a command; returns its progress, or raises RefusedError.
        report: for what cannot be understood.
    """

    __slots__ = ("_deadlines", "_dropped", "_execute", "_report", "_socket", "_waiting")

    def __init__(self, socket: Socket, execute: Callable[[str, dict[str, Any]], Progress], report: Report) -> None:
        self._socket = socket
        self._execute = execute
        self._report = report
        self._deadlines = Deadlines()
        self._dropped = 0
        self._waiting: list[tuple[bytes, Command, Progress]] = []

    def on_readable(self) -> None:
        """Take what arrived, at most so much that children are not kept waiting."""
        for _ in range(COMMANDS_PER_TURN):
            try:
                peer, *frames = receive(self._socket)
            except zmq.Again:
                return
            try:
                command = decode_command(b"".join(frames))
            except BusError as error:
                self._dropped += 1
                if self._dropped.bit_count() == 1:  # the 1st, 2nd, 4th ...: a flood must not become a flood of lines
                    self._report.warning("command dropped", reason=str(error), dropped=self._dropped)
                continue
            if not self._deadlines.expired(command):
                self._begin(peer, command)

    def settle(self) -> None:
        """Answer the commands that are done by now; forget those whose callers have given up."""
        waiting, self._waiting = self._waiting, []
        for peer, command, progress in waiting:
            if not self._deadlines.expired(command):
                self._follow(peer, command, progress)

    def refuse_all(self, reason: str) -> None:
        """Answer all who still wait: it will not be done."""
        for peer, command, _ in self._waiting:
            self._answer(peer, Reply(id=command.id, ok=False, error=reason))
        self._waiting.clear()

    def _begin(self, peer: bytes, command: Command) -> None:
        if len(self._waiting) >= WAITING:
            self._answer(peer, Reply(id=command.id, ok=False, error="the supervisor is busy; try again"))
            return
        try:
            progress = self._execute(command.verb, command.args)
        except RefusedError as error:
            self._answer(peer, Reply(id=command.id, ok=False, error=str(error)))
            return
        self._follow(peer, command, progress)

    def _follow(self, peer: bytes, command: Command, progress: Progress) -> None:
        try:
            result = progress()
        except RefusedError as error:
            self._answer(peer, Reply(id=command.id, ok=False, error=str(error)))
            return
        if result is None:
            self._waiting.append((peer, command, progress))
        else:
            self._answer(peer, Reply(id=command.id, ok=True, result=result))

    def _answer(self, peer: bytes, reply: Reply) -> None:
        try:
            self._socket.send_multipart((peer, encode(reply)), zmq.NOBLOCK)
        except (zmq.Again, BusError) as error:  # nobody takes it, or it is too large
            self._report.warning("answer dropped", reason=str(error))
