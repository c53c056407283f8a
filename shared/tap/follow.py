"""Every message of every running instance. Instances come and go: the run folder is looked through again and again.

Only SUB sockets, which connect and never bind: whoever publishes neither waits for the tap nor notices how slow it is.
What the tap does not fetch is dropped by ZeroMQ once a writer's queue is full (`QUEUE` in `shared.bus.sockets`).
"""

import time
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, Self

import zmq

from shared import clock
from shared.bus.endpoints import Endpoints, instances
from shared.bus.sockets import Socket, context, receive, sub_socket
from shared.tap.filters import Filter
from shared.tap.recording import MAX_TOPIC, Entry

LOOK_AGAIN_S: Final = 0.5
MOST_INSTANCES: Final = 64
FRAMES_PER_TURN: Final = 64


class Received(NamedTuple):
    """One message, and on whose endpoint it came, whatever it says about itself."""

    instance: str
    entry: Entry


class Follower:
    """Subscribed to all that runs under a run folder, and to what is said to run on other hosts.

    Args:
        endpoints: where instances are found.
        wanted: which instances and topics.
        elsewhere: instances whose locks cannot be seen from here.

    Attributes:
        malformed: messages that were not a topic and a payload.
    """

    __slots__ = (
        "_context",
        "_elsewhere",
        "_endpoints",
        "_look_at",
        "_names",
        "_poller",
        "_sockets",
        "_wanted",
        "malformed",
    )

    def __init__(self, endpoints: Endpoints, wanted: Filter, elsewhere: Iterable[str] = ()) -> None:
        self._endpoints = endpoints
        self._elsewhere = frozenset(elsewhere)
        self._wanted = wanted
        self._context = context()
        self._poller = zmq.Poller()
        self._sockets: dict[str, Socket] = {}
        self._names: dict[Socket, str] = {}
        self._look_at = 0.0
        self.malformed = 0

    @property
    def following(self) -> tuple[str, ...]:
        """Names of the instances that are followed now."""
        return tuple(self._sockets)

    def poll(self, timeout_s: float) -> Iterator[Received]:
        """What arrives within `timeout_s`; returns with the first messages, at the latest when the time is over."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_AGAIN_S
            self._discover()
        timeout_s = min(timeout_s, max(0.0, self._look_at - now))
        if not self._sockets:
            time.sleep(timeout_s)
            return
        for socket, _ in self._poller.poll(round(timeout_s * 1000)):
            yield from self._drain(socket)

    def close(self) -> None:
        """Close every socket; what lies in them is dropped."""
        for name in tuple(self._sockets):
            self._leave(name)
        self._context.term()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _discover(self) -> None:
        found = self._elsewhere.union(instances(self._endpoints.run_dir))
        running = [name for name in sorted(found) if self._wanted.instance(name)][:MOST_INSTANCES]
        for name in self._sockets.keys() - set(running):
            self._leave(name)
        for name in running:
            if name not in self._sockets:
                socket = sub_socket(self._context, self._endpoints.pub(name), *self._wanted.prefixes)
                self._sockets[name] = socket
                self._names[socket] = name
                self._poller.register(socket, zmq.POLLIN)

    def _leave(self, name: str) -> None:
        socket = self._sockets.pop(name)
        del self._names[socket]
        self._poller.unregister(socket)
        socket.close()

    def _drain(self, socket: Socket) -> Iterator[Received]:
        name = self._names[socket]
        for _ in range(FRAMES_PER_TURN):
            try:
                frames = receive(socket)
            except zmq.Again:
                return
            if len(frames) != 2 or len(frames[0]) > MAX_TOPIC:
                self.malformed += 1
            elif self._wanted.topic(frames[0]):
                yield Received(name, Entry(clock.now_ns(), *frames))
