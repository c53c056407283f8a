"""The bus as any program may listen to it: ZeroMQ and plain msgpack, nothing of the product's own code."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import msgpack
import zmq

Message = dict[str, Any]


class Listener:
    """Messages of one instance.

    Args:
        run_dir: where its socket is.
        instance: e.g. `measurement`.
        topic: start of the topics, e.g. `sample/`.
    """

    def __init__(self, run_dir: Path, instance: str, topic: str = "") -> None:
        self._context = zmq.Context()
        self._socket: zmq.Socket[bytes] = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RCVHWM, 100_000)
        self._socket.setsockopt(zmq.RECONNECT_IVL, 10)
        self._socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self._socket.connect(f"ipc://{run_dir}/{instance}.pub")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self._context.term()

    def next(self, timeout_s: float = 10.0) -> Message:
        """The next message."""
        assert self._socket.poll(int(timeout_s * 1000)), "nothing on the bus"
        payload = self._socket.recv_multipart()[1]
        message: Message = msgpack.unpackb(payload, strict_map_key=False)  # function 43 numbers its objects
        return message

    def waiting(self) -> Iterator[Message]:
        """What came until now."""
        while self._socket.poll(0):
            yield self.next()

    def within(self, seconds: float) -> Iterator[Message]:
        """What comes in that time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self._socket.poll(int(left * 1000) + 1):
                yield self.next()
