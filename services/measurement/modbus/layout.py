"""A profile's blocks as they are polled: which requests, and how the values come out of what was read.

Scaling by 0.1 divides by 10, which is correctly rounded; multiplying by 0.1 is not.
"""

from collections.abc import Container, Mapping
from math import copysign
from typing import Final, Literal

import msgspec

from services.measurement.modbus.plan import Request, Span, plan
from services.measurement.modbus.registers import Memory, Register, text_of, version_of
from shared.errors import PeerError
from shared.modbus.pdu import MAX_READ
from shared.registers.decode import bytes_of
from shared.registers.quantities import PHASES
from shared.registers.sunspec import ACC32_MARKER, LARGEST_SF

Sign = Literal[1, -1, "power", "magnitude"]
_PHASE_SUFFIXES: Final = tuple(f"_{phase}" for phase in PHASES)


class Point(msgspec.Struct, frozen=True):
    """How one quantity comes out of registers.

    Attributes:
        quantity: name.
        plus: registers that are added up; only import where there is an export.
        minus: registers that are subtracted.
        scale: physical value of one.
        sign: 1 as it is, -1 turned round, `power` its magnitude with the sign of the active power of the same phase,
            `magnitude` without sign.
        factor: SunSpec scale factor, a power of ten.
        percent_or_ratio: a power factor of which only its size tells whether it is in percent.
    """

    quantity: str
    plus: tuple[Register, ...]
    minus: tuple[Register, ...] = ()
    scale: float = 1.0
    sign: Sign = 1
    factor: Register | None = None
    percent_or_ratio: bool = False

    def spans(self) -> tuple[Span, ...]:
        """All its registers."""
        registers = (*self.plus, *self.minus) if self.factor is None else (*self.plus, *self.minus, self.factor)
        return tuple(register.span for register in registers)

    def value(self, memory: Memory, *, accumulates: bool) -> float | None:
        """The value without its final sign, or None where the meter marks it as not measured.

        Args:
            memory: of this poll.
            accumulates: whether this quantity was given before, so that a marker of an accumulator is a count.
        """
        total: float = 0
        counted = accumulates
        for registers, way in ((self.plus, 1), (self.minus, -1)):
            for register in registers:
                raw = register.read(memory)
                if raw is None:
                    return None
                if register.type == "acc32" and not accumulates:
                    if raw == ACC32_MARKER:
                        return None
                    counted = counted or raw != 0
                else:
                    counted = True
                total += way * raw
        if not counted:
            return None
        return self._scaled(total, memory)

    def _scaled(self, total: float, memory: Memory) -> float | None:
        if self.factor is not None:
            exponent = self.factor.read(memory)
            if exponent is None:
                return None  # unscaled it would be a wrong value
            if abs(exponent) > LARGEST_SF:
                raise PeerError(f"scale factor {exponent:g} of {self.quantity} is beyond -{LARGEST_SF} to {LARGEST_SF}")
            total = total / 10 ** -int(exponent) if exponent < 0 else total * 10 ** int(exponent)
        divisor = round(1 / self.scale) if abs(self.scale) < 1 else 1
        return total / divisor if divisor != 1 and 1 / divisor == self.scale else total * self.scale


class Text(msgspec.Struct, frozen=True):
    """How one text comes out of registers.

    Attributes:
        name: manufacturer, model, version or serial_number.
        function, address, count: where it stands.
        type: `string`; `version`, high byte major and low byte minor; or a whole number.
    """

    name: str
    function: int
    address: int
    count: int
    type: str = "string"

    def read(self, memory: Memory) -> str:
        """The text."""
        words = [memory[self.function, self.address + offset] for offset in range(self.count)]
        if self.type == "string":
            return text_of(words)
        if self.type == "version":
            return version_of(words)
        return str(int.from_bytes(bytes_of(words), "big"))


