"""Listening sockets for TLS: who may begin a handshake, and handshakes one step at a time.

A protocol hears of a connection only once its peer has proven its key. However many handshakes are under way, each
loop turn does one step of one of them, so that established connections wait for a millisecond at most.
"""

import asyncio
import errno
import socket
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Final

from OpenSSL import SSL

from shared.tls.handshake import Handshake
from shared.tls.limits import Doorkeeper, Limits, Refusal, origin_of
from shared.tls.peer import TlsPeer
from shared.tls.stream import TlsTransport

ACCEPTS_PER_TURN: Final = 16
REST_S: Final = 0.5
"""No descriptor or memory left: how long nothing is accepted."""

Factory = Callable[[TlsPeer], asyncio.Protocol | None]
"""The protocol for a peer; None where it is not wanted."""
Told = Callable[[str, Refusal, str], None]
"""Address, kind and reason of a connection that came to nothing."""

_EXHAUSTED: Final = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))


class Acceptor:
    """Accepts TLS connections.

    Attributes:
        context: used from the next handshake on; replace it when keys or authorities change.
        refused: connections that came to nothing, by kind.
    """

    def __init__(
        self,
        context: SSL.Context,
        factory: Factory,
        *,
        limits: Limits | None = None,
        room: Callable[[str], bool] = lambda _: True,
        told: Told = lambda *_: None,
    ) -> None:
        """Prepare.

        Args:
            context: a server's.
            factory: gives each peer its protocol.
            limits: before the handshake.
            room: whether one more connection from that address would stay; asked before the handshake.
            told: hears of each connection that came to nothing; whoever logs it limits the rate.
        """
        self.context = context
        self.refused: Counter[Refusal] = Counter()
        self._factory = factory
        self._limits = limits or Limits()
        self._room = room
        self._told = told
        self._sockets: list[socket.socket] = []
        self._ready: deque[Handshake] = deque()
        self._under_way: dict[Handshake, str] = {}
        self._pumping = False
        self._rest: asyncio.TimerHandle | None = None

    def start(self, sockets: Iterable[socket.socket], backlog: int = 128) -> None:
        """Accept on bound or listening sockets, which belong to this from now on."""
        self._loop = asyncio.get_running_loop()
        self._door = Doorkeeper(self._limits, self._loop.time())
        for sock in sockets:
            sock.setblocking(False)
            sock.listen(backlog)
            self._sockets.append(sock)
        self._listen()

    def stop(self) -> None:
        """Accept nothing more and end every handshake. Established connections are their protocols' matter."""
        self._deafen()
        if self._rest is not None:
            self._rest.cancel()
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()
        for handshake in tuple(self._under_way):
            handshake.cut()

    @property
    def port(self) -> int:
        """Listening port, 0 where none."""
        return int(self._sockets[0].getsockname()[1]) if self._sockets else 0

    def welcome(self, address: str) -> None:
        """A peer from there is served: its next handshakes go before those of strangers."""
        self._door.welcome(origin_of(address))

    def ready(self, handshake: Handshake) -> None:
        """Queue a step."""
        self._ready.append(handshake)
        if not self._pumping:
            self._pumping = True
            self._loop.call_soon(self._pump)

    def completed(self, handshake: Handshake, peer: TlsPeer) -> None:
        """Make the connection."""
        self.ended(handshake)
        try:
            protocol = self._factory(peer)
            transport = TlsTransport(handshake.sock, handshake.connection, peer, protocol or asyncio.Protocol())
        except BaseException:
            if handshake.sock.fileno() >= 0:
                self._loop.remove_reader(handshake.sock.fileno())
                handshake.sock.close()
            raise
        if protocol is None:
            self._refuse(peer.address, Refusal.UNWANTED, "")
            transport.close()

    def failed(self, handshake: Handshake, refusal: Refusal, reason: str) -> None:
        """Count it."""
        self._refuse(handshake.address, refusal, reason)

    def ended(self, handshake: Handshake) -> None:
        """Its place is free."""
        self._door.end(self._under_way.pop(handshake))

    def _pump(self) -> None:
        self._pumping = False
        handshake = self._ready.popleft()
        if self._ready:
            self._pumping = True
            self._loop.call_soon(self._pump)
        handshake.step()

    def _listen(self) -> None:
        for sock in self._sockets:
            self._loop.add_reader(sock.fileno(), self._accept, sock)

    def _deafen(self) -> None:
        for sock in self._sockets:
            self._loop.remove_reader(sock.fileno())

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTS_PER_TURN):
            try:
                sock, (host, port, *_) = listener.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:  # it left while it was queued
                continue
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    raise
                self._deafen()  # or this would be called again at once, for ever
                self._rest = self._loop.call_later(REST_S, self._listen)
                self._refuse("", Refusal.FULL, f"nothing is accepted for {REST_S} s: {error.strerror}")
                return
            self._begin(sock, str(host).removeprefix("::ffff:"), int(port))

    def _begin(self, sock: socket.socket, address: str, port: int) -> None:
        origin = origin_of(address)
        refusal = Refusal.FULL if not self._room(address) else self._door.begin(origin, self._loop.time())
        if refusal is not None:
            sock.close()
            self._refuse(address, refusal, "")
            return
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handshake = Handshake(self, self.context, sock, (address, port), self._limits.deadline_s)
        self._under_way[handshake] = origin
        handshake.accept()

    def _refuse(self, address: str, refusal: Refusal, reason: str) -> None:
        self.refused[refusal] += 1
        self._told(address, refusal, reason)
