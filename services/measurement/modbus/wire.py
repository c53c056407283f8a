"""One connection to one meter: connect, read, close. Whatever goes wrong is a PeerError that says what, in words."""

import abc
import asyncio
from collections.abc import Iterable
from typing import Final

from services.measurement.modbus.plan import Request
from shared.errors import PeerError

_EXCEPTIONS: Final = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure, or no valid value now",
    5: "acknowledge",
    6: "device busy",
    10: "gateway path unavailable",
    11: "no answer from the device behind the gateway",
}


class ModbusExceptionError(PeerError):
    """The meter answered with an exception.

    Args:
        where: of the meter.
        code: of the exception.
        what: it was asked for.
        hint: what it may mean here.

    Attributes:
        code: as given.
    """

    def __init__(self, where: str, code: int, what: str, hint: str = "") -> None:
        words = _EXCEPTIONS.get(code, "unknown")
        super().__init__(f"{where} answered exception {code:02} ({words}) to {what}{hint}")
        self.code = code


class Wire(abc.ABC):
    """See module."""

    @property
    @abc.abstractmethod
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""

    @abc.abstractmethod
    async def connect(self) -> None:
        """Open a fresh connection.

        Raises:
            PeerError: there is none to be had.
        """

    @abc.abstractmethod
    async def read(self, request: Request) -> list[int]:
        """The registers of one request.

        Raises:
            ModbusExceptionError: the meter refused.
            PeerError: no or a wrong answer.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """End the connection."""

    async def read_all(self, requests: Iterable[Request], memory: dict[tuple[int, int], int]) -> None:
        """Read `requests` one after the other into `memory`.

        Raises:
            PeerError: one of them failed.
        """
        for request in requests:
            for offset, word in enumerate(await self.read(request)):
                memory[request.function, request.address + offset] = word

    async def better(self) -> None:
        """Return once there is a new reason to hope that connecting succeeds; here there never is."""
        await asyncio.Event().wait()

    def bears(self, error: PeerError) -> bool:
        """Whether the connection is kept however often this error comes."""
        del error
        return False
