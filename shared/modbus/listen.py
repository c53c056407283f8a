"""Listening sockets: what accepted connections inherit from them, and how many the process can hold."""

import resource
import socket
from typing import Final

from shared.errors import ConfigError

RECEIVE_BUFFER: Final = 8192
"""SO_RCVBUF of accepted sockets (the kernel doubles it): bounds what one read can bring."""
SEND_BUFFER: Final = 65536
"""SO_SNDBUF of accepted sockets: a peer that never reads must not fill the kernel instead of us."""
QUEUE: Final = 128
"""Connections that wait to be accepted."""
SPARE_DESCRIPTORS: Final = 64 + QUEUE
"""Kept free below the descriptor limit: the bus, files, and connections that are accepted only to be refused."""

_INHERITED: Final = (
    (socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER),
    (socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER),
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),  # finds peers that lost their power, also without an idle timeout
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 20),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


def tune(sock: socket.socket) -> None:
    """Set what each accepted socket inherits on Linux, so that accepting costs no further call."""
    sock.setblocking(False)
    for level, option, value in _INHERITED:
        sock.setsockopt(level, option, value)


def bind(host: str, port: int) -> socket.socket:
    """A bound socket where no supervisor handed one over. `::` takes IPv6 and IPv4.

    Raises:
        OSError: the address is not ours, the port is taken or privileged, or the name is unknown.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
    except OSError:
        sock.close()
        raise
    return sock


def bind_by_hand(host: str, port: int, section: str, port_key: str = "port") -> socket.socket:
    """As `bind`, for a role that was started by hand; the error names what to change in the settings.

    Args:
        host: of the settings.
        port: of the settings.
        section: where they stand there, such as `slave`.
        port_key: that of the port.

    Raises:
        ConfigError: the address cannot be used.
    """
    try:
        return bind(host, port)
    except OSError as error:
        denied = isinstance(error, PermissionError)
        cure = f"choose a port from 1024 in [{section}] {port_key}" if denied else f"see [{section}] host, {port_key}"
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror}; {cure}") from error


def room_for_connections() -> int:
    """How many connections the descriptor limit of this process leaves room for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if soft == resource.RLIM_INFINITY else max(1, soft - SPARE_DESCRIPTORS)
