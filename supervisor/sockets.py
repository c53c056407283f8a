"""Holds the listening sockets, so that connecting clients wait in the queue while a role starts again.

A socket is released when nobody will accept on it: a queue that nobody empties would be worse than a refusal. Where new
settings want others, these are opened and kept before the old ones are given up.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Final

from msgspec.structs import replace

from shared.errors import RefusedError
from supervisor.spec import Listen

BACKLOG: Final = 1024
AGAIN_S: Final = 2.0
"""A place that cannot be had now is tried again after so long: a port gets free, an address comes up."""
_SHARE: Final = 1 / 32
"""Of the time at most goes into trying: the name of a host may be looked up, and everything waits meanwhile."""
_ALL: Final = frozenset({"0.0.0.0", "::"})

_TryOut = Callable[[list[socket.socket], Listen], None]
_Held = dict[str, tuple[Listen, socket.socket]]


class PlaceError(RefusedError):
    """One cannot listen there now; the text names the cure.

    Attributes:
        key: the setting that is concerned, such as `slave.port`.
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class ListeningSockets:
    """One socket for each instance that listens, and one more while it moves."""

    __slots__ = ("_held", "_kept")

    def __init__(self) -> None:
        self._held: _Held = {}
        self._kept: _Held = {}

    def hold(self, instance: str, where: Listen) -> socket.socket:
        """The socket of this instance; the one it has, or that is kept for it, where the place is the same.

        Raises:
            PlaceError: it cannot listen there.
        """
        held = self._held.get(instance)
        if held is not None and held[0] == where:
            return held[1]
        kept = self._kept.pop(instance) if self.has(instance, where) else None
        self.release(instance)
        opened = self._open(where, {}) if kept is None else kept[1]
        self._held[instance] = (where, opened)
        return opened

    def keep(self, wanted: Mapping[str, Listen], instances: Iterable[str]) -> tuple[PlaceError, ...]:
        """Open what these will need, and keep it until they take it. What cannot be had is told; then nothing changes.

        Where a socket of ours that is to be given up is in the way, it is only made sure that nobody else's is.

        Args:
            wanted: where each instance shall listen from now on.
            instances: those of them that shall elsewhere than before.
        """
        opened, errors = self._open_all(wanted, instances, _try_beside)
        if errors:
            _close(*opened.values())
            return errors
        _close(*(one for name, one in self._kept.items() if wanted.get(name) != one[0]))
        self._kept = {name: one for name, one in self._kept.items() if wanted.get(name) == one[0]} | opened
        return ()

    def probe(self, wanted: Mapping[str, Listen], instances: Iterable[str]) -> tuple[PlaceError, ...]:
        """As `keep`, and nothing is kept; where sockets of ours are in the way, the address alone is looked at.

        A name is not looked up: somebody may be typing it, and all would wait.
        """
        known = (each for each in instances if _is_address(wanted[each].host))
        opened, errors = self._open_all(wanted, known, _try_address)
        _close(*opened.values())
        return errors

    def has(self, instance: str, where: Listen) -> bool:
        """Whether there is a socket for this instance there."""
        return any(instance in sockets and sockets[instance][0] == where for sockets in (self._held, self._kept))

    def leaving(self, port: int, wanted: Mapping[str, Listen]) -> list[socket.socket]:
        """Our sockets on that port that will be given up, as these shall listen elsewhere or not at all."""
        return [one for name, (place, one) in self._ours({}) if place.port == port and wanted.get(name) != place]

    def release(self, instance: str) -> None:
        """Stop listening for this instance, if it did, and keep nothing for it."""
        _close(*(sockets.pop(instance) for sockets in (self._held, self._kept) if instance in sockets))

    def close(self) -> None:
        """Release all."""
        for instance in (*self._held, *self._kept):
            self.release(instance)

    def _ours(self, opened: _Held) -> list[tuple[str, tuple[Listen, socket.socket]]]:
        return [*self._held.items(), *self._kept.items(), *opened.items()]

    def _open_all(
        self, wanted: Mapping[str, Listen], instances: Iterable[str], try_out: _TryOut
    ) -> tuple[_Held, tuple[PlaceError, ...]]:
        """What can be opened, and what cannot; `try_out` is for places that only ours are in the way of as yet."""
        opened: _Held = {}
        errors: dict[str, PlaceError] = {}
        for instance in instances:
            where = wanted[instance]
            if self.has(instance, where):
                continue
            try:
                if leaving := self.leaving(where.port, wanted):
                    try_out(leaving, where)
                else:
                    opened[instance] = (where, self._open(where, opened))
            except PlaceError as error:
                errors.setdefault(str(error), error)  # workers of one role have the same
        return opened, tuple(errors.values())

    def _open(self, where: Listen, opened: _Held) -> socket.socket:
        """A socket there, beside ours and those just opened."""
        ours = [(name, place) for name, (place, _) in self._ours(opened) if place.port == where.port]
        try:
            if where.shared and not ours:
                _listening(replace(where, shared=False)).close()  # a shared one binds beside a stranger's in silence
            return _listening(where)
        except OSError as error:
            by = next((name for name, place in ours if place != where and _overlap(place, where)), "another program")
            raise _place_error(error, where, by) from error


