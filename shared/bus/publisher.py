"""What an owner publishes: the last value of each topic goes to whoever subscribes, so that nobody misses the state.

Whoever subscribes to ever new topics is cut off: ZeroMQ keeps each of them, and 200,000 took a publisher to 214 MB.
"""

import os
import socket as sockets
from collections.abc import Callable
from typing import Final, TypedDict, cast

import msgspec
import zmq

from shared.bus.codec import decode, encode
from shared.bus.messages import Event, Message, Seen, topic
from shared.bus.sockets import Socket, readable, send

MAX_TOPICS: Final = 4096
FRAMES_PER_TURN: Final = 256

MAX_SUBSCRIPTIONS: Final = 1024
"""Distinct ones of all subscribers together; all roles with all their meters and taps have a few dozen."""

Warn = Callable[..., object]
"""Of a log: a text and its fields."""


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
        warn: told at the 1st, 2nd, 4th, 8th ... subscriber that was cut off.
    """

    __slots__ = ("_instance", "_last", "_place", "_prefixes", "_seq", "_socket", "_times", "_warn", "generation")

    def __init__(self, socket: Socket, instance: str, generation: int, warn: Warn = lambda *_, **__: None) -> None:
        self._socket = socket
        self._place = cast("bytes", socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()
        self._times = 0
        self._prefixes: set[bytes] = set()
        self._warn = warn
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

    def renew(self, generation: int) -> None:
        """Go on in another generation: say again what is so, newer than whatever was said in the one before."""
        self.generation = generation
        for name, payload in self._last.items():
            self._last[name] = again = encode(msgspec.structs.replace(decode(payload), gen=generation))
            self._send(name, again)

    def on_readable(self) -> None:
        """Take the subscriptions that arrived and send the last values that they match, each topic once."""
        prefixes: set[bytes] = set()
        cut: set[int] = set()
        for _ in range(FRAMES_PER_TURN):
            try:
                frame = self._socket.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            said, prefix = frame.bytes[:1], frame.bytes[1:]
            if said == b"\x00":
                self._prefixes.discard(prefix)
            elif said == b"\x01" and (prefix in self._prefixes or len(self._prefixes) < MAX_SUBSCRIPTIONS):
                self._prefixes.add(prefix)
                prefixes.add(prefix)
            elif said == b"\x01" and (fd := frame.get(zmq.SRCFD)) not in cut:
                cut.add(fd)
                self._cut_off(fd, str(frame.get("Peer-Address")))
        if prefixes:
            starts = tuple(prefixes)
            for name, payload in self._last.items():
                if name.startswith(starts):
                    self._send(name, payload)

    def pending(self) -> bool:
        """Whether more is to be read now; a ZeroMQ descriptor only signals changes, so ask after each use."""
        return readable(self._socket)

    def _cut_off(self, fd: int, peer: str) -> None:
        """End the connection that this came through, if it is one of ours still: numbers of descriptors come again."""
        try:
            with sockets.socket(fileno=os.dup(fd)) as connection:
                if not self._place.endswith(_place(connection)):
                    return
                connection.shutdown(sockets.SHUT_RDWR)
        except OSError:  # it has ended already
            return
        self._times += 1
        if self._times.bit_count() == 1:
            self._warn("subscriber cut off", peer=peer, distinct_subscriptions=MAX_SUBSCRIPTIONS, times=self._times)

    def _send(self, name: bytes, payload: bytes) -> None:
        send(self._socket, name, payload)


def _place(connection: sockets.socket) -> str:
    """What the endpoint that accepted this connection ends with: its path, or its port."""
    name = connection.getsockname()
    return f"://{name}" if isinstance(name, str) else f":{name[1]}"
