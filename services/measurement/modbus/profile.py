"""A meter's registers as its owner writes them down in TOML -> blocks. Every mistake is named with file, line and cure.

docs/profiles.md tells an owner how to write one.
"""

import math
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from services.measurement.modbus.layout import Block, Point, Sign, Text
from services.measurement.modbus.registers import Order, Register, Type, registers_of, sunspec_marker
from shared.config.check import Problem, build
from shared.config.faults import located, wrong
from shared.config.lines import Key
from shared.config.model import Identity
from shared.config.section import Section
from shared.config.toml import content_of, read_toml, text_of
from shared.errors import ConfigError
from shared.modbus.pdu import MAX_READ
from shared.registers.quantities import MANDATORY, PHASES, UNITS, hint

Address = Annotated[int, Meta(ge=0, le=65535)]
_TEXTS: Final = tuple(field.name for field in msgspec.structs.fields(Identity))
_TEXT_REGISTERS: Final = {"version": 1, "uint16": 1, "uint32": 2, "uint64": 4}


class ValueTable(Section, frozen=True):
    """One line of `[block.values]`; `address` is a number, a list, or {import = .., export = ..} of these."""

    address: Any = UNSET
    type: Type | UnsetType = UNSET
    word_order: Order | UnsetType = UNSET
    scale: float = 1.0
    sign: Sign | UnsetType = UNSET
    scale_factor: Address | UnsetType = UNSET
    missing: int | UnsetType = UNSET
    percent_or_ratio: bool = False


class TextTable(Section, frozen=True):
    """One line of `[block.texts]`."""

    address: Address
    count: Annotated[int, Meta(ge=1, le=MAX_READ)] | UnsetType = UNSET
    type: Literal["string", "version", "uint16", "uint32", "uint64"] = "string"


class BlockTable(Section, frozen=True):
    """One `[[block]]`."""

    name: Annotated[str, Meta(min_length=1)]
    function: Literal[3, 4] = 3
    optional: bool = False
    absent_exceptions: tuple[Annotated[int, Meta(ge=1, le=255)], ...] = (2,)
    models: tuple[Address, ...] = ()
    type: Type | UnsetType = UNSET
    word_order: Order = "big"
    sign: Literal[1, -1] = 1
    max_gap: Annotated[int, Meta(ge=0, le=MAX_READ - 1)] = 8
    max_count: Annotated[int, Meta(ge=1, le=MAX_READ)] = MAX_READ
    values: Any = UNSET
    texts: Any = UNSET


class ProfileTable(Section, frozen=True):
    """The whole file."""

    title: Annotated[str, Meta(min_length=1)]
    kind: Literal["registers", "sunspec"] = "registers"
    bases: tuple[Address, ...] = (40000, 50000, 0)
    block: tuple[BlockTable, ...] = ()


class Profile(msgspec.Struct, frozen=True):
    """A profile that can be used.

    Attributes:
        title: what it is for.
        bases: where a SunSpec map may begin; empty where addresses are fixed.
        blocks: what is read; with SunSpec, addresses count from the model's ID.
    """

    title: str
    bases: tuple[int, ...]
    blocks: tuple[Block, ...]


def load(named: str) -> Profile:
    """The shipped profile of that name, or the one in that file.

    Raises:
        ConfigError: there is none, or it is wrong.
    """
    shipped = resources.files("services.measurement") / "profiles"
    if named.endswith(".toml"):
        try:
            data = content_of(Path(named))
        except OSError as error:
            raise ConfigError(
                f"{named}: profile cannot be read ({error.strerror}); check path and permissions"
            ) from error
        return parse(text_of(data, Path(named)), named)
    names = sorted(item.name.removesuffix(".toml") for item in shipped.iterdir() if item.name.endswith(".toml"))
    if named not in names:
        raise ConfigError(
            f"meter.modbus.profile: there is no profile {named[:64]!r}; shipped: {', '.join(names)}; "
            "for one of your own give its path, ending in .toml"
        )
    return parse((shipped / f"{named}.toml").read_text(encoding="utf-8"), f"{named}.toml")


