"""What an owner publishes: the last value of each topic goes to whoever subscribes, so that nobody misses the state."""

from typing import Final, TypedDict, cast

import zmq

from shared.bus.codec import encode
from shared.bus.messages import Event, Message, Seen, topic
from shared.bus.sockets import Socket

MAX_TOPICS: Final = 4096
FRAMES_PER_TURN: Final = 256


class Stamp(TypedDict):
    """The fields of a message that its publisher knows."""

    src: str
    gen: int
    seq: int


class Publisher:
    """One instance's XPUB.

    Args:
        socket: from `sockets.pub_socket`.
        instance: name of the writer.
        generation: of its lock.
    """

    __slots__ = ("_instance", "_last", "_seq", "_socket", "generation")

    def __init__(self, socket: Socket, instance: str, generation: int) -> None:
        self._socket = socket
        self._instance = instance
        self.generation = generation
        self._seq: dict[bytes, int] = {}
        self._last: dict[bytes, bytes] = {}

    @property
    def socket(self) -> Socket:
        """For a poller: readable when somebody subscribed, then call `on_readable`."""
        return self._socket

    def stamp(self, kind: type[Message], key: str = "") -> Stamp:
        """The next sequence number of that topic; each call takes one."""
        name = topic(kind, key)
        self._seq[name] = seq = self._seq.get(name, 0) + 1
        return Stamp(src=self._instance, gen=self.generation, seq=seq)

    def publish(self, message: Message, key: str = "") -> None:
        """Send to all who subscribed. Never blocks: a subscriber that does not read loses messages, not the writer."""
        name = topic(type(message), key)
        payload = encode(message)
        if not isinstance(message, Event | Seen) and (name in self._last or len(self._last) < MAX_TOPICS):
            self._last[name] = payload  # an event is not a state: who comes later did not see it happen
        self._send(name, payload)

    def on_readable(self) -> None:
        """Take the subscriptions that arrived and send the last values that they match, each topic once."""
        prefixes: set[bytes] = set()
        for _ in range(FRAMES_PER_TURN):
            try:
                frame = self._socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                break
            if frame[:1] == b"\x01":
                prefixes.add(frame[1:])
        if prefixes:
            starts = tuple(prefixes)
            for name, payload in self._last.items():
                if name.startswith(starts):
                    self._send(name, payload)

    def pending(self) -> bool:
        """Whether more is to be read now; a ZeroMQ descriptor only signals changes, so ask after each use."""
        return bool(cast("int", self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLIN)

    def _send(self, name: bytes, payload: bytes) -> None:
        self._socket.send_multipart((name, payload), zmq.NOBLOCK)
