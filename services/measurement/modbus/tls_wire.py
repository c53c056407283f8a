"""A connection to a meter on Modbus/TCP Security: nothing is said before the meter's certificate is trusted."""

import asyncio
from typing import Final

from services.measurement.modbus.peers import Peers, Vetted, grouped
from services.measurement.modbus.plan import Request
from services.measurement.modbus.wire import ModbusExceptionError, Wire
from shared.config.model import Modbus
from shared.errors import PeerError, RefusedError
from shared.modbus.pdu import ExceptionCode
from shared.tls.decisions import NONE, Decisions
from shared.tls.dial import dial
from shared.tls.peer import TlsPeer

HANDSHAKE_S: Final = 5.0
"""For name, connection and handshake together: a small meter computes for a second or two."""


class TlsWire(Wire):
    """See module.

    Args:
        settings: where the meter answers.
        peers: who is trusted.
    """

    def __init__(self, settings: Modbus, peers: Peers) -> None:
        self._settings = settings
        self._peers = peers
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        self._where = f"{host}:{settings.port}"
        self._vetted: Vetted | None = None
        self._judged_by: Decisions = NONE

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._vetted is not None and self._vetted.master.connected

    async def connect(self) -> None:
        """Open a fresh connection.

        Raises:
            PeerError: there is none to be had, or the meter is not trusted.
        """
        self.close()
        settings = self._settings
        self._judged_by = self._peers.decisions
        context = await self._peers.context(settings.host)
        try:
            await dial(context, settings.host, settings.port, self._meet, max(HANDSHAKE_S, settings.timeout_s))
        except RefusedError as error:
            raise PeerError(str(error)) from error

    async def read(self, request: Request) -> list[int]:
        """The registers of one request.

        Raises:
            ModbusExceptionError: the meter refused.
            PeerError: no or a wrong answer, or the meter is not trusted any more.
        """
        if self._vetted is None:
            raise PeerError(f"no connection to {self._where}")
        self._vetted.check()
        what = f"{request.length} registers from {request.address}"
        pdu = b"%c%b%b" % (request.function, request.address.to_bytes(2, "big"), request.length.to_bytes(2, "big"))
        answer = await self._vetted.master.ask(self._settings.unit, pdu, self._settings.timeout_s)
        if len(answer) == 2 and answer[0] == request.function | 0x80:
            raise ModbusExceptionError(self._where, answer[1], what, self._hint(answer[1]))
        if answer[:2] != bytes((request.function, 2 * request.length)) or len(answer) != 2 + 2 * request.length:
            raise PeerError(f"{self._where} answered {len(answer)} bytes that are no answer to {what}")
        return [int.from_bytes(answer[at : at + 2], "big") for at in range(2, len(answer), 2)]

    def close(self) -> None:
        """End the connection."""
        vetted, self._vetted = self._vetted, None
        if vetted is not None:
            vetted.master.close()

    async def better(self) -> None:
        """Return once other decisions are in force than those under which connecting was tried."""
        await self._peers.newer_than(self._judged_by)

    def bears(self, error: PeerError) -> bool:
        """A meter that has not accepted us yet answers 01 until it has: each new handshake would cost it dear."""
        return isinstance(error, ModbusExceptionError) and error.code == ExceptionCode.ILLEGAL_FUNCTION

    def _meet(self, peer: TlsPeer) -> asyncio.Protocol:
        self._judged_by = self._peers.decisions
        self._vetted = self._peers.vet(peer, self._settings.host, self._where)
        return self._vetted.master

    def _hint(self, code: int) -> str:
        if code != ExceptionCode.ILLEGAL_FUNCTION:
            return ""
        return f"; has the meter accepted this gateway's certificate {grouped(self._peers.own_fingerprint)} ...?"
