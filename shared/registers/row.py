"""What one row of the register map says: address, type, scale, class of age, and where its value comes from."""

from typing import Final, Literal, NamedTuple

from msgspec import Struct

Access = Literal["R", "RW"]
RowClass = Literal["live", "counter", "identity", "setting", "fixed"]
"""How age affects a row: `live` gets exception 04 once stale, a `counter` while never known, the others never."""
Confidence = Literal["high", "medium", "low"]
OriginKind = Literal[
    "quantity", "import", "export", "counter", "identity", "config", "setting", "fixed", "marker", "sf", ""
]


class Kind(NamedTuple):
    """A register type: its length, how `struct` packs it, and what fits. Length 0: any."""

    registers: int
    code: str
    low: int
    high: int


TYPES: Final = {
    "uint16": Kind(1, "H", 0, 2**16 - 1),
    "int16": Kind(1, "h", -(2**15), 2**15 - 1),
    "uint32": Kind(2, "I", 0, 2**32 - 1),
    "int32": Kind(2, "i", -(2**31), 2**31 - 1),
    "uint64": Kind(4, "Q", 0, 2**64 - 1),
    "acc32": Kind(2, "I", 0, 2**32 - 1),
    "bitfield32": Kind(2, "I", 0, 2**32 - 1),
    "sunssf": Kind(1, "h", -10, 10),
    "pad": Kind(1, "H", 0, 2**16 - 1),
    "string": Kind(0, "s", 0, 0),
    "reserved": Kind(0, "x", 0, 0),
}
"""Every type of the map. All are big-endian, the high word first."""

PER_UNIT: Final = {"1": 1, "0.1": 10, "0.001": 1000}
"""Every scale of the map, as whole steps per unit, since 0.1 is not exact in binary."""


class Origin(Struct, frozen=True):
    """Where a row's value comes from: column `value` of the file.

    Attributes:
        kind: `quantity` as it is, its `import` (positive) or `export` (negative) part, an energy `counter`, a text or
            number of the `identity`, one of the group's or sensor's `config`, a written `setting`, a `fixed` content,
            the device's `marker` for what it does not measure, a SunSpec scale factor (`sf`), or nothing for a
            reserved row.
        name: of the quantity, counter, identity field or setting.
        number: of a fixed content, marker or nominal scale factor.
    """

    kind: OriginKind = ""
    name: str = ""
    number: int = 0


class Row(Struct, frozen=True):
    """One value of the map.

    Attributes:
        address: wire address of the first register, from 0.
        count: registers.
        name: unique in the map.
        obis: OBIS code, empty where it has none.
        type: key of `TYPES`.
        unit: of the scaled value, empty for a number, ratio or text.
        per_unit: steps of the register per unit: 10 for a resolution of 0.1.
        scale_row: name of the SunSpec row that holds the decimal exponent, empty elsewhere.
        access: R or RW.
        group: block of the map that it belongs to.
        row_class: how age affects it.
        origin: where its value comes from.
        confidence: how sure the fact is.
        source: short keys of whoever says so; docs/registers.md explains them.
        note: what else is known.
    """

    address: int
    count: int
    name: str
    obis: str
    type: str
    unit: str
    per_unit: int
    scale_row: str
    access: Access
    group: str
    row_class: RowClass
    origin: Origin
    confidence: Confidence
    source: str
    note: str

    @property
    def end(self) -> int:
        """Address after the last register."""
        return self.address + self.count

    @property
    def kind(self) -> Kind:
        """What the type means."""
        return TYPES[self.type]

    @property
    def scale(self) -> str:
        """The scale in words: a decimal number, or the power of ten that another row holds."""
        return f"10^{self.scale_row}" if self.scale_row else str(1 / self.per_unit if self.per_unit > 1 else 1)

    @property
    def value(self) -> str:
        """The origin as the file writes it."""
        kind, name, number = self.origin.kind, self.origin.name, self.origin.number
        if kind in ("quantity", "import", "export"):
            return {"quantity": "", "import": "+", "export": "-"}[kind] + name
        return f"{kind}:{name or ('' if self.type == 'string' else number)}" if kind else ""
