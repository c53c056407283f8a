"""Reading registers of a slave as any Modbus client would, with what went wrong in words."""

import logging
from collections.abc import Collection
from typing import Final, Literal, Self

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ExceptionResponse

from shared.errors import PeerError, RefusedError
from shared.modbus.pdu import ExceptionCode
from shared.registers.decode import bytes_of

Function = Literal[3, 4]
TIMEOUT_S = 2.0
"""For connecting, and for each answer."""
_EXCEPTIONS: Final = {
    1: "the slave does not know this function, or does not allow it to us",
    2: "there is no such register, or the range leaves the block; `metergate registers` lists what exists",
    3: "the slave does not take this count",
    5: "the slave still works on it; ask again later",
    6: "the slave is busy, or a part of it is away; ask again later",
    10: "the gateway on the way is not set up for this unit",
    11: "no device answered to this unit behind the gateway",
}
_FAILURES: Final = {
    "live": "the measurement is stale, or there was none yet: the slave has nothing that it may serve as fresh",
    "counter": "this counter is not known: there was no measurement yet, or its journal is damaged; see `metergate ps`",
}
"""What exception 04 says of a register of that class."""
_NO_IMAGE: Final = "the slave has no registers yet: register-store does not run, or hangs; see `metergate ps`"


class SlaveExceptionError(RefusedError):
    """The slave answered with an exception.

    Attributes:
        code: of it.
    """

    def __init__(self, code: int) -> None:
        super().__init__(exception_words(code, ()))
        self.code = code


class ModbusClient:
    """A connection to one slave.

    Args:
        host: address or name.
        port: TCP port.
        unit: Modbus unit id.

    Raises:
        PeerError: nobody accepts the connection.
    """

    __slots__ = ("_client", "_unit", "_where")

    def __init__(self, host: str, port: int, unit: int) -> None:
        self._where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._unit = unit
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)  # it prints what we say in our own words
        self._client = ModbusTcpClient(host, port=port, timeout=TIMEOUT_S, retries=0)
        if not self._client.connect():  # type: ignore[no-untyped-call]  # pymodbus left it without types
            raise PeerError(f"nobody accepts Modbus TCP at {self._where}; is the slave running? see `metergate ps`")

    def read(self, address: int, count: int, function: Function = 3) -> bytes:
        """The bytes of `count` registers.

        Raises:
            SlaveExceptionError: the slave answered with an exception.
            PeerError: it did not answer, or with something else.
        """
        ask = self._client.read_holding_registers if function == 3 else self._client.read_input_registers
        try:
            answer = ask(address, count=count, device_id=self._unit)
        except (ModbusException, OSError) as error:
            raise PeerError(
                f"{self._where} accepts connections, but did not answer for unit {self._unit}; see `metergate ps`"
            ) from error
        if isinstance(answer, ExceptionResponse):
            raise SlaveExceptionError(answer.exception_code)
        if answer.isError() or len(answer.registers) != count:
            raise PeerError(f"{self._where} answered with {len(answer.registers)} registers instead of {count}")
        return bytes_of(answer.registers)

    def close(self) -> None:
        """End the connection."""
        self._client.close()  # type: ignore[no-untyped-call]  # as above

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def exception_words(code: int, classes: Collection[str]) -> str:
    """What a Modbus exception says to somebody who asked for registers of these classes."""
    if code == ExceptionCode.SERVER_DEVICE_FAILURE:
        words = "; or ".join(words for kind, words in _FAILURES.items() if kind in classes) or _NO_IMAGE
    else:
        words = _EXCEPTIONS.get(code, "a code that the specification does not list")
    return f"exception {code:02d}: {words}"
