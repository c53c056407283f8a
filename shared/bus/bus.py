"""The bus as an actor sees it, on its event loop: publish, subscribe, serve commands, call others.

A ZeroMQ descriptor signals changes, not states: after each use of a socket its events are asked for again, otherwise
a message may lie there until the next one comes.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

import structlog
import zmq

from shared.bus.codec import decode, decode_command, decode_reply, encode
from shared.bus.command import command, expired, result, silence
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Command, Message, Published, Reply, topic
from shared.bus.publisher import Publisher, Stamp
from shared.bus.sockets import Socket, context, dealer_socket, pub_socket, router_socket, sub_socket
from shared.errors import BusError, MetergateError

M = TypeVar("M", bound=Message)
Handler = Callable[[Command], Awaitable[dict[str, Any]]]

FRAMES_PER_TURN: Final = 64
COMMANDS_AT_ONCE: Final = 64


class Bus:
    """All ZeroMQ sockets of one instance.

    Args:
        endpoints: of the run folder.
        instance: own name; its lock is held already.
        generation: of that lock.
        log: for what arrives malformed.

    Attributes:
        malformed: messages that were dropped since the start.
    """

    def __init__(
        self, endpoints: Endpoints, instance: str, generation: int, log: structlog.typing.FilteringBoundLogger
    ) -> None:
        self._endpoints = endpoints
        self._instance = instance
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._context = context()
        self._sockets: list[Socket] = []
        self._callers: dict[str, _Caller] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.malformed = 0
        self.gen = generation
        self._publisher = Publisher(pub_socket(self._context, endpoints.pub(instance)), instance, generation)
        self._watch(self._publisher.socket, self._on_subscription)

    def stamp(self, kind: type[Message], key: str = "") -> Stamp:
        """Writer, generation and next sequence number for a message of that topic."""
        return self._publisher.stamp(kind, key)

    def publish(self, message: Message, key: str = "") -> None:
        """Send to all who subscribed, at once and without waiting."""
        self._publisher.publish(message, key)
        if self._publisher.pending():
            self._loop.call_soon(self._on_subscription)

    def subscribe(
        self, instance: str, kind: type[M], handler: Callable[[M], None], key: str = "", *, every: bool = False
    ) -> None:
        """Hand messages of one kind to `handler`, starting with the last one that was published.

        Args:
            instance: who publishes.
            kind: message class.
            handler: called on the loop.
            key: start of the topic's key; "" for all.
            every: also hand over messages that a newer one of their topic already replaced.
        """
        socket = sub_socket(self._context, self._endpoints.pub(instance), topic(kind, key))

        def deliver(payload: bytes) -> None:
            message = self._decoded(decode, payload, instance)
            if isinstance(message, kind):
                handler(message)

        def on_readable() -> None:
            newest: dict[bytes, bytes] = {}
            for _ in range(FRAMES_PER_TURN):
                try:
                    frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    break
                if len(frames) != 2:
                    self._drop(instance, f"{len(frames)} frames instead of 2")
                elif every:
                    deliver(frames[1])
                else:
                    newest[frames[0]] = frames[1]
            else:
                self._loop.call_soon(on_readable)
            for payload in newest.values():
                deliver(payload)

        self._watch(socket, on_readable)

    def serve(self, handler: Handler) -> None:
        """Take commands on `<instance>.cmd`. A MetergateError of the handler becomes the refusal's text."""
        socket = router_socket(self._context, self._endpoints.cmd(self._instance))

        async def answer(peer: bytes, request: Command) -> None:
            try:
                reply = Reply(id=request.id, ok=True, result=await handler(request))
            except MetergateError as error:
                reply = Reply(id=request.id, ok=False, error=str(error))
            socket.send_multipart((peer, encode(reply)), zmq.NOBLOCK)
            self._loop.call_soon(on_readable)

        def on_readable() -> None:
            for _ in range(FRAMES_PER_TURN):
                try:
                    peer, *frames = socket.recv_multipart(zmq.NOBLOCK)
                except zmq.Again:
                    return
                request = self._decoded(decode_command, b"".join(frames), "a caller")
                if request is None or expired(request):
                    continue
                if len(self._tasks) >= COMMANDS_AT_ONCE:
                    busy = Reply(id=request.id, ok=False, error=f"{self._instance} is busy; try again")
                    socket.send_multipart((peer, encode(busy)), zmq.NOBLOCK)
                    continue
                task = self._loop.create_task(answer(peer, request))
                self._tasks.add(task)
                task.add_done_callback(self._finished)
            self._loop.call_soon(on_readable)

        self._watch(socket, on_readable)

    async def call(self, instance: str, verb: str, args: dict[str, Any], timeout_s: float = 1.0) -> dict[str, Any]:
        """Send a command and wait for its result.

        Raises:
            RefusedError: the owner said no; the text is its reason.
            PeerError: no answer in time. The owner drops the command once the time is over.
        """
        caller = self._callers.get(instance)
        if caller is None:
            caller = _Caller(self, instance, dealer_socket(self._context, self._endpoints.cmd(instance)))
            self._callers[instance] = caller
            self._watch(caller.socket, caller.on_readable)
        return await caller.call(verb, args, timeout_s)

    def close(self) -> None:
        """Close every socket; what was not sent is dropped."""
        for task in self._tasks:
            task.cancel()
        for socket in self._sockets:
            self._loop.remove_reader(cast("int", socket.getsockopt(zmq.FD)))
            socket.close()
        self._context.term()

    def _watch(self, socket: Socket, on_readable: Callable[[], None]) -> None:
        self._sockets.append(socket)
        self._loop.add_reader(cast("int", socket.getsockopt(zmq.FD)), on_readable)
        self._loop.call_soon(on_readable)

    def _on_subscription(self) -> None:
        self._publisher.on_readable()
        if self._publisher.pending():
            self._loop.call_soon(self._on_subscription)

    def _decoded(self, decoder: Callable[[bytes], Any], payload: bytes, sender: str) -> Any:
        try:
            return decoder(payload)
        except BusError as error:
            self._drop(sender, str(error))
            return None

    def _drop(self, sender: str, reason: str) -> None:
        self.malformed += 1
        if self.malformed.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ...: a flood must not become a flood of lines
            self._log.warning("bus message dropped", sender=sender, reason=reason, dropped=self.malformed)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._log.error("command failed", exc_info=error)


class _Caller:
    """Commands from this instance to one other."""

    def __init__(self, bus: Bus, instance: str, socket: Socket) -> None:
        self._bus = bus
        self._instance = instance
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self.socket = socket

    async def call(self, verb: str, args: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        request = command(verb, args, timeout_s)
        future = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = future
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    try:
                        self.socket.send(encode(request), zmq.NOBLOCK)
                        break
                    except zmq.Again:
                        await asyncio.sleep(0.01)  # IMMEDIATE: no connection stands yet, and no descriptor says when
                self.on_readable()
                return result(self._instance, await future)
        except TimeoutError:
            raise silence(self._instance, verb, timeout_s) from None
        finally:
            del self._waiting[request.id]

    def on_readable(self) -> None:
        while True:
            try:
                payload = self.socket.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            reply = self._bus._decoded(decode_reply, payload, self._instance)  # noqa: SLF001  # part of the same file
            future = self._waiting.get(reply.id) if reply is not None else None
            if future is not None and not future.done():
                future.set_result(reply)


__all__ = ["Bus", "Handler", "Published"]
