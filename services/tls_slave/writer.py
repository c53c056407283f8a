"""Writes on their way to the register store: a command with a deadline, answered once the own replica shows it.

A store that is away or slow gives exception 06, and the command is dropped there once its deadline is over, well before
that exception: what is begun can still be confirmed. A store that dies or is stopped as it obeys leaves a write that
is done and not confirmed; nobody can tell, so the peer has to read back. What has not been sent when a right ends is
not sent any more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from structlog.typing import FilteringBoundLogger

from shared.bus.command import CONFIRMED_S, WRITE_S
from shared.errors import PeerError, RefusedError
from shared.modbus.access import Later
from shared.modbus.pdu import ExceptionCode, Function, Write
from shared.modbus.replica import Replica

STORE: Final = "register-store"

SHOWN_S: Final = 0.5
"""The image that shows a write was sent before the answer, on another connection."""

Call = Callable[[str, str, dict[str, Any], float, float], Awaitable[dict[str, Any]]]
"""`Bus.call`."""


class _Reply(msgspec.Struct, frozen=True):
    """What the store says: the version of the image that shows it, or the exception for the peer."""

    gen: int = 0
    seq: int = 0
    exception: ExceptionCode | None = None
    reason: str = ""


class StoreWriter:
    """All writes of this process."""

    def __init__(self, call: Call, replica: Replica, log: FilteringBoundLogger, shown_s: float = SHOWN_S) -> None:
        self._call = call
        self._replica = replica
        self._log = log
        self._shown_s = shown_s
        self._tasks: dict[asyncio.Task[None], Callable[[], bool]] = {}
        self._changed = asyncio.Event()

    def write(self, meter: str, request: Write, who: dict[str, str], allowed: Callable[[], bool]) -> Later:
        """Begin; the result is the answer's PDU or an exception. `allowed`: whether the peer still may."""
        later = Later()
        task = asyncio.get_running_loop().create_task(self._write(later, meter, request, who))
        self._tasks[task] = allowed
        task.add_done_callback(self._tasks.pop)
        return later

    def image_taken(self) -> None:
        """The replica has a new image."""
        self._changed.set()
        self._changed = asyncio.Event()

    def review(self) -> None:
        """Rights have changed: send nothing any more for who may not write now."""
        for task, allowed in tuple(self._tasks.items()):
            if not allowed():
                self._log.warning("a write is given up", reason="its peer may not write any more")
                task.cancel()

    def stop(self) -> None:
        """Wait for nothing any longer."""
        for task in self._tasks:
            task.cancel()

    async def _write(self, later: Later, meter: str, request: Write, who: dict[str, str]) -> None:
        outcome: bytes | ExceptionCode = ExceptionCode.SERVER_DEVICE_BUSY
        try:
            outcome = await self._outcome(meter, request, who)
        except RefusedError as error:
            self._log.warning("a write was not done", meter=meter, start=request.start, reason=str(error))
        except (PeerError, msgspec.ValidationError) as error:
            self._log.warning("a write is not confirmed", meter=meter, start=request.start, reason=str(error))
        finally:
            later.settle(outcome)

    async def _outcome(self, meter: str, request: Write, who: dict[str, str]) -> bytes | ExceptionCode:
        values = [int.from_bytes(request.data[at : at + 2], "big") for at in range(0, len(request.data), 2)]
        args = {"meter": meter, "start": request.start, "values": values, "who": who}
        reply = msgspec.convert(await self._call(STORE, "write", args, CONFIRMED_S, WRITE_S), _Reply)
        if reply.exception is not None:
            return reply.exception
        try:
            async with asyncio.timeout(self._shown_s):
                while not self._replica.holds(meter, (reply.gen, reply.seq)):
                    await self._changed.wait()
        except TimeoutError:
            raise PeerError(f"{STORE} has done it, but its image has not come within {self._shown_s:g} s") from None
        return echo(request)


def echo(request: Write) -> bytes:
    """The answer's PDU of a write that was done."""
    head = bytes((request.function,)) + request.start.to_bytes(2, "big")
    if request.function == Function.WRITE_SINGLE_REGISTER:
        return head + request.data
    return head + (len(request.data) // 2).to_bytes(2, "big")
