"""A recording played back: in its own pace, and where wanted onto the bus in place of the instances that it came from.

On the bus every time is moved by what lies between the recorded reception and the one now, so that each age is as it
was; generation and boot id are those of now, since a replica would refuse a message from the past.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Self

import zmq
from msgspec.structs import replace

from shared import clock
from shared.bus import codec
from shared.bus.endpoints import Endpoints, Lock, acquire
from shared.bus.messages import Message, Processes
from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket
from shared.errors import BusError, RefusedError
from shared.tap.filters import Filter
from shared.tap.follow import MOST_INSTANCES
from shared.tap.recording import Entry, RecordingReader
from shared.tap.view import decode


def writer(entry: Entry) -> str:
    """Who wrote a recorded message, as it says itself; "?" where it says nothing usable."""
    try:
        message = decode(entry.payload)
    except BusError:
        return "?"
    name = message.get("src") if isinstance(message, dict) else None
    return name if isinstance(name, str) and name.isprintable() and 0 < len(name) <= 64 else "?"


def selected(entries: Iterable[Entry], wanted: Filter) -> Iterator[tuple[str, Entry]]:
    """The wanted messages with their writers."""
    for entry in entries:
        if wanted.topic(entry.topic) and wanted.instance(name := writer(entry)):
            yield name, entry


def writers(path: Path, wanted: Filter) -> tuple[set[str], str]:
    """Who wrote the wanted messages of a recording, and its boot id.

    Raises:
        RefusedError: there are none, or it is no recording.
    """
    with RecordingReader(path) as reader:
        names = {name for name, _ in selected(reader, wanted)} - {"?"}
        if not names:
            raise RefusedError(f"{path} holds no message that was asked for; nothing is published")
        return names, reader.header.boot


def paced(
    items: Iterable[tuple[str, Entry]], speed: float, wait: Callable[[float], bool]
) -> Iterator[tuple[str, Entry]]:
    """The messages at the moments at which they were recorded, counted from the first.

    Args:
        items: writers and messages.
        speed: 10 for ten times as fast, 0 for all at once.
        wait: called with the seconds until the next one is due, may take less; False ends it all.
    """
    began, first = time.monotonic(), None
    for name, entry in items:
        first = entry.t_ns if first is None else first
        if speed > 0:
            due = began + (entry.t_ns - first) / 1e9 / speed
            while (left := due - time.monotonic()) > 0:
                if not wait(left):
                    return
        yield name, entry


class Republisher:
    """The endpoints of recorded instances, bound here.

    Args:
        endpoints: where they are bound.
        names: the instances; none of them may run.
        boot: boot id of the recording.

    Attributes:
        skipped: messages that no reader of today would take: malformed, or of another version.

    Raises:
        RefusedError: one of them runs, or is no instance's name.
    """

    __slots__ = ("_boot", "_context", "_locks", "_poller", "_publishers", "skipped")

    def __init__(self, endpoints: Endpoints, names: Iterable[str], boot: str) -> None:
        self.skipped = 0
        self._boot = boot
        self._locks: list[Lock] = []
        self._publishers: dict[str, Publisher] = {}
        names = sorted(names)
        if len(names) > MOST_INSTANCES:
            raise RefusedError(f"the recording names {len(names)} writers; at most {MOST_INSTANCES} can be played")
        self._poller = zmq.Poller()
        self._context = context()
        try:
            for name in names:
                endpoint = endpoints.pub(name)
                lock = acquire(endpoints.run_dir, name)
                self._locks.append(lock)
                publisher = Publisher(pub_socket(self._context, endpoint), name, lock.generation)
                self._publishers[name] = publisher
                self._poller.register(publisher.socket, zmq.POLLIN)
        except BaseException:
            self.close()
            raise

    def publish(self, name: str, entry: Entry) -> None:
        """Send one recorded message as if it happened now."""
        publisher = self._publishers.get(name)
        try:
            message: Message = codec.decode(entry.payload)
        except BusError:
            publisher = None
        if publisher is None:
            self.skipped += 1
            return
        key = entry.topic.partition(b"/")[2].decode("utf-8", "replace")
        shift = clock.now_ns() - entry.t_ns
        if isinstance(message, Processes):
            children = tuple(replace(child, started_ns=max(0, child.started_ns + shift)) for child in message.children)
            message = replace(message, children=children)
        stamp = publisher.stamp(type(message), key)
        t_ns = self._moved(message, shift)
        if t_ns is None:
            self.skipped += 1
            return
        publisher.publish(replace(message, **stamp, t_ns=t_ns, boot=clock.BOOT_ID), key)
        if publisher.pending():
            publisher.on_readable()

    def wait(self, seconds: float) -> None:
        """Serve newcomers the last values for so long, or until one came."""
        by_socket = {publisher.socket: publisher for publisher in self._publishers.values()}
        for socket, _ in self._poller.poll(max(1, round(seconds * 1000))):
            by_socket[socket].on_readable()

    def close(self) -> None:
        """Give the names back."""
        for publisher in self._publishers.values():
            publisher.socket.close()
        self._context.term()
        for lock in self._locks:
            lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _moved(self, message: Message, shift: int) -> int | None:
        if message.t_ns == 0:  # an image before the first sample
            return 0
        if message.boot != self._boot:  # its age was never known
            return None
        return max(1, message.t_ns + shift)
