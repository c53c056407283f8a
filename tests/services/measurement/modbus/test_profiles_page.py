"""docs/profiles.md against the code."""

import re

from services.measurement.modbus.profile import parse
from shared.registers.quantities import ENERGY_FLOW, GROUPS, SENSORS, UNITS, WALLBOX
from tests.support import ROOT

PAGE = (ROOT / "docs" / "profiles.md").read_text(encoding="utf-8")


def test_the_complete_example_can_be_used() -> None:
    (example,) = [block for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL) if block.startswith("title")]
    main, counters, battery = parse(example, "docs/profiles.md").blocks
    assert [(request.address, request.length) for request in main.requests()] == [(100, 10), (120, 4), (130, 4)]
    assert battery.absent == (2,)
    memory = {(3, address): 0 for address in range(500, 512)} | {(3, 503): 7, (3, 507): 5}
    assert counters.values(memory, ()) == {"active_energy_import": 12_000, "active_energy_export": 0}


def test_every_quantity_is_listed() -> None:
    section = PAGE.partition("## Quantities\n")[2].partition("\n## ")[0]
    listed = set(re.findall(r"`([a-z0-9_]+)`", section))
    wanted = set(ENERGY_FLOW) | set(WALLBOX)
    wanted |= {re.sub(r"_l[123]$", "", name) for name in UNITS.keys() - wanted - GROUPS.keys() - SENSORS.keys()}
    wanted |= {name.partition("_")[2] for name in GROUPS.keys() | SENSORS.keys()}
    assert wanted <= listed
    assert listed - wanted <= {"group7_active_power_import", "sensor12_voltage", "_l1", "_l2", "_l3"}
