"""Messages of one kind from one instance to one handler: the newest of each topic, each once, and from nobody else.

What somebody else says in the owner's name is dropped: a generation counts only if the owner's lock file knows it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import zmq

from shared.bus.codec import decode
from shared.bus.load import Row
from shared.bus.messages import Message
from shared.bus.publisher import MAX_TOPICS
from shared.bus.sockets import Socket, readable, receive

if TYPE_CHECKING:
    from shared.bus.bus import Bus

M = TypeVar("M", bound=Message)

FRAMES_PER_TURN: Final = 64


class Subscription(Generic[M]):
    """See module.

    Args:
        bus: told of what is dropped.
        instance: the owner.
        kind: of message.
        handler: takes them.
        socket: connected to the owner.
        newest: the owner's generation by its lock file; None where that cannot be told.
        every: also hand over messages that a newer one of their topic already replaced.
    """

    def __init__(
        self,
        bus: "Bus",
        instance: str,
        kind: type[M],
        handler: Callable[[M], None],
        socket: Socket,
        *,
        newest: Callable[[], int | None],
        every: bool,
    ) -> None:
        self._bus = bus
        self._instance = instance
        self._kind = kind
        self._handler = handler
        self._socket = socket
        self._newest = newest
        self._generation = 0
        self._every = every
        self._last: dict[bytes, bytes] = {}
        self._row = Row(bus.load)

    def read(self) -> bool:
        """Hand over what has come; whether there may be more.

        Leaves no message begun: the last thing asked is never whether one is here, which takes its first frame if so.
        """
        newest: dict[bytes, bytes] = {}
        overtaken: dict[bytes, int] = {}
        left = FRAMES_PER_TURN
        while left:
            try:
                frames = receive(self._socket)
            except zmq.Again:
                break
            left -= 1
            if len(frames) != 2:
                self._bus.drop(self._instance, f"{len(frames)} frames instead of 2")
            elif self._every:
                self._deliver(frames[0], frames[1], 0)
            else:
                overtaken[frames[0]] = overtaken.get(frames[0], -1) + 1
                newest[frames[0]] = frames[1]
            if left and not readable(self._socket):
                break
        for name, payload in newest.items():
            self._deliver(name, payload, overtaken[name])
        if left:
            self._row.end()
        return not left

    def _deliver(self, name: bytes, payload: bytes, overtaken: int) -> None:
        if self._last.get(name) == payload:
            return
        if len(self._last) >= MAX_TOPICS:
            self._last.clear()
            self._row.forget()
        self._last[name] = payload
        message = self._bus.decoded(decode, payload, self._instance)
        if not isinstance(message, self._kind):
            return
        if message.src != self._instance or not self._is_confirmed(message.gen):
            self._bus.drop(self._instance, f"said in the name of {message.src}, generation {message.gen}")
            return
        self._row.read(name, message.gen, message.seq, overtaken)
        self._handler(message)

    def _is_confirmed(self, generation: int) -> bool:
        """Whether the owner's lock knows that generation; asked only where it rises."""
        if generation > self._generation:
            newest = self._newest()
            self._generation = generation if newest is None else newest
        return generation <= self._generation
