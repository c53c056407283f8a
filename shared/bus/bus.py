"""The bus as an actor sees it, on its event loop: publish, subscribe, serve commands, call others.

A ZeroMQ descriptor signals changes, not states: after each use of a socket its events are asked for again, otherwise
a message may lie there until the next one comes.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar, cast

import structlog
import zmq

from shared.bus.claim import LOOK_S, Claims, Sight
from shared.bus.codec import decode_command, decode_reply, encode
from shared.bus.command import Deadlines, command, result, silence
from shared.bus.endpoints import Endpoints
from shared.bus.load import Load
from shared.bus.messages import Command, Event, Message, Reply, Seen, topic
from shared.bus.publisher import Publisher, Stamp
from shared.bus.sockets import Socket, context, dealer_socket, pub_socket, receive, router_socket, sub_socket
from shared.bus.subscription import FRAMES_PER_TURN, Subscription
from shared.errors import BusError, MetergateError

M = TypeVar("M", bound=Message)
Handler = Callable[[Command], Awaitable[dict[str, Any]]]

COMMANDS_AT_ONCE: Final = 64

HELD_UP_S: Final = 0.05
"""A process that was held up itself finds that its time is over before it finds the answer that came meanwhile."""


class Bus:
    """All ZeroMQ sockets of one instance.

    Args:
        endpoints: of the run folder.
        instance: own name; its lock is held already.
        generation: of that lock.
        log: for what arrives malformed.
        renew: takes the next generation of the lock.

    Attributes:
        instance, log: as given.
        malformed: messages that were dropped since the start.
        load: what waits for this instance.
        failed: gets the exception that a subscriber's handler raised; that subscription has ended then.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        instance: str,
        generation: int,
        log: structlog.typing.FilteringBoundLogger,
        renew: Callable[[], int] | None = None,
    ) -> None:
        self._endpoints = endpoints
        self.instance = instance
        self.log = log
        self._loop = asyncio.get_running_loop()
        self._context = context()
        self._sockets: list[Socket] = []
        self._deadlines = Deadlines()
        self._callers: dict[str, _Caller] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.malformed = 0
        self.load = Load()
        self.failed: asyncio.Future[None] = self._loop.create_future()
        pub = pub_socket(self._context, endpoints.pub(instance))
        self._publisher = Publisher(pub, instance, generation, log.warning)
        self._answer_subscribers = self._watch(self._publisher.socket, self._on_subscription)
        self._claims = Claims(self._publisher, renew or (lambda: self._publisher.generation + 1), log.error)
        self._claims.add(pub, endpoints.pub(instance))
        self._sights: list[tuple[Sight, Callable[[], None]]] = []
        self._looking = self._loop.call_later(LOOK_S, self._look)

    def stamp(self, kind: type[Message], key: str = "") -> Stamp:
        """Writer, generation and next sequence number for a message of that topic."""
        return self._publisher.stamp(kind, key)

    def publish(self, message: Message, key: str = "") -> None:
        """Send to all who subscribed, at once and without waiting."""
        self._publisher.publish(message, key)
        if self._publisher.pending():
            self._loop.call_soon(self._answer_subscribers)

    def subscribe(
        self, instance: str, kind: type[M], handler: Callable[[M], None], key: str = "", *, every: bool = False
    ) -> None:
        """Hand messages of one kind to `handler`, starting with the last one that was published.

        What an owner repeats because somebody else subscribed is handed over only once. What somebody else said in its
        name, or in a generation that its lock does not know, is dropped.

        Args:
            instance: who publishes.
            kind: message class.
            handler: called on the loop.
            key: start of the topic's key; "" for all.
            every: also hand over messages that a newer one of their topic already replaced.
        """
        endpoint = self._endpoints.pub(instance)
        socket = sub_socket(self._context, endpoint, topic(kind, key))
        newest = partial(self._endpoints.generation, instance)
        read = Subscription(self, instance, kind, handler, socket, newest=newest, every=every).read
        # events are not states, and connecting anew may miss one
        self._watch(socket, read, None if issubclass(kind, Event | Seen) else Sight(socket, endpoint))

    def serve(self, handler: Handler) -> None:
        """Take commands on `<instance>.cmd`. A MetergateError of the handler becomes the refusal's text."""
        socket = router_socket(self._context, self._endpoints.cmd(self.instance))
        self._claims.add(socket, self._endpoints.cmd(self.instance))

        async def answer(peer: bytes, request: Command) -> None:
            try:
                reply = encode(Reply(id=request.id, ok=True, result=await handler(request)))
            except MetergateError as error:
                reply = encode(Reply(id=request.id, ok=False, error=str(error)))
            socket.send_multipart((peer, reply), zmq.NOBLOCK)
            self._loop.call_soon(turn)

        def read() -> bool:
            for _ in range(FRAMES_PER_TURN):
                try:
                    peer, *frames = receive(socket)
                except zmq.Again:
                    return False
                request = self.decoded(decode_command, b"".join(frames), "a caller")
                if request is None or self._deadlines.expired(request):
                    continue
                if len(self._tasks) >= COMMANDS_AT_ONCE:
                    busy = Reply(id=request.id, ok=False, error=f"{self.instance} is busy; try again")
                    socket.send_multipart((peer, encode(busy)), zmq.NOBLOCK)
                    continue
                task = self._loop.create_task(answer(peer, request))
                self._tasks.add(task)
                task.add_done_callback(self._finished)
                self.load.begun()
            return True

        turn = self._watch(socket, read)

    async def call(
        self, instance: str, verb: str, args: dict[str, Any], timeout_s: float = 1.0, begun_s: float | None = None
    ) -> dict[str, Any]:
        """Send a command and wait for its result.

        Args:
            instance: the owner.
            verb: what to do.
            args: details by name.
            timeout_s: for connection, work and answer together.
            begun_s: the owner drops what it has not begun with by then; None: after `timeout_s`.

        Raises:
            RefusedError: the owner said no; the text is its reason.
            PeerError: no answer in time: it was not done, or what was done at the last moment could not be confirmed.
        """
        caller = self._callers.get(instance)
        if caller is None:
            endpoint = self._endpoints.cmd(instance)
            caller = _Caller(self, instance, dealer_socket(self._context, endpoint))
            self._callers[instance] = caller
            caller.turn = self._watch(caller.socket, caller.read, Sight(caller.socket, endpoint))
        self.load.begun()
        try:
            return await caller.call(verb, args, timeout_s, timeout_s if begun_s is None else begun_s)
        finally:
            self.load.ended()

    def close(self) -> None:
        """Close every socket; what was not sent is dropped."""
        self._looking.cancel()
        for task in self._tasks:
            task.cancel()
        for socket in self._sockets:
            self._loop.remove_reader(cast("int", socket.getsockopt(zmq.FD)))
            socket.close()
        self._context.term()

    def _watch(self, socket: Socket, read: Callable[[], bool], sight: Sight | None = None) -> Callable[[], None]:
        """Call `read` when something came, and again as long as it returns that there may be more.

        `sight`: of whom the socket is connected to, where it connects anew once the file there is another one.
        """

        def turn() -> None:
            if socket.closed:
                return
            try:
                more = read()
            except Exception as error:  # noqa: BLE001  # handed to whoever lives on this bus, see `failed`
                self._loop.remove_reader(cast("int", socket.getsockopt(zmq.FD)))
                if not self.failed.done():
                    self.failed.set_exception(error)
                return
            if (sight is not None and sight.follow(more)) or more:  # connecting anew may have eaten a signal
                self._loop.call_soon(turn)

        self._sockets.append(socket)
        if sight is not None:
            self._sights.append((sight, turn))
        self._loop.add_reader(cast("int", socket.getsockopt(zmq.FD)), turn)
        self._loop.call_soon(turn)
        return turn

    def _look(self) -> None:
        self._looking = self._loop.call_later(LOOK_S, self._look)
        self._claims.look()
        if self._publisher.pending():  # who subscribed while a socket was bound again
            self._loop.call_soon(self._answer_subscribers)
        for sight, turn in self._sights:
            if sight.look():
                self._loop.call_soon(turn)

    def _on_subscription(self) -> bool:
        self._publisher.on_readable()
        return self._publisher.pending()

    def decoded(self, decoder: Callable[[bytes], Any], payload: bytes, sender: str) -> Any:
        """What `decoder` makes of it, or None for what is malformed and counted."""
        try:
            return decoder(payload)
        except BusError as error:
            self.drop(sender, str(error))
            return None

    def drop(self, sender: str, reason: str) -> None:
        """Count a message that is of no use."""
        self.malformed += 1
        if self.malformed.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ...: a flood must not become a flood of lines
            self.log.warning("bus message dropped", sender=sender, reason=reason, dropped=self.malformed)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.load.ended()
        if not task.cancelled() and (error := task.exception()):
            self.log.error("command failed", exc_info=error)


