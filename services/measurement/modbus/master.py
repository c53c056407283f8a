"""A Modbus master on any stream: one request at a time, and the answer that belongs to it or an error that says why.

For streams that no library takes, such as TLS whose peer is looked at before the first byte is written.
"""

import asyncio

from services.measurement.modbus.allowance import Allowance
from shared.errors import PeerError
from shared.modbus.frame import BROKEN, HEADER, frame_size, wrap


class Master(asyncio.Protocol):
    """One connection.

    Args:
        where: the peer, for messages.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._transport: asyncio.Transport | None = None
        self._allowance = Allowance()
        self._buffer = b""
        self._transaction = 0
        self._unit = 0
        self._answer: asyncio.Future[bytes] | None = None
        self._end = ""

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, unit: int, pdu: bytes, timeout_s: float) -> bytes:
        """The PDU that answers `pdu`. What arrives for an earlier request, too late, is thrown away.

        Raises:
            PeerError: no connection, or no answer in time, or not one of Modbus.
        """
        if self._transport is None or not self.connected:
            raise PeerError(self._end or f"no connection to {self._where}")
        if self._answer is not None:
            raise RuntimeError("one request at a time")
        self._transaction = (self._transaction + 1) % 65536
        self._unit = unit
        self._allowance.asked()
        self._answer = asyncio.get_running_loop().create_future()
        try:
            self._transport.write(self._transaction.to_bytes(2, "big") + wrap(unit, pdu))
            async with asyncio.timeout(timeout_s):
                return await self._answer
        except TimeoutError as error:
            raise PeerError(f"{self._where} gave no answer within {timeout_s:g} s") from error
        finally:
            self._answer = None

    def cut(self, reason: str) -> None:
        """End the connection at once; whoever waits for an answer is told why."""
        self._ended(reason)
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End the connection in order."""
        self._ended(f"the connection to {self._where} was closed")
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Nothing is said before something is asked."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"{type(transport).__name__} is no transport for a stream")
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answers, whole or in parts."""
        if not self._allowance.covers(len(data)):
            self.cut(f"{self._where} sent more than it was asked for")
            return
        buffer = self._buffer + data
        at = 0
        while (size := frame_size(buffer, at)) > 0:
            self._take(buffer[at : at + size])
            at += size
        self._buffer = buffer[at:]
        if size == BROKEN:
            self.cut(f"{self._where} sent something that is not Modbus")

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer ended it, or we did."""
        self._transport = None
        self._ended(f"{self._where} closed the connection" + (f": {exc}" if exc else ""))

    def _take(self, frame: bytes) -> None:
        mine = int.from_bytes(frame[:2], "big") == self._transaction and frame[HEADER - 1] == self._unit
        if mine and self._answer is not None and not self._answer.done():
            self._answer.set_result(frame[HEADER:])

    def _ended(self, reason: str) -> None:
        """The first reason is the one that counts."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(PeerError(reason))
        self._end = self._end or reason
