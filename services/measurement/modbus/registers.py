"""From registers to numbers and texts: types, word order, and the markers that say "not measured". Pure."""

import math
import struct
from collections.abc import Mapping
from typing import Final, Literal, cast

import msgspec

from services.measurement.modbus.plan import Span
from shared.registers.decode import bytes_of
from shared.registers.sunspec import INT16_MARKER

Type = Literal["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64", "acc32"]
Order = Literal["big", "little"]
Memory = Mapping[tuple[int, int], int]
"""What a poll has read: (function, address) -> register."""

_FORMATS: Final[dict[str, struct.Struct]] = {
    "uint16": struct.Struct(">H"),
    "int16": struct.Struct(">h"),
    "uint32": struct.Struct(">I"),
    "int32": struct.Struct(">i"),
    "uint64": struct.Struct(">Q"),
    "int64": struct.Struct(">q"),
    "float32": struct.Struct(">f"),
    "float64": struct.Struct(">d"),
    "acc32": struct.Struct(">I"),
}
_SUNSPEC_MARKERS: Final = {
    "uint16": 0xFFFF,
    "int16": INT16_MARKER,
    "uint32": 0xFFFFFFFF,
    "int32": -0x80000000,
    "uint64": 0xFFFFFFFFFFFFFFFF,
    "int64": -0x8000000000000000,
}


def registers_of(kind: str) -> int:
    """How many registers a value of that type takes."""
    return _FORMATS[kind].size // 2


def sunspec_marker(kind: str) -> int | None:
    """The value that means "not implemented" in a SunSpec model; None where a type has none of that kind."""
    return _SUNSPEC_MARKERS.get(kind)


class Register(msgspec.Struct, frozen=True):
    """Where and how a number stands.

    Attributes:
        function: 3 or 4.
        address: of the first register.
        type: see `Type`.
        order: whether the high word comes first (`big`) or last.
        marker: a raw value that means "not measured".
    """

    function: int
    address: int
    type: Type
    order: Order = "big"
    marker: int | None = None

    @property
    def span(self) -> Span:
        """Its registers."""
        return Span(self.address, registers_of(self.type))

    def read(self, memory: Memory) -> float | None:
        """The raw number, an int unless it is a float type; None where the device marks it as not measured.

        Raises:
            KeyError: this poll did not read it.
        """
        form = _FORMATS[self.type]
        words = [memory[self.function, self.address + offset] for offset in range(form.size // 2)]
        if self.order == "little":
            words.reverse()
        raw = cast("float", form.unpack(bytes_of(words))[0])
        return None if raw == self.marker or math.isnan(raw) else raw


def text_of(words: list[int]) -> str:
    """A text of two bytes per register, up to the first NUL, without blanks around it."""
    return bytes_of(words).partition(b"\0")[0].decode("utf-8", "replace").strip()


def version_of(words: list[int]) -> str:
    """A version of one register: high byte major, low byte minor."""
    return f"{words[0] >> 8}.{words[0] & 0xFF}"