def next_try(began: float, ended: float) -> float:
    """When a place that could not be had is tried again.

    Args:
        began: monotonic time at which the last try began, seconds.
        ended: and at which it ended.
    """
    return ended + max(AGAIN_S, (ended - began) / _SHARE)


def _try_beside(leaving: list[socket.socket], where: Listen) -> None:
    """Bind there for an instant; that these of ours are in the way does not count, as they will be given up.

    The kernel lets sockets of one user share a port where each of them says so. It remembers that until somebody binds
    there alone: not for a mere question.
    """
    before = [(one, one.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)) for one in leaving]
    try:
        for one, _ in before:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _bound(replace(where, shared=True)).close()
    except OSError as error:
        raise _place_error(error, where) from error
    finally:
        for one, shared in before:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)


def _try_address(_: list[socket.socket], where: Listen) -> None:
    try:
        _bound(replace(where, port=0)).close()
    except OSError as error:
        raise _place_error(error, where) from error


def _close(*those: tuple[Listen, socket.socket]) -> None:
    for _, one in those:
        one.close()


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _overlap(one: Listen, other: Listen) -> bool:
    return one.host == other.host or bool(_ALL & {one.host, other.host})


def _listening(where: Listen) -> socket.socket:
    opened = _bound(where)
    try:
        opened.listen(BACKLOG)
    except OSError:
        opened.close()
        raise
    return opened


def _bound(where: Listen) -> socket.socket:
    try:
        found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no host can have this name") from error
    family, kind, protocol, _, address = found[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if where.shared:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(where.host != "::"))
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    opened.setblocking(False)
    return opened


def _place_error(error: OSError, where: Listen, by: str = "another program") -> PlaceError:
    host_key = f"{where.key.rpartition('.')[0]}.host"
    if isinstance(error, socket.gaierror):
        reason = error.strerror
        return PlaceError(
            host_key, f"cannot listen on {where.host}: {reason}; give an address of this machine, or 0.0.0.0 for all"
        )
    key = host_key if error.errno == errno.EADDRNOTAVAIL else where.key
    return PlaceError(key, f"cannot listen on {where.host} port {where.port}: {_cure(error, where, by)}")


def _cure(error: OSError, where: Listen, by: str) -> str:
    if error.errno == errno.EADDRINUSE and by != "another program":
        return f"{by} does; set another {where.key}"
    if error.errno == errno.EADDRINUSE:
        return f"another program does; `ss -ltnp sport = :{where.port}` names it. Stop it, or set another {where.key}"
    if error.errno == errno.EACCES:
        return (
            f"ports this low need a privilege. `metergate config set {where.key} {max(1024, 1000 + where.port)}` takes "
            "another, or allow it: sysctl net.ipv4.ip_unprivileged_port_start=0 in a container, "
            "AmbientCapabilities=CAP_NET_BIND_SERVICE in a systemd unit"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address. Give one of its own, or 0.0.0.0 for all"
    if error.errno == errno.EMFILE:
        return f"{os.strerror(errno.EMFILE)}. Raise the limit (ulimit -n, LimitNOFILE=), or lower slave.workers"
    return os.strerror(error.errno or 0)
