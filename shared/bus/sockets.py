"""ZeroMQ sockets with every limit set: small queues, no lingering, bounded messages. No asyncio here."""

from typing import Any, Final

import zmq

from shared.bus.codec import MAX_BYTES
from shared.bus.network import Endpoint
from shared.errors import ConfigError, RefusedError

QUEUE: Final = 512
"""Messages per peer and direction. ZeroMQ counts what was taken in halves of it, so that 256 always fit: as many meters
as there are unit ids, whose last values a newcomer gets at once. Who reads slower keeps what is queued and misses what
comes meanwhile; a stopped reader costs its writer 2 MiB of images."""

HEARTBEAT_MS: Final = 2000
"""Between hosts: a cable that was pulled says nothing by itself."""

SUBSCRIPTION_BYTES: Final = 64
"""Largest frame that an XPUB takes: without it 100,000 bogus subscriptions took a publisher to 949 MB.
How many of them it takes, see `publisher`."""

SUBSCRIPTIONS: Final = 32
"""Subscriptions of a peer that wait at an XPUB. ZeroMQ takes in one go whatever waits and comes meanwhile: with a queue
of 512 a flood kept that going for 250 ms at a time and took 394 MB, with this one 4 ms and 1 MB."""

CURVE_COMMAND_BYTES: Final = 512
"""The same with CURVE, whose handshake takes more than 64 bytes a frame."""

_FRAMES_KEPT: Final = 3
"""One more than a message on the bus has."""

_NOW: Final = int(zmq.NOBLOCK)
_NOW_AND_MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)
_READABLE: Final = int(zmq.POLLIN)
"""Plain numbers, since arithmetic on pyzmq's enumerations is a third of what a send takes."""

_DOMAIN: Final = b"metergate"
_LOCAL: Final = ("ipc://", "inproc://")

Socket = zmq.Socket[bytes]


class Context(zmq.Context[Socket]):
    """ZeroMQ context of a process; asks the allow-list about every peer of an endpoint with keys (ZAP, RFC 27)."""

    _authenticator: Any = None

    def guard(self, allowed: frozenset[bytes]) -> None:
        """Let only these public keys in."""
        if self._authenticator is None:
            from zmq.auth.thread import ThreadAuthenticator  # noqa: PLC0415  # one host needs none of this

            self._authenticator = ThreadAuthenticator(self)
            self._authenticator.start()
        self._authenticator.configure_curve_callback(_DOMAIN.decode(), _AllowList(allowed))

    def term(self) -> None:
        """End, once every socket is closed."""
        self._dismiss()
        super().term()

    def destroy(self, linger: int | None = None) -> None:
        """Close every socket, and end."""
        self._dismiss()
        super().destroy(linger)

    def _dismiss(self) -> None:
        if self._authenticator is not None:
            self._authenticator.stop()
            self._authenticator = None


class _AllowList:
    def __init__(self, allowed: frozenset[bytes]) -> None:
        self._allowed = allowed

    def callback(self, domain: str, key: bytes) -> bool:
        """Whether the holder of `key` may connect."""
        del domain
        return key in self._allowed


def context() -> Context:
    """One per process, made after any fork. One I/O thread carries far more than the bus does."""
    return Context(io_threads=1)


def pub_socket(ctx: Context, endpoint: Endpoint) -> Socket:
    """Bound XPUB that reports every subscription, so that each newcomer gets the last values."""
    socket = _socket(ctx, zmq.XPUB, endpoint, SUBSCRIPTION_BYTES if endpoint.curve is None else CURVE_COMMAND_BYTES)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    socket.setsockopt(zmq.RCVHWM, SUBSCRIPTIONS)
    return _bind(ctx, socket, endpoint)


def sub_socket(ctx: Context, endpoint: Endpoint, *prefixes: bytes) -> Socket:
    """Connected SUB. The endpoint need not exist yet; it is found when it comes, and again when it comes back."""
    socket = _socket(ctx, zmq.SUB, endpoint, MAX_BYTES)
    for prefix in prefixes:
        socket.setsockopt(zmq.SUBSCRIBE, prefix)
    return _connect(socket, endpoint)


def router_socket(ctx: Context, endpoint: Endpoint) -> Socket:
    """Bound ROUTER for commands."""
    return _bind(ctx, _socket(ctx, zmq.ROUTER, endpoint, MAX_BYTES), endpoint)


def dealer_socket(ctx: Context, endpoint: Endpoint) -> Socket:
    """Connected DEALER. IMMEDIATE: a command is never queued for an owner that is away, to be obeyed too late."""
    socket = _socket(ctx, zmq.DEALER, endpoint, MAX_BYTES)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    return _connect(socket, endpoint)


def send(socket: Socket, first: bytes, last: bytes) -> None:
    """Send a message of two frames, at once or not at all.

    Raises:
        zmq.Again: not at all.
    """
    socket.send(first, _NOW_AND_MORE)
    socket.send(last, _NOW)


def receive(socket: Socket) -> list[bytes]:
    """The frames of the next message, at most three: a message of endless frames must not fill the memory.

    Raises:
        zmq.Again: none is here.
    """
    frame = socket.recv(_NOW, copy=False)
    frames = [frame.bytes]
    while frame.more:
        frame = socket.recv(_NOW, copy=False)
        if len(frames) < _FRAMES_KEPT:
            frames.append(frame.bytes)
    return frames


def readable(socket: Socket) -> bool:
    """Whether a message is here; for less than finding out by an exception that none is."""
    return bool(zmq.zmq_poll([(socket, _READABLE)], 0))


def _socket(ctx: Context, kind: int, endpoint: Endpoint, largest: int) -> Socket:
    if endpoint.curve is None and not endpoint.address.startswith(_LOCAL):
        raise ConfigError(f"{endpoint.address}: without CURVE keys the bus stays on one host; see [bus]")
    socket = ctx.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, QUEUE)
    socket.setsockopt(zmq.RCVHWM, QUEUE)
    socket.setsockopt(zmq.MAXMSGSIZE, largest)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    return socket


def _bind(ctx: Context, socket: Socket, endpoint: Endpoint) -> Socket:
    curve = endpoint.curve
    if curve is not None:
        ctx.guard(curve.allowed)
        socket.setsockopt(zmq.CURVE_SERVER, 1)
        socket.setsockopt(zmq.CURVE_SECRETKEY, curve.secret)
        socket.setsockopt(zmq.ZAP_DOMAIN, _DOMAIN)
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    try:
        socket.bind(endpoint.address)
    except zmq.ZMQError as error:
        socket.close()
        raise RefusedError(f"{endpoint.address} cannot be bound: {error}; see [bus] and gateway.run_dir") from error
    return socket


def _connect(socket: Socket, endpoint: Endpoint) -> Socket:
    curve = endpoint.curve
    if curve is not None:
        socket.setsockopt(zmq.CURVE_PUBLICKEY, curve.public)
        socket.setsockopt(zmq.CURVE_SECRETKEY, curve.secret)
        socket.setsockopt(zmq.CURVE_SERVERKEY, curve.server)
        socket.setsockopt(zmq.HEARTBEAT_IVL, HEARTBEAT_MS)
    socket.connect(endpoint.address)
    return socket
