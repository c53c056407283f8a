"""One TLS connection: as a plain one, with the verdict asked before each request, also on the short way."""

import asyncio
from collections.abc import Callable

import msgspec

from services.tls_slave.access import PeerAccess
from shared.bus.messages import Client
from shared.modbus.connection import Connection, Keeper
from shared.modbus.slave import Slave
from shared.tls.trust import Verdict


class TlsConnection(Connection):
    """One peer.

    Attributes:
        access: its certificate, and what it may do.
    """

    __slots__ = ("_gate", "_write", "access")

    def __init__(self, keeper: Keeper, slave: Slave, now_ns: Callable[[], int], access: PeerAccess) -> None:
        super().__init__(keeper, slave, now_ns)
        self.access = access
        self._gate = access.gate

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask to be let in."""
        super().connection_made(transport)
        self._write = self.transport.write

    @property
    def names(self) -> tuple[str, ...]:
        """By which it can be paused."""
        return (self.address, self.access.peer.certificate.fingerprint)

    def client(self, now: int) -> Client:
        """What there is to tell of it."""
        peer = self.access.peer
        return msgspec.structs.replace(
            super().client(now),
            fingerprint=peer.certificate.fingerprint,
            label=self.access.label,
            role=peer.certificate.role,
            protocol=peer.version,
        )

    def judge(self) -> Verdict:
        """The verdict anew; the next request takes the long way, on which the rights are asked for."""
        self.slave.straight = False
        return self.access.judge()

    def data_received(self, data: bytes) -> None:
        """Answer at once all that came together, the short way where its answer is known and the verdict stands."""
        now = self._now()
        slave = self.slave
        view = self._replica.view
        if slave.straight and now <= view.until_ns and self.access.decisions is self._gate.decisions:
            answer = view.answers.get(data[2:])
            if answer is not None:
                slave.requests += 1
                slave.last = data
                self._write(data[:2] + answer)
                return
        answer = slave.receive(data, now)
        if answer:
            self.transport.write(answer)
        if slave.state:
            self._obey()
