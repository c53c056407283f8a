"""ZeroMQ sockets with every limit set: small queues, no lingering, bounded messages. No asyncio here."""

from typing import Final

import zmq

from shared.bus.codec import MAX_BYTES

QUEUE: Final = 64
"""Messages per peer and direction. Who reads slower keeps what is queued and misses what comes meanwhile."""

SUBSCRIPTION_BYTES: Final = 64
"""Largest frame that an XPUB takes: without it 100,000 bogus subscriptions took a publisher to 949 MB."""

Socket = zmq.Socket[bytes]


def context() -> zmq.Context[Socket]:
    """One per process, made after any fork. One I/O thread carries far more than the bus does."""
    return zmq.Context(io_threads=1)


def pub_socket(ctx: zmq.Context[Socket], endpoint: str) -> Socket:
    """Bound XPUB that reports every subscription, so that each newcomer gets the last values."""
    socket = _socket(ctx, zmq.XPUB)
    socket.setsockopt(zmq.XPUB_VERBOSE, 1)
    socket.setsockopt(zmq.MAXMSGSIZE, SUBSCRIPTION_BYTES)
    socket.bind(endpoint)
    return socket


def sub_socket(ctx: zmq.Context[Socket], endpoint: str, *prefixes: bytes) -> Socket:
    """Connected SUB. The endpoint need not exist yet; it is found when it comes, and again when it comes back."""
    socket = _socket(ctx, zmq.SUB)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
    for prefix in prefixes:
        socket.setsockopt(zmq.SUBSCRIBE, prefix)
    socket.connect(endpoint)
    return socket


def router_socket(ctx: zmq.Context[Socket], endpoint: str) -> Socket:
    """Bound ROUTER for commands."""
    socket = _socket(ctx, zmq.ROUTER)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
    socket.bind(endpoint)
    return socket


def dealer_socket(ctx: zmq.Context[Socket], endpoint: str) -> Socket:
    """Connected DEALER. IMMEDIATE: a command is never queued for an owner that is away, to be obeyed too late."""
    socket = _socket(ctx, zmq.DEALER)
    socket.setsockopt(zmq.MAXMSGSIZE, MAX_BYTES)
    socket.setsockopt(zmq.IMMEDIATE, 1)
    socket.connect(endpoint)
    return socket


def _socket(ctx: zmq.Context[Socket], kind: int) -> Socket:
    socket = ctx.socket(kind)
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, QUEUE)
    socket.setsockopt(zmq.RCVHWM, QUEUE)
    socket.setsockopt(zmq.RECONNECT_IVL, 20)
    socket.setsockopt(zmq.RECONNECT_IVL_MAX, 500)
    return socket