def parse(text: str, path: str) -> Profile:
    """A profile from its text; `path` is for messages.

    Raises:
        ConfigError: one line per mistake, `file:line: key: reason`.
    """
    raw = read_toml(text, Path(path))
    problems: list[Problem] = []
    table = cast("ProfileTable | None", build(ProfileTable, raw, (), problems))
    blocks: list[Block] = []
    if table is not None:
        compiler = _Compiler(table.kind == "sunspec", problems)
        blocks = [compiler.block(block, ("block", index)) for index, block in enumerate(table.block)]
        compiler.whole(blocks)
    if table is None or problems:
        raise wrong(Path(path), located(text, problems))
    return Profile(table.title, table.bases if table.kind == "sunspec" else (), tuple(blocks))


class _Compiler:
    """From tables to blocks; what is wrong is collected, not raised, so that an owner sees all of it."""

    def __init__(self, sunspec: bool, problems: list[Problem]) -> None:
        self._sunspec = sunspec
        self._problems = problems
        self._seen: dict[str, str] = {}

    def block(self, table: BlockTable, key: Key) -> Block:
        """One block."""
        if self._sunspec and not table.models:
            self._wrong((*key, "models"), "is missing; a SunSpec block names the models it is for, such as [203]")
        if table.models and not self._sunspec:
            self._wrong((*key, "models"), 'is only for kind = "sunspec"; remove it, or set the kind')
        before = len(self._problems)
        points = [self._point(table, name, raw, place) for name, raw, place in self._lines(table.values, "values", key)]
        texts = [self._text(table, name, raw, place) for name, raw, place in self._lines(table.texts, "texts", key)]
        if not points and not texts and len(self._problems) == before:
            self._wrong(key, "has neither [block.values] nor [block.texts]; add one, or remove the block")
        block = Block(
            table.name,
            table.function,
            tuple(point for point in points if point is not None),
            tuple(text for text in texts if text is not None),
            table.absent_exceptions if table.optional else (),
            table.max_gap,
            table.max_count,
            models=table.models,
        )
        self._signs(block, key)
        return block

    def whole(self, blocks: list[Block]) -> None:
        """What the blocks must be together."""
        always = {point.quantity for block in blocks if not block.absent for point in block.points}
        phases = {f"{MANDATORY}_{phase}" for phase in PHASES}
        if not self._problems and MANDATORY not in always and not phases <= always:
            self._wrong(
                (), f"gives no {MANDATORY} in a block that is not optional; add it, or all three of {sorted(phases)}"
            )

    def _lines(self, raw: Any, name: str, key: Key) -> list[tuple[str, dict[str, Any], Key]]:
        if raw is UNSET:
            return []
        place = (*key, name)
        if not isinstance(raw, dict):
            self._wrong(place, f"must be a table: [block.{name}] with one line for each")
            return []
        lines: list[tuple[str, dict[str, Any], Key]] = []
        for entry, value in raw.items():
            if isinstance(value, dict):
                lines.append((entry, value, (*place, entry)))
            else:
                self._wrong((*place, entry), "must be a table such as { address = 10 }")
        return lines

    def _point(self, block: BlockTable, name: str, raw: dict[str, Any], key: Key) -> Point | None:
        if name not in UNITS:
            self._wrong(key, f"is no quantity; {hint(name)}")
            return None
        if not self._once(name, block, key):
            return None
        table = cast("ValueTable | None", build(ValueTable, raw, key, self._problems))
        if table is None or not self._sensible(table, name, key):
            return None
        kind = block.type if table.type is UNSET else table.type
        if kind is UNSET:
            self._wrong(key, f"has no type; give it one of {', '.join(get_args(Type))}, here or for the whole block")
            return None
        marker = (sunspec_marker(kind) if self._sunspec else None) if table.missing is UNSET else table.missing
        order = block.word_order if table.word_order is UNSET else table.word_order

        def registers(addresses: list[int]) -> tuple[Register, ...]:
            return tuple(Register(block.function, address, kind, order, marker) for address in addresses)

        addresses = self._addresses(table.address, registers_of(kind), (*key, "address"))
        if addresses is None:
            return None
        if registers_of(kind) > block.max_count:
            self._wrong(key, f"takes {registers_of(kind)} registers, more than max_count ({block.max_count})")
        factor = None
        if table.scale_factor is not UNSET:
            factor = Register(block.function, table.scale_factor, "int16", "big", sunspec_marker("int16"))
        sign: Sign = block.sign if table.sign is UNSET else table.sign
        plus, minus = (registers(part) for part in addresses)
        return Point(name, plus, minus, table.scale, sign, factor, table.percent_or_ratio)

    def _sensible(self, table: ValueTable, name: str, key: Key) -> bool:
        before = len(self._problems)
        if not math.isfinite(table.scale) or table.scale == 0:
            self._wrong((*key, "scale"), f"is {table.scale}; a scale is the physical value of one, such as 0.1")
        if table.scale_factor is not UNSET and not self._sunspec:
            self._wrong((*key, "scale_factor"), 'is only for kind = "sunspec"; use scale')
        if table.percent_or_ratio and not name.startswith("power_factor"):
            self._wrong((*key, "percent_or_ratio"), "is only for a power_factor; remove it")
        if table.sign == "power" and name.startswith(MANDATORY):
            self._wrong((*key, "sign"), f"is 'power', which means the sign of {MANDATORY} itself; use 1 or -1")
        return len(self._problems) == before

    def _addresses(self, raw: Any, size: int, key: Key) -> tuple[list[int], list[int]] | None:
        """Addresses that count as import and as export."""
        parts: tuple[Any, Any] = (raw.get("import"), raw.get("export")) if isinstance(raw, dict) else (raw, [])
        if isinstance(raw, dict) and raw.keys() != {"import", "export"}:
            self._wrong(key, "must have exactly the two keys import and export: { import = 0, export = 2 }")
            return None
        plus, minus = (part if isinstance(part, list) else [part] for part in parts)
        wrong = any(type(address) is not int or not 0 <= address <= 65536 - size for address in (*plus, *minus))
        if wrong or not plus or (isinstance(raw, dict) and not minus):
            self._wrong(
                key,
                f"must be a register address from 0 to {65536 - size}, a list of them that are added up, "
                "or { import = .., export = .. }",
            )
            return None
        return (plus, minus)

    def _text(self, block: BlockTable, name: str, raw: dict[str, Any], key: Key) -> Text | None:
        if name not in _TEXTS:
            self._wrong(key, f"is no text; known: {', '.join(_TEXTS)}")
            return None
        if not self._once(name, block, key):
            return None
        table = cast("TextTable | None", build(TextTable, raw, key, self._problems))
        if table is None:
            return None
        count = _TEXT_REGISTERS.get(table.type, 0) if table.count is UNSET else table.count
        if table.type == "string" and table.count is UNSET:
            self._wrong(key, "has no count; give the number of registers, two characters each")
        elif table.type != "string" and count != _TEXT_REGISTERS[table.type]:
            self._wrong((*key, "count"), f"is {count}, but {table.type} takes {_TEXT_REGISTERS[table.type]}; remove it")
        elif count > block.max_count or table.address + count > 65536:
            self._wrong(key, f"does not fit: {count} registers from {table.address}, at most {block.max_count} at once")
        return Text(name, block.function, table.address, count, table.type)

    def _once(self, name: str, block: BlockTable, key: Key) -> bool:
        """A quantity stands in one block; only blocks of different SunSpec models may both have it."""
        other = self._seen.setdefault(name, block.name)
        if other != block.name and not self._sunspec:
            self._wrong(key, f"stands in block {other!r} already; keep one of the two")
            return False
        return True

    def _signs(self, block: Block, key: Key) -> None:
        names = block.quantities()
        for point in block.points:
            phase = point.quantity[-3:] if point.quantity[-3:-1] == "_l" else ""
            if point.sign == "power" and f"{MANDATORY}{phase}" not in names:
                self._wrong(
                    (*key, "values", point.quantity, "sign"),
                    f"is 'power', but {MANDATORY}{phase} is not in the same block; add it there, or use 1 or -1",
                )

    def _wrong(self, key: Key, reason: str) -> None:
        self._problems.append(Problem(key, reason))
