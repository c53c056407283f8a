"""One handshake, either side: from a connected socket to a peer that has proven its key, within a deadline.

When to do a step, which costs up to a millisecond of processor time, is the owner's choice. A failure's alert is sent,
and the socket closed so that it arrives.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol

from OpenSSL import SSL

from shared.tls.connection import TlsConnection
from shared.tls.farewell import Farewell
from shared.tls.limits import Refusal
from shared.tls.peer import ChainCheck, TlsPeer, explain, peer_of


class Owner(Protocol):
    """Whose handshakes these are."""

    def ready(self, handshake: "Handshake") -> None:
        """A step can be done: call `step`, now or later."""
        ...

    def completed(self, handshake: "Handshake", peer: TlsPeer) -> None:
        """The owner takes socket and connection over."""
        ...

    def failed(self, handshake: "Handshake", refusal: Refusal, reason: str) -> None:
        """It has failed; the socket is about to be closed."""
        ...

    def ended(self, handshake: "Handshake") -> None:
        """After `failed`: the socket is closed."""
        ...


class Handshake:
    """A handshake under way.

    Attributes:
        sock, connection: the owner's once the handshake is complete.
        address, port: of the peer.
    """

    __slots__ = ("_farewell", "_loop", "_over", "_owner", "_timer", "_watched", "address", "connection", "port", "sock")

    def __init__(
        self, owner: Owner, context: SSL.Context, sock: socket.socket, peer: tuple[str, int], deadline_s: float
    ) -> None:
        """Prepare a handshake on a connected, non-blocking socket. `accept` or `connect` begins it."""
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._farewell: Farewell | None = None
        self._over = False
        self._watched = False
        self.sock = sock
        self.address, self.port = peer
        self.connection = TlsConnection(context, sock)
        self.connection.set_app_data(ChainCheck())
        self._timer = self._loop.call_later(deadline_s, self.fail, Refusal.DEADLINE, f"not done after {deadline_s:g} s")

    def accept(self) -> None:
        """As server: wait for the peer's first message."""
        self.connection.set_accept_state()
        self._watch(self._loop.add_reader)

    def connect(self, host: str) -> None:
        """As client of `host`, which is told to the server where it is a name."""
        self.connection.set_connect_state()
        if host and not host.replace(".", "").isdigit() and ":" not in host:
            self.connection.set_tlsext_host_name(host.encode("idna"))
        self.step()

    def step(self) -> None:
        """Go on as far as the peer's messages allow."""
        if self._over:
            return
        try:
            self.connection.do_handshake()
        except SSL.WantReadError:
            self._watch(self._loop.add_reader)
        except SSL.WantWriteError:
            self._watch(self._loop.add_writer)
        except SSL.ZeroReturnError:
            self.fail(Refusal.LEFT, "the peer closed the connection")
        except SSL.Error as error:
            self.fail(Refusal.LEFT if isinstance(error, SSL.SysCallError) else Refusal.HANDSHAKE, explain(error))
        except BaseException:
            self.fail(Refusal.HANDSHAKE, "a defect of ours")
            raise
        else:
            self._complete()

    def fail(self, refusal: Refusal, reason: str) -> None:
        """End it; what OpenSSL had to say to the peer is already written."""
        if self._over:
            return
        self._finish()
        self._farewell = Farewell(self._loop, self.sock, self._ended)
        self._owner.failed(self, refusal, reason)

    def cut(self) -> None:
        """Close now, whatever is under way."""
        self.fail(Refusal.STOPPED, "the server stops")
        if self._farewell is not None:
            self._farewell.cut()

    def _complete(self) -> None:
        peer = peer_of(self.connection, self.address, self.port)
        if peer is None:
            self.fail(Refusal.HANDSHAKE, "the peer showed no certificate")
            return
        self._finish()
        self._owner.completed(self, peer)

    def _watch(self, add: Callable[[int, Callable[[], None]], None]) -> None:
        self._watched = True
        add(self.sock.fileno(), self._wake)

    def _wake(self) -> None:
        self._unwatch()
        self._owner.ready(self)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._loop.remove_reader(self.sock.fileno())
            self._loop.remove_writer(self.sock.fileno())

    def _finish(self) -> None:
        self._over = True
        self._timer.cancel()
        self._unwatch()

    def _ended(self) -> None:
        self._owner.ended(self)