class _Caller:
    """Commands from this instance to one other."""

    def __init__(self, bus: Bus, instance: str, socket: Socket) -> None:
        self._bus = bus
        self._instance = instance
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self.socket = socket
        self.turn: Callable[[], None]

    async def call(self, verb: str, args: dict[str, Any], timeout_s: float, begun_s: float) -> dict[str, Any]:
        request = command(verb, args, begun_s)
        payload = encode(request)
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = future
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._send(payload)
                    await asyncio.wait((future,))
            if not future.done():
                await asyncio.wait((future,), timeout=HELD_UP_S)
            if not future.done():
                raise silence(self._instance, verb, timeout_s)
            return result(self._instance, future.result())
        finally:
            del self._waiting[request.id]

    async def _send(self, payload: bytes) -> None:
        while True:
            try:
                self.socket.send(payload, zmq.NOBLOCK)
                break
            except zmq.Again:
                await asyncio.sleep(0.01)  # IMMEDIATE: no connection stands yet, and no descriptor says when
        self.turn()

    def read(self) -> bool:
        for _ in range(FRAMES_PER_TURN):
            try:
                frames = receive(self.socket)  # whole, since it may be disconnected afterwards, see `Sight`
            except zmq.Again:
                return False
            reply = self._bus.decoded(decode_reply, b"".join(frames), self._instance)
            future = self._waiting.get(reply.id) if reply is not None else None
            if future is not None and not future.done():
                future.set_result(reply)
        return True
