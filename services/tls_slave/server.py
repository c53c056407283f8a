"""All TLS connections of one process: who is let in, who waits in quarantine, who is cut off and when.

    TCP -> room? -> handshake -> verdict -> served | quarantine | refused
    new decisions -> cut whoever lost his place, at once -> acknowledge

The verdict belongs to each request (`access`); what is decided here is only whether a connection may stay.
"""

import socket
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Protocol

from OpenSSL import SSL
from structlog.typing import FilteringBoundLogger

from services.tls_slave.access import PeerAccess
from services.tls_slave.connection import TlsConnection
from services.tls_slave.quarantine import Quarantine
from services.tls_slave.rationed import RationedLog
from services.tls_slave.writer import Call, StoreWriter
from shared import clock
from shared.modbus.access import Later
from shared.modbus.connection import Connection
from shared.modbus.listen import QUEUE, tune
from shared.modbus.pdu import Write
from shared.modbus.replica import Replica
from shared.modbus.server import Counters, Limits, Server
from shared.modbus.slave import Slave
from shared.tls.accept import Acceptor
from shared.tls.decisions import NONE, Decisions
from shared.tls.limits import Limits as HandshakeLimits
from shared.tls.limits import Refusal, origin_of
from shared.tls.peer import TlsPeer
from shared.tls.told import CutCount
from shared.tls.trust import Standing


class Witness(Protocol):
    """Who is told what peers do."""

    def seen(self, access: PeerAccess) -> None:
        """A peer has proven its key."""
        ...

    def refused(self, access: PeerAccess, what: str) -> None:
        """A peer that is served asked for what its role does not allow."""
        ...


