"""Where a SunSpec map and its models are: the mark "SunS", then a chain of models up to the end model."""

from typing import Final, NamedTuple

from services.measurement.modbus.layout import Block
from services.measurement.modbus.plan import Request
from services.measurement.modbus.profile import Profile
from services.measurement.modbus.wire import ModbusExceptionError, Wire
from shared.errors import PeerError

_MARK: Final = [0x5375, 0x6E53]
_END: Final = 0xFFFF
_MOST_MODELS: Final = 200
_HEADER: Final = 2


class Model(NamedTuple):
    """One model of a chain.

    Attributes:
        number: its ID.
        length: registers after the header.
        address: of the register that holds the ID.
    """

    number: int
    length: int
    address: int


async def locate(wire: Wire, profile: Profile) -> tuple[Block, ...]:
    """The profile's blocks at the addresses at which this meter has them; of several meters in a map the first.

    Raises:
        PeerError: no SunSpec map, a broken one, or none with a model of the profile.
    """
    chain = await walk(wire, profile.bases)
    blocks: list[Block] = []
    for block in profile.blocks:
        model = next((model for model in chain if model.number in block.models), None)
        if model is not None:
            blocks.append(_at(block, model))
    if not any(block.points for block in blocks):
        wanted = sorted({number for block in profile.blocks if block.points for number in block.models})
        raise PeerError(
            f"the SunSpec map has models {', '.join(str(model.number) for model in chain) or '(none)'}, "
            f"but no meter of {', '.join(map(str, wanted))}"
        )
    return tuple(blocks)


async def walk(wire: Wire, bases: tuple[int, ...]) -> list[Model]:
    """All models of the map, in its order.

    Raises:
        PeerError: no map at any base, or a chain without an end.
    """
    address = await _find_mark(wire, bases) + len(_MARK)
    chain: list[Model] = []
    while len(chain) < _MOST_MODELS and address + _HEADER <= 65536:
        number, length = await wire.read(Request(3, address, _HEADER))
        if number == _END:
            return chain
        chain.append(Model(number, length, address))
        address += _HEADER + length
    raise PeerError(f"the SunSpec map has no end model: {len(chain)} models up to register {address}")


async def _find_mark(wire: Wire, bases: tuple[int, ...]) -> int:
    for base in bases:
        try:
            if await wire.read(Request(3, base, len(_MARK))) == _MARK:
                return base
        except ModbusExceptionError as error:  # a meter may refuse registers that it does not have
            if wire.bears(error):  # but this one refuses us
                raise
    raise PeerError(f"no SunSpec map: 'SunS' is not at {', '.join(map(str, bases))}")


def _at(block: Block, model: Model) -> Block:
    last = max((span.address + span.length for point in block.points for span in point.spans()), default=0)
    if last > _HEADER + model.length:
        raise PeerError(
            f"SunSpec model {model.number} at {model.address} has {model.length} registers, "
            f"but its points need {last - _HEADER}"
        )
    return block.at(model.address, (model.number, model.length))