class Block(msgspec.Struct, frozen=True):
    """Registers that exist together.

    Attributes:
        name: for messages.
        points: values, read at each poll.
        texts: read once per connection.
        absent: exception codes by which a meter says at connect that it does not have them; none where it must.
        max_gap, max_count: see `plan`.
        expect: registers that must hold these words at each poll (header of a SunSpec model).
        models: SunSpec models that have this block; addresses count from the model's ID.
    """

    name: str
    function: int
    points: tuple[Point, ...] = ()
    texts: tuple[Text, ...] = ()
    absent: tuple[int, ...] = ()
    max_gap: int = 8
    max_count: int = MAX_READ
    expect: tuple[tuple[int, int], ...] = ()
    models: tuple[int, ...] = ()

    def requests(self) -> tuple[Request, ...]:
        """What a poll reads."""
        if not self.points:
            return ()
        spans = [span for point in self.points for span in point.spans()]
        spans += [Span(address, 1) for address, _ in self.expect]
        return plan(self.function, spans, self.max_gap, self.max_count)

    def text_requests(self) -> tuple[Request, ...]:
        """What is read once."""
        spans = [Span(text.address, text.count) for text in self.texts]
        return plan(self.function, spans, self.max_gap, self.max_count)

    def quantities(self) -> tuple[str, ...]:
        """Names of its values."""
        return tuple(point.quantity for point in self.points)

    def check(self, memory: Memory) -> None:
        """Make sure that the registers are still those that were found at connect.

        Raises:
            PeerError: an expected register holds another word.
        """
        for address, word in self.expect:
            found = memory[self.function, address]
            if found != word:
                raise PeerError(f"register {address} held {word} at connect and {found} now; the meter has changed")

    def values(self, memory: Memory, given: Container[str]) -> dict[str, float]:
        """Every quantity that the meter measures.

        Args:
            memory: of this poll.
            given: quantities that came before.
        """
        values: dict[str, float] = {}
        for point in self.points:
            value = point.value(memory, accumulates=point.quantity in given)
            if value is not None:
                values[point.quantity] = value if isinstance(point.sign, str) else value * point.sign
        for point in self.points:  # now the active powers have their sign
            if point.quantity in values:
                values[point.quantity] = _beside(point, values)
        return values

    def at(self, base: int, expect: tuple[int, ...] = ()) -> "Block":
        """The same block with addresses counted from `base`, where `expect` must stand."""
        replace = msgspec.structs.replace

        def move(registers: tuple[Register, ...]) -> tuple[Register, ...]:
            return tuple(replace(register, address=base + register.address) for register in registers)

        points = tuple(
            replace(
                point,
                plus=move(point.plus),
                minus=move(point.minus),
                factor=None if point.factor is None else move((point.factor,))[0],
            )
            for point in self.points
        )
        texts = tuple(replace(text, address=base + text.address) for text in self.texts)
        header = tuple((base + offset, word) for offset, word in enumerate(expect))
        return replace(self, points=points, texts=texts, expect=header)


def _beside(point: Point, values: Mapping[str, float]) -> float:
    """Percent or ratio, and a sign that another value knows."""
    value = values[point.quantity]
    phase = point.quantity[-3:] if point.quantity.endswith(_PHASE_SUFFIXES) else ""
    active = values.get(f"active_power{phase}", 0.0)
    if point.percent_or_ratio:
        value = _ratio(value, active, values.get(f"apparent_power{phase}", 0.0))
    if point.sign == "power":
        return copysign(abs(value), active) if active else abs(value)
    return abs(value) if point.sign == "magnitude" else value


def _ratio(value: float, active: float, apparent: float) -> float:
    """A power factor as ratio: the reading that lies nearer to P / S; where that is unknown, the one that can be."""
    if active and apparent:
        expected = abs(active / apparent)
        return min((value, value / 100), key=lambda reading: abs(abs(reading) - expected))
    return value / 100 if abs(value) > 1 else value
