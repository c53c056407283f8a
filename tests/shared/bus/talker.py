"""An instance that publishes from a thread of the test's process, as a role would from its own."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import zmq

from shared import clock
from shared.bus.endpoints import Endpoints, acquire
from shared.bus.messages import Block, Image, Message, Sample
from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket


class Talker:
    """Publishes what `message` returns every few milliseconds, and answers newcomers, until the end of `with`.

    Attributes:
        said: messages published.
        slowest_ns: longest time that one `publish` took.
    """

    def __init__(
        self,
        run_dir: Path,
        instance: str,
        message: Callable[[Publisher], tuple[Message, str] | None],
        pause_ms: int = 5,
        raw: tuple[bytes, ...] | None = None,
    ) -> None:
        self._message = message
        self._raw = raw
        self._pause_ms = pause_ms
        self._lock = acquire(run_dir, instance)
        self._context = context()
        socket = pub_socket(self._context, Endpoints(run_dir).pub(instance))
        self._publisher = Publisher(socket, instance, self._lock.generation)
        self._end = False
        self._thread = threading.Thread(target=self._run)
        self.said = 0
        self.slowest_ns = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        self._end = True
        self._thread.join()
        self._publisher.socket.close()
        self._context.term()
        self._lock.release()

    def _run(self) -> None:
        while not self._end:
            if made := self._message(self._publisher):
                began = clock.now_ns()
                self._publisher.publish(*made)
                self.slowest_ns = max(self.slowest_ns, clock.now_ns() - began)
                self.said += 1
            if self._raw is not None:
                self._publisher.socket.send_multipart(self._raw, zmq.NOBLOCK)
            if self._publisher.socket.poll(self._pause_ms):
                self._publisher.on_readable()


def sample(publisher: Publisher, meter: str = "house") -> tuple[Message, str]:
    """A sample of now."""
    message = Sample(
        **publisher.stamp(Sample, meter),
        t_ns=clock.now_ns(),
        meter=meter,
        values={"active_power": 1234.5},
        source="simulated",
    )
    return message, meter


def image(publisher: Publisher, blocks: tuple[Block, ...] = (Block(0, bytes(range(8))),)) -> tuple[Message, str]:
    """An image of now."""
    message = Image(
        **publisher.stamp(Image, "house"),
        t_ns=clock.now_ns(),
        meter="house",
        unit=1,
        stale_after_ms=5000,
        blocks=blocks,
    )
    return message, "house"


def once(make: Callable[[Publisher], tuple[Message, str]]) -> Callable[[Publisher], tuple[Message, str] | None]:
    """Published one time; who comes later gets it as the last value."""
    left = [make]
    return lambda publisher: left.pop()(publisher) if left else None


def silent(_publisher: Publisher) -> None:
    """Nothing."""
