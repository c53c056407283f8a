"""From a measurement to the register image: pure functions, one run for every sample of every meter."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from shared.bus.messages import Block
from shared.registers import encode
from shared.registers.identity import Identity
from shared.registers.plan import BlockPlan, Plan
from shared.registers.sunspec import scale_counters, scale_points

_NOTHING: Mapping[str, float] = {}


class Prepared(NamedTuple):
    """A block in which everything stands but what samples and counters decide.

    Attributes:
        plan: of the block.
        slots: see `plan`; not to be changed.
        finished: the block itself where nothing is left to be filled in.
    """

    plan: BlockPlan
    slots: list[int | bytes]
    finished: Block | None


def prepare(plan: Plan, identity: Identity, settings: Mapping[str, int]) -> tuple[Prepared, ...]:
    """What holds until the identity or a written register changes.

    Args:
        plan: of the meter's settings.
        identity: who the meter says it is.
        settings: written registers by row name; an absent one reads 0.
    """
    return tuple(_prepare(block, identity, settings) for block in plan.blocks)


def build_blocks(
    prepared: tuple[Prepared, ...],
    values: Mapping[str, float] | None,
    counters: Mapping[str, int],
    unmeasured: AbstractSet[str] = frozenset(),
) -> tuple[Block, ...]:
    """The image's blocks.

    Args:
        prepared: by `prepare`.
        values: `Sample.values`; None before the first sample. A name that is absent reads 0, in SunSpec the marker.
        counters: energy counter's name -> mJ (mW s, mvar s, mVA s). One that is absent was never known: exception 04.
        unmeasured: counters that the source will never give, nor the power to integrate. They read 0, in SunSpec the
            marker.

    Raises:
        ValueError: if a value is not finite, naming it.
    """
    return tuple(block.finished or _build(block, values, counters, unmeasured) for block in prepared)


def _prepare(plan: BlockPlan, identity: Identity, settings: Mapping[str, int]) -> Prepared:
    slots = plan.template.copy()
    for slot, field, size, high in plan.named:
        content = getattr(identity, field)
        slots[slot] = encode.text(content, size) if size else encode.clamp(content, 0, high)
    for slot, name, high in plan.written:
        slots[slot] = encode.clamp(settings.get(name, 0), 0, high)
    is_finished = not (plan.measured or plan.counted or plan.scaled_points or plan.scaled_counters)
    return Prepared(plan, slots, _block(plan, slots) if is_finished else None)


def _build(
    prepared: Prepared, values: Mapping[str, float] | None, counters: Mapping[str, int], unmeasured: AbstractSet[str]
) -> Block:
    plan, slots = prepared.plan, prepared.slots.copy()
    unknown: list[tuple[int, int]] = []
    for slot, name, high, address, end in plan.counted:
        millijoules = counters.get(name)
        if millijoules is not None:
            slots[slot] = encode.tenth_wh(millijoules, high)
        elif name not in unmeasured:
            unknown.append((address, end))
    for scaled in plan.scaled_counters:
        slots[scaled.slot], points = scale_counters(map(counters.get, scaled.names), scaled.nominal)
        for slot, point in zip(scaled.slots, points, strict=True):
            slots[slot] = point
    if values is None:
        unknown.extend(plan.summed)
    else:
        _measure(plan, slots, values)
    stale = _sunspec(plan, slots, _NOTHING if values is None else values) if plan.scaled_points else b""
    return _block(plan, slots, stale, _joined(unknown))


def _block(
    plan: BlockPlan, slots: list[int | bytes], stale: bytes = b"", unknown: tuple[tuple[int, int], ...] = ()
) -> Block:
    return Block(plan.start, plan.pack(*slots), stale, plan.live, unknown, plan.writable)


def _measure(plan: BlockPlan, slots: list[int | bytes], values: Mapping[str, float]) -> None:
    for slot, name, factor, low, high in plan.measured:
        value = values.get(name)
        if value is not None:
            try:
                slots[slot] = encode.quantise(value, factor, low, high)
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error


def _sunspec(plan: BlockPlan, slots: list[int | bytes], values: Mapping[str, float]) -> bytes:
    """Fill the points, and return what is served once they are stale: the same scale factors, the points as markers."""
    stale = slots.copy()
    for slot, nominal, point_slots, names, limit in plan.scaled_points:
        try:
            stale[slot], points = scale_points(map(values.get, names), nominal, limit)
        except ValueError as error:
            raise ValueError(f"{', '.join(names)}: {error}") from error
        slots[slot] = stale[slot]
        for point_slot, point in zip(point_slots, points, strict=True):
            slots[point_slot] = point
    return plan.pack(*stale)


def _joined(ranges: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    joined: list[tuple[int, int]] = []
    for first, end in sorted(ranges):
        if joined and joined[-1][1] == first:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((first, end))
    return tuple(joined)
