"""Whose a socket file is: a second bind succeeds in silence, and who connects from then on speaks to the thief.

The owner looks whether the file is still the one that it made, and takes it back; its next generation then outdoes
whatever was said in its name. Who is connected looks whether the file is still the one that it found, and connects
anew. Between hosts keys do that; there is no file.
"""

import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

import zmq

from shared import clock
from shared.bus.messages import Event
from shared.bus.network import Endpoint
from shared.bus.publisher import Publisher
from shared.bus.sockets import Socket
from shared.rarely import Rarely

LOOK_S: Final = 1.0
MOST_TAKEN: Final = 64
"""In an hour, of all sockets together. Each time costs a descriptor."""

_HOUR_NS: Final = 3600 * 10**9

MOST_TURNS: Final = 32
"""Readings of what waits of an owner before another one is turned to: more than all queues hold, so that it ends also
where the one before goes on talking."""

_SCHEME: Final = "ipc://"
_File = tuple[int, int, int] | None


class Claims:
    """Of the owner.

    Args:
        publisher: goes on in the next generation once something was taken back.
        renew: takes that generation of the lock.
        error: of a log; told ever more rarely.
    """

    __slots__ = ("_error", "_held", "_publisher", "_rarely", "_renew", "_taken")

    def __init__(self, publisher: Publisher, renew: Callable[[], int], error: Callable[..., object]) -> None:
        self._publisher = publisher
        self._renew = renew
        self._error = error
        self._held: list[tuple[Socket, Endpoint, _File]] = []
        self._rarely = Rarely()
        self._taken: deque[int] = deque(maxlen=MOST_TAKEN)

    def add(self, socket: Socket, endpoint: Endpoint) -> None:
        """Bound there just now."""
        self._held.append((socket, endpoint, _file(endpoint)))

    def look(self) -> None:
        """Bind again what another process has bound as well, or removed; connections that stand are not touched.

        Where the whole folder is gone there is nothing to take back; the supervisor ends then.
        """
        for index, (socket, endpoint, ours) in enumerate(self._held):
            if _file(endpoint) != ours and _has_folder(endpoint) and self._is_taken_back(socket, endpoint):
                self._held[index] = (socket, endpoint, _file(endpoint))

    def _is_taken_back(self, socket: Socket, endpoint: Endpoint) -> bool:
        now = clock.now_ns()
        reason = "taken or removed again and again; end the process that does it, then start this role again or wait"
        if len(self._taken) < MOST_TAKEN or now - self._taken[0] > _HOUR_NS:
            reason = _bind(socket, endpoint)
        if reason:
            if times := self._rarely.times("lost", now):
                self._error("endpoint lost", endpoint=endpoint.address, reason=reason, times=times)
            return False
        self._taken.append(now)
        self._publisher.renew(self._renew())
        text = f"{endpoint.address} was taken by another process; taken back, and what it said is outdone"
        if times := self._rarely.times("taken", now):
            self._error(text, times=times)
        event = Event(**self._publisher.stamp(Event), t_ns=now, kind="bus.taken", level="error", text=text)
        self._publisher.publish(event)
        return True


class Sight:
    """Of one that is connected.

    What waits of the one before is read before the connection is given up: giving it up drops all of it.

    Args:
        socket: connected there. Between two readings no message is read in part, nor asked for by a poll, which takes
            its first frame: libzmq aborts the process that disconnects then (its issue 2163).
        endpoint: its place.
    """

    __slots__ = ("_endpoint", "_seen", "_socket", "_turns")

    def __init__(self, socket: Socket, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._seen = _file(endpoint)
        self._turns = 0

    def look(self) -> bool:
        """Whether the file is another one than before; from then on `follow` is called after each reading."""
        before, found = self._seen, _file(self._endpoint)
        self._seen = found or before
        if before is None or found is None or found == before:
            return False
        self._turns = MOST_TURNS
        return True

    def follow(self, more: bool) -> bool:
        """Connect anew if that is due and nothing waits any more, or it was read often enough; whether it did."""
        if not self._turns:
            return False
        self._turns -= 1
        if more and self._turns:
            return False
        self._turns = 0
        self._socket.disconnect(self._endpoint.address)
        self._socket.connect(self._endpoint.address)
        return True


def _has_folder(endpoint: Endpoint) -> bool:
    return Path(endpoint.address.removeprefix(_SCHEME)).parent.is_dir()


def _bind(socket: Socket, endpoint: Endpoint) -> str:
    """Why it could not be bound; empty where it is."""
    try:
        socket.bind(endpoint.address)
    except zmq.ZMQError as error:
        return str(error)
    return ""


def _file(endpoint: Endpoint) -> _File:
    if not endpoint.address.startswith(_SCHEME):
        return None
    try:
        found = os.stat(endpoint.address.removeprefix(_SCHEME))  # noqa: PTH116  # each second, for ever
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_ctime_ns)
