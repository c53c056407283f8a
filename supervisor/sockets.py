"""Holds the listening sockets, so that connecting clients wait in the queue while a role starts again.

A socket is released when nobody will accept on it: a queue that nobody empties would be worse than a refusal.
"""

import errno
import os
import socket
from ipaddress import ip_address
from typing import Final

from msgspec.structs import replace

from shared.errors import RefusedError
from supervisor.spec import Listen

BACKLOG: Final = 1024


class ListeningSockets:
    """One socket for each instance that listens."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[str, tuple[Listen, socket.socket]] = {}

    def hold(self, instance: str, where: Listen) -> socket.socket:
        """The socket of this instance; the one it has where the place is the same.

        Raises:
            RefusedError: it cannot listen there; the text names the cure.
        """
        held = self._held.get(instance)
        if held is not None:
            if held[0] == where:
                return held[1]
            self.release(instance)
        alone = not any(other.port == where.port for other, _ in self._held.values())
        if where.shared and alone:
            _listening(replace(where, shared=False)).close()  # a shared one would bind beside a stranger's in silence
        opened = _listening(where)
        self._held[instance] = (where, opened)
        return opened

    def probe(self, where: Listen) -> None:
        """Whether one could listen there.

        A port that is held for a role of ours is free by the time another needs it. A name is not looked up: somebody
        may be typing it, and the supervisor must not wait for an answer.

        Raises:
            RefusedError: as `hold`.
        """
        try:
            ip_address(where.host)
        except ValueError:
            return
        ours = any(other.port == where.port for other, _ in self._held.values())
        _listening(replace(where, port=0 if ours else where.port, shared=False)).close()

    def release(self, instance: str) -> None:
        """Stop listening for this instance, if it did."""
        held = self._held.pop(instance, None)
        if held is not None:
            held[1].close()

    def close(self) -> None:
        """Release all."""
        for instance in tuple(self._held):
            self.release(instance)


def _listening(where: Listen) -> socket.socket:
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise RefusedError(
            f"cannot listen on {where.host}: {error.strerror}; give an address of this machine, or 0.0.0.0 for all"
        ) from error
    family, kind, protocol, _, address = found[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if where.shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(where.host != "::"))
        opened.bind(address)
        opened.listen(BACKLOG)
    except OSError as error:
        opened.close()
        raise RefusedError(f"cannot listen on {where.host} port {where.port}: {_cure(error, where)}") from error
    opened.setblocking(False)
    return opened


def _cure(error: OSError, where: Listen) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"another program does; `ss -ltnp sport = :{where.port}` names it. Stop it, or set another {where.key}"
    if error.errno == errno.EACCES:
        return (
            f"ports this low need a right. Set {where.key} from 1024 on, or allow it: "
            "sysctl net.ipv4.ip_unprivileged_port_start=0 in a container, "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address. Give one of its own, or 0.0.0.0 for all"
    if error.errno == errno.EMFILE:
        return f"{os.strerror(errno.EMFILE)}. Raise the limit (ulimit -n, LimitNOFILE=), or lower slave.workers"
    return os.strerror(error.errno or 0)
