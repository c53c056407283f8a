"""A connection to a meter on Modbus/TCP Security: nothing is said before the meter's certificate is trusted."""

from typing import Final

from services.measurement.modbus.master import Master
from services.measurement.modbus.plan import Request
from services.measurement.modbus.wire import ModbusExceptionError, Wire
from shared.config.model import Modbus
from shared.connect import Connector
from shared.errors import PeerError, UntrustedError
from shared.modbus.pdu import ExceptionCode
from shared.tls.decisions import NONE, Decisions
from shared.tls.fingerprint import beginning
from shared.tls.outward import Outward, Vetted

HANDSHAKE_S: Final = 5.0
"""For name, connection and handshake together: a small meter computes for a second or two."""


class TlsWire(Wire):
    """See module.

    Args:
        settings: where the meter answers.
        outward: who is trusted.
    """

    def __init__(self, settings: Modbus, outward: Outward) -> None:
        self._settings = settings
        self._outward = outward
        self._to = Connector(settings.host, settings.port)
        self._vetted: Vetted | None = None
        self._master: Master | None = None
        self._judged_by: Decisions = NONE

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._master is not None and self._master.connected

    async def connect(self) -> None:
        """Open a fresh connection.

        Raises:
            PeerError: there is none to be had, or the meter is not trusted.
        """
        self.close()
        self._judged_by = self._outward.decisions
        master = Master(self._to.place)
        self._master = master  # from here on close() ends it, also where connecting is cancelled
        try:
            self._vetted = await self._outward.dial(
                self._to, lambda: master, max(HANDSHAKE_S, self._settings.timeout_s)
            )
        except UntrustedError as error:
            self._judged_by = self._outward.decisions
            raise PeerError(str(error)) from error

    async def read(self, request: Request) -> list[int]:
        """The registers of one request.

        Raises:
            ModbusExceptionError: the meter refused.
            PeerError: no or a wrong answer, or the meter is not trusted any more.
        """
        if self._vetted is None or self._master is None:
            raise PeerError(f"no connection to {self._to.place}")
        what = f"{request.length} registers from {request.address}"
        pdu = b"%c%b%b" % (request.function, request.address.to_bytes(2, "big"), request.length.to_bytes(2, "big"))
        answer = await self._ask(self._vetted, self._master, pdu)
        if len(answer) == 2 and answer[0] == request.function | 0x80:
            raise ModbusExceptionError(self._to.place, answer[1], what, self._hint(answer[1]))
        if answer[:2] != bytes((request.function, 2 * request.length)) or len(answer) != 2 + 2 * request.length:
            raise PeerError(f"{self._to.place} answered {len(answer)} bytes that are no answer to {what}")
        return [int.from_bytes(answer[at : at + 2], "big") for at in range(2, len(answer), 2)]

    def close(self) -> None:
        """End the connection."""
        master, self._master, self._vetted = self._master, None, None
        if master is not None:
            master.close()

    async def better(self) -> None:
        """Return once other decisions are in force than those under which connecting was tried."""
        await self._outward.newer_than(self._judged_by)

    def bears(self, error: PeerError) -> bool:
        """A meter that has not accepted us yet answers 01 until it has: each new handshake would cost it dear."""
        return isinstance(error, ModbusExceptionError) and error.code == ExceptionCode.ILLEGAL_FUNCTION

    async def _ask(self, vetted: Vetted, master: Master, pdu: bytes) -> bytes:
        """Where the connection was cut because the meter lost its place, the error says that."""
        try:
            vetted.check()
            try:
                return await master.ask(self._settings.unit, pdu, self._settings.timeout_s)
            except PeerError:
                vetted.check()
                raise
        except UntrustedError as error:
            master.close()
            raise PeerError(str(error)) from error

    def _hint(self, code: int) -> str:
        if code != ExceptionCode.ILLEGAL_FUNCTION:
            return ""
        return f"; has the meter accepted this gateway's certificate {beginning(self._outward.own_fingerprint)} ...?"
