"""What a KSEM's registers hold, written down once more and independently of the product's own table.

The tests compare with this, so that a mistake in the product's table cannot hide itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.system.wire import number

PHASES = {"": 0, "_l1": 40, "_l2": 80, "_l3": 120}
READS = ((0, 125), (120, 28), (512, 125), (632, 125), (752, 40), (40960, 53))
"""Reads that cover `VALUES`; no value is cut in two."""


class Value(NamedTuple):
    """One value of the map.

    Attributes:
        address, size: of its registers.
        quantity: name in a sample.
        per_unit: steps of the register per unit.
        way: 1 shows import only, -1 export only, 0 the value as it is.
        signed: two's complement.
        counter: an energy, which is cut off and never rounded up.
    """

    address: int
    size: int
    quantity: str
    per_unit: int = 1
    way: int = 0
    signed: bool = False
    counter: bool = False

    def shown(self, words: Mapping[int, int]) -> float:
        """Value of the registers."""
        found = [words[self.address + offset] for offset in range(self.size)]
        return number(found, signed=self.signed) / self.per_unit

    def disagreement(self, words: Mapping[int, int], sample: Mapping[str, float]) -> str:
        """In words; empty where the registers agree with the sample to their resolution."""
        value = sample.get(self.quantity, 0.0)
        wanted = max(0.0, self.way * value) if self.way else value
        shown = self.shown(words)
        step, tiny = 1 / self.per_unit, 1e-6 + 1e-9 * abs(wanted)
        apart = wanted - shown
        fits = -tiny <= apart < step + tiny if self.counter else abs(apart) <= step / 2 + tiny
        return "" if fits else f"{self.quantity} at {self.address}: {shown} on the wire, {wanted} in the sample"


def _live() -> Iterator[Value]:
    for suffix, base in PHASES.items():
        for offset, power in ((0, "active_power"), (4, "reactive_power"), (16, "apparent_power")):
            yield Value(base + offset, 2, power + suffix, 10, way=1)
            yield Value(base + offset + 2, 2, power + suffix, 10, way=-1)
        if suffix:
            yield Value(base + 20, 2, f"current{suffix}", 1000)
            yield Value(base + 22, 2, f"voltage{suffix}", 1000)
            yield Value(base + 24, 2, f"power_factor{suffix}", 1000, signed=True)
    yield Value(24, 2, "power_factor", 1000, signed=True)
    yield Value(26, 2, "supply_frequency", 1000)


def _energies() -> Iterator[Value]:
    for suffix, base in {"": 512, "_l1": 592, "_l2": 672, "_l3": 752}.items():
        for offset, kind in ((0, "active"), (8, "reactive"), (32, "apparent")):
            yield Value(base + offset, 4, f"{kind}_energy_import{suffix}", 10, counter=True)
            yield Value(base + offset + 4, 4, f"{kind}_energy_export{suffix}", 10, counter=True)


LIVE = tuple(_live())
ENERGIES = tuple(_energies())
FLOW = (
    Value(40972, 2, "active_power", signed=True),
    Value(40974, 2, "inverter_ac_output_total", signed=True),
    Value(40976, 2, "pv_dc_power_total", signed=True),
    Value(40982, 2, "home_consumption", signed=True),
    Value(40984, 2, "battery_dc_power_total", signed=True),
    Value(40986, 1, "system_state_of_charge"),
    Value(40988, 2, "home_consumption_from_pv"),
    Value(40990, 2, "home_consumption_from_battery"),
    Value(40992, 2, "home_consumption_from_grid"),
    Value(40994, 1, "active_charge_mode"),
    Value(40996, 2, "wallbox_charge_power_total"),
    Value(40998, 2, "wallbox_charge_power_from_pv"),
    Value(41000, 2, "wallbox_charge_power_from_battery"),
    Value(41002, 2, "wallbox_charge_power_from_grid"),
    Value(41010, 2, "inverter_control_values_total"),
    Value(41012, 1, "curtailment_active"),
)
VALUES = (*LIVE, *ENERGIES, *FLOW)

SUNSPEC = {
    "active_power": ("W", "WphA", "WphB", "WphC"),
    "apparent_power": ("VA", "VAphA", "VAphB", "VAphC"),
    "reactive_power": ("VAR", "VARphA", "VARphB", "VARphC"),
    "power_factor": ("PF", "PFphA", "PFphB", "PFphC"),
    "voltage": (None, "PhVphA", "PhVphB", "PhVphC"),
    "current": (None, "AphA", "AphB", "AphC"),
    "active_energy_import": ("TotWhImp", "TotWhImpPhA", "TotWhImpPhB", "TotWhImpPhC"),
    "active_energy_export": ("TotWhExp", "TotWhExpPhA", "TotWhExpPhB", "TotWhExpPhC"),
    "apparent_energy_import": ("TotVAhImp", "TotVAhImpPhA", "TotVAhImpPhB", "TotVAhImpPhC"),
    "apparent_energy_export": ("TotVAhExp", "TotVAhExpPhA", "TotVAhExpPhB", "TotVAhExpPhC"),
}
"""Quantity -> points of model 203: sum, then the phases."""
SUNSPEC_POINTS = {
    point: f"{quantity}{suffix}"
    for quantity, points in SUNSPEC.items()
    for point, suffix in zip(points, PHASES, strict=True)
    if point
} | {"Hz": "supply_frequency"}


def by_address(reads: Mapping[tuple[int, int], Sequence[int]]) -> dict[int, int]:
    """Registers by address, of what (address, count) brought."""
    return {start + offset: word for (start, _), words in reads.items() for offset, word in enumerate(words)}


def disagreements(words: Mapping[int, int], sample: Mapping[str, float], values: Sequence[Value] = VALUES) -> list[str]:
    """What does not agree; every value must have been read."""
    return [words_ for value in values if (words_ := value.disagreement(words, sample))]
