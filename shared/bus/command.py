"""Ask the owner of some state to do something, and wait for the answer. Blocking; for command lines and tests.

Roles use `Bus.call`, which is the same conversation on their event loop.
"""

import itertools
import time
from typing import Any, Final

import zmq

from shared import clock
from shared.bus.codec import decode_reply, encode
from shared.bus.messages import Command, Reply
from shared.bus.network import Endpoint
from shared.bus.sockets import Socket, context, dealer_socket
from shared.errors import BusError, PeerError, RefusedError

WRITE_S: Final = 0.5
"""So long a write to registers may wait until the register store begins with it; then it is dropped there."""

CONFIRMED_S: Final = 1.0
"""So long its answer is waited for: what is begun at the last moment can still be confirmed on a busy machine."""

SETTLED_S: Final = WRITE_S + 0.2
"""After it a write that was handed over is done or dropped, however long the store was stopped or held up."""

_ids = itertools.count(1)


def command(verb: str, args: dict[str, Any], timeout_s: float) -> Command:
    """A command that its owner drops if it has not begun with it after `timeout_s`."""
    now = clock.now_ns()
    return Command(id=next(_ids), verb=verb, args=args, sent_ns=now, deadline_ns=now + round(timeout_s * 1e9))


class Deadlines:
    """When a caller has given up, also one on another host, whose clock is mapped by the least delay seen."""

    __slots__ = ("_clocks",)

    def __init__(self) -> None:
        self._clocks = clock.ClockMap(repeated=False)

    def expired(self, request: Command) -> bool:
        """Whether nobody waits for the answer any longer. Without a time of sending, another host's always has."""
        now = clock.now_ns()
        if request.boot == clock.BOOT_ID:
            return now > request.deadline_ns
        sent = self._clocks.to_local(request.boot, request.sent_ns, now) if request.sent_ns else None
        return sent is None or now > sent + request.deadline_ns - request.sent_ns


def result(instance: str, reply: Reply) -> dict[str, Any]:
    """The result, or RefusedError with the owner's words."""
    if not reply.ok:
        raise RefusedError(reply.error or f"{instance} refused without a reason")
    return reply.result


def silence(instance: str, verb: str, timeout_s: float) -> PeerError:
    """The error for no answer."""
    return PeerError(f"{instance} did not answer {verb!r} within {timeout_s:g} s; see `metergate ps`")


def call(endpoint: Endpoint, instance: str, verb: str, args: dict[str, Any], timeout_s: float = 2.0) -> dict[str, Any]:
    """Send one command and wait for its answer.

    Args:
        endpoint: of the owner, `Endpoints.cmd(instance)`.
        instance: its name, for messages.
        verb: what to do.
        args: details by name.
        timeout_s: for connection, work and answer together.

    Raises:
        RefusedError: the owner said no; the text is its reason.
        PeerError: no answer in time.
        BusError: the answer is malformed.
    """
    with context() as ctx, dealer_socket(ctx, endpoint) as socket:
        return call_on(socket, instance, verb, args, timeout_s)


def call_on(socket: Socket, instance: str, verb: str, args: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """As `call`, on a DEALER that is already there."""
    until = time.monotonic() + timeout_s
    request = command(verb, args, timeout_s)
    if not socket.poll(_left_ms(until), zmq.POLLOUT):
        raise silence(instance, verb, timeout_s)
    socket.send(encode(request), zmq.NOBLOCK)
    while socket.poll(_left_ms(until), zmq.POLLIN):
        reply = decode_reply(socket.recv())
        if reply.id == request.id:
            return result(instance, reply)
        if reply.id > request.id:
            raise BusError(f"{instance} answered a command that was never sent ({reply.id})")
    raise silence(instance, verb, timeout_s)


def _left_ms(until: float) -> int:
    return max(0, round((until - time.monotonic()) * 1000))