class TlsServer(Server):
    """Serves a replica to accepted peers.

    Attributes:
        decisions: the owner's, in force.
        external_control: whether registers may be written at all.
        closed: fingerprint -> connections cut off so far, for those cut last.
    """

    knows_certificates = True

    def __init__(
        self,
        replica: Replica,
        log: FilteringBoundLogger,
        witness: Witness,
        call: Call,
        *,
        limits: Limits | None = None,
        handshakes: HandshakeLimits | None = None,
        external_control: bool = False,
        now_ns: Callable[[], int] = clock.now_ns,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; nobody is served before `decide` and `use`.

        Args:
            replica: what is served.
            log: for refusals and limits.
            witness: told what peers do.
            call: `Bus.call`, for writes.
            limits: of connections.
            handshakes: of handshakes.
            external_control: `[wallbox] external_control`.
            now_ns: CLOCK_BOOTTIME.
            wall_s: seconds since 1970.
        """
        super().__init__(replica, log, limits, now_ns=now_ns)
        self.decisions: Decisions = NONE
        self.external_control = external_control
        self.closed = CutCount()
        self._witness = witness
        self._wall_s = wall_s
        self._writer = StoreWriter(call, replica, log)
        self._rationed = RationedLog(log, now_ns)
        self._quarantine: Quarantine[TlsConnection] = Quarantine()
        self._usable = False
        self._acceptor = Acceptor(
            SSL.Context(SSL.TLS_SERVER_METHOD),  # never used: without `use` there is no room for anybody
            self._welcome,
            limits=handshakes,
            room=self._room,
            told=self._told,
        )

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Serve on `sockets`, bound or listening. They belong to this server from now on."""
        self._warn_of_descriptors()
        sockets = tuple(sockets)
        for sock in sockets:
            tune(sock)
        self._acceptor.start(sockets, QUEUE)
        self._sweep()

    async def stop(self, grace_s: float = 0.5) -> None:
        """Accept nothing more; end each connection once its answers are out, at the latest after `grace_s`."""
        self._acceptor.stop()
        self._writer.stop()
        await super().stop(grace_s)

    def use(self, context: SSL.Context) -> None:
        """Shake hands with these keys and authorities from now on; open connections are not touched."""
        self._acceptor.context = context
        self._usable = True

    def decide(self, decisions: Decisions) -> None:
        """Act by new decisions: whoever lost his place is cut off before this returns."""
        self.decisions = decisions
        for connection in self._peers():
            if connection.judge().served:
                self._acceptor.welcome(connection.address)
                self._quarantine.leave(connection)
            else:
                self._put_out(connection)
        self._writer.review()

    def image_taken(self) -> None:
        """The replica has a new image."""
        self._writer.image_taken()

    @property
    def port(self) -> int:
        """Listening port, 0 where none."""
        return self._acceptor.port

    def open_by_fingerprint(self) -> Counter[str]:
        """Connections that are open now, also in quarantine."""
        return Counter(each.access.peer.certificate.fingerprint for each in self._peers())

    def vouched(self) -> list[PeerAccess]:
        """Peers that an authority vouches for."""
        return [each.access for each in self._peers() if each.access.verdict.standing is Standing.CA_VALID]

    def waiting(self) -> list[PeerAccess]:
        """Peers in quarantine."""
        return [connection.access for connection in self._quarantine.waiting()]

    def counters(self) -> Counters:
        """Of ended and open connections, and of those that came to nothing."""
        total = super().counters()
        total.refused += self._acceptor.refused.total()
        return total

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection stays."""
        admitted = super().admit(connection)
        if not admitted and isinstance(connection, TlsConnection):
            self._quarantine.leave(connection)
        return admitted

    def release(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        if isinstance(connection, TlsConnection):
            self._quarantine.leave(connection)
        super().release(connection)

    def wall_s(self) -> float:
        """Seconds since 1970."""
        return self._wall_s()

    def write(self, access: PeerAccess, request: Write, meter: str) -> Later:
        """Hand a write that the peer may do to the register store."""
        certificate = access.peer.certificate
        who = {
            "by": "modbus",
            "fingerprint": certificate.fingerprint,
            "label": access.label,
            "address": access.peer.address,
            "role": certificate.role,
        }
        return self._writer.write(meter, request, who, lambda: access.may_write(request))

    def refused(self, access: PeerAccess, what: str) -> None:
        """A peer that is served asked for what its role does not allow."""
        self._witness.refused(access, what)

    def _peers(self) -> list[TlsConnection]:
        return [
            connection
            for connection in self._connections
            if isinstance(connection, TlsConnection) and not connection.transport.is_closing()
        ]

    def _room(self, address: str) -> bool:
        if not self._usable or self.decisions is NONE:
            return False
        return self.connections < self.cap and self._per_address[address] < self._limits.max_connections_per_address

    def _welcome(self, peer: TlsPeer) -> TlsConnection | None:
        """A peer has proven its key."""
        access = PeerAccess(self, peer)
        verdict = access.verdict
        if not verdict.listed:
            self._rationed.tell(
                "certificate refused", verdict.standing, peer=peer.address, reason=verdict.reason,
                fingerprint=peer.certificate.fingerprint,
            )  # fmt: skip
            return None
        self._witness.seen(access)
        now = self._now()
        if not verdict.served and not self._quarantine.room(origin_of(peer.address)):
            self._rationed.tell(
                "certificate not accepted, and no room to wait", verdict.standing, peer=peer.address,
                fingerprint=peer.certificate.fingerprint,
            )  # fmt: skip
            return None
        connection = TlsConnection(self, Slave(self._replica, access, self._limits.burst), self._now, access)
        if not verdict.served:
            self._quarantine.enter(connection, origin_of(peer.address), now)
            return connection
        self._acceptor.welcome(peer.address)
        if why := self.decisions.roles.explain(peer.certificate):
            self._witness.refused(access, why)
        return connection

    def _put_out(self, connection: TlsConnection) -> None:
        """End a connection whose peer is not served, unless it waits in quarantine."""
        if connection in self._quarantine:
            return
        fingerprint = connection.access.peer.certificate.fingerprint
        connection.transport.abort()
        self.closed.add(fingerprint)
        verdict = connection.access.verdict
        self._log.info(
            "connection cut off",
            peer=connection.peer,
            fingerprint=fingerprint,
            standing=verdict.standing.value,
            reason=verdict.reason,
        )

    def _told(self, address: str, refusal: Refusal, reason: str) -> None:
        if refusal is not Refusal.UNWANTED:  # told where it was refused
            self._rationed.tell("connection refused", refusal, peer=address, reason=reason)

    def _sweep(self) -> None:
        now_s, now = self._wall_s(), self._now()
        for connection in self._peers():
            verdict = connection.access.verdict
            if not verdict.since_s <= now_s <= verdict.until_s:
                if connection.judge().served:
                    self._quarantine.leave(connection)
                else:
                    self._put_out(connection)
        for connection in self._quarantine.overdue(now):
            self._quarantine.leave(connection)
            connection.close()
        super()._sweep()
