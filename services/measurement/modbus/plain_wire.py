"""A connection to a meter on plain Modbus TCP.

pymodbus speaks the protocol; its own retries and reconnects stay off, since the source decides when to ask again.
"""

import asyncio
import logging
import socket
from typing import cast

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from services.measurement.modbus.allowance import Allowance
from services.measurement.modbus.plan import Request
from services.measurement.modbus.wire import ModbusExceptionError, Wire
from shared.config.model import Modbus
from shared.errors import PeerError

logging.getLogger("pymodbus").addHandler(logging.NullHandler())  # what fails is said once, by the source


class PlainWire(Wire):
    """See module.

    Args:
        settings: where the meter answers.
    """

    def __init__(self, settings: Modbus) -> None:
        self._settings = settings
        self._where = f"{settings.host}:{settings.port}"
        self._client: AsyncModbusTcpClient | None = None
        self._bounds: _Bounds | None = None
        self._late = False  # whether an answer may still come to a question that was given up on this connection

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._client is not None and self._client.connected

    async def connect(self) -> None:
        """Open a fresh connection.

        Raises:
            PeerError: there is none to be had.
        """
        self.close()
        settings = self._settings
        client = AsyncModbusTcpClient(
            settings.host, port=settings.port, timeout=settings.timeout_s, retries=0, reconnect_delay=0
        )
        self._late = False
        self._client = client  # from here on close() ends it, also where connecting is cancelled
        done = await client.connect()
        _obey_cancellation()
        if not done:
            self.close()
            raise PeerError(f"no connection to {self._where}: {await self._why()}")
        self._bounds = _Bounds(client)

    async def read(self, request: Request) -> list[int]:
        """The registers of one request.

        Raises:
            ModbusExceptionError: the meter refused.
            PeerError: no or a wrong answer.
        """
        if self._client is None or self._bounds is None:
            raise PeerError(f"no connection to {self._where}")
        self._bounds.allowance.asked()
        read = self._client.read_holding_registers if request.function == 3 else self._client.read_input_registers
        what = f"{request.length} registers from {request.address}"
        try:
            answer = await read(request.address, count=request.length, device_id=self._settings.unit)
        except ModbusException as error:
            if self._bounds.broken:
                raise PeerError(f"{self._where} {self._bounds.broken}") from error
            if not self.connected:
                raise PeerError(f"{self._where} closed the connection") from error
            self._late = True
            raise PeerError(f"{self._where} gave no answer within {self._settings.timeout_s:g} s to {what}") from error
        finally:
            _obey_cancellation()
        if self._late and not answer.transaction_id:  # pymodbus takes such an answer for that to any question
            self.close()
            raise PeerError(f"{self._where} answers without a transaction id, and one answer is late: connecting anew")
        if answer.isError():
            raise ModbusExceptionError(self._where, answer.exception_code, what)
        if answer.function_code != request.function or len(answer.registers) != request.length:
            found = f"{len(answer.registers)} registers by function {answer.function_code}"
            raise PeerError(f"{self._where} answered {found} to {what} by function {request.function}")
        return list(answer.registers)

    def close(self) -> None:
        """End the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def _why(self) -> str:
        """The reason why connecting failed, which pymodbus keeps for itself: try once more and look."""
        settings = self._settings
        try:
            async with asyncio.timeout(settings.timeout_s):
                _, writer = await asyncio.open_connection(settings.host, settings.port)
        except TimeoutError:
            return f"no answer within {settings.timeout_s:g} s"
        except socket.gaierror:
            return "the name is not known; check meter.modbus.host"
        except ConnectionRefusedError:
            return "refused; does the meter serve Modbus TCP on this port?"
        except OSError as error:
            return error.strerror or str(error)
        writer.close()
        return "the connection ended at once"


class _Bounds(asyncio.Protocol):
    """Stands between the connection and pymodbus.

    That would take however much a meter sends, and raises into the loop what it cannot read of it.

    Args:
        client: that is connected.

    Attributes:
        allowance: what may still come.
        broken: what the meter did instead of answering; the connection has ended then.
    """

    def __init__(self, client: AsyncModbusTcpClient) -> None:
        self.allowance = Allowance()
        self.broken = ""
        self._pymodbus = client.ctx
        # uvloop's is none by its class; None where the connection has ended already
        self._transport = cast("asyncio.Transport | None", client.ctx.transport)
        if self._transport is not None:
            self._transport.set_protocol(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self.broken:
            return
        if not self.allowance.covers(len(data)):
            self._break("sent more than it was asked for")
            return
        try:
            self._pymodbus.data_received(data)
        except ModbusException:
            self._break("sent something that is no answer")

    def eof_received(self) -> None:
        """See `asyncio.Protocol`."""
        self._pymodbus.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._pymodbus.connection_lost(exc)

    def _break(self, how: str) -> None:
        self.broken = how
        if self._transport is not None:
            self._transport.abort()


def _obey_cancellation() -> None:
    """End the task if somebody asked it to end while pymodbus waited.

    pymodbus waits with asyncio.wait_for, which up to Python 3.11 forgets a cancellation that comes together with the
    answer: the role would go on after SIGTERM until it is killed.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
