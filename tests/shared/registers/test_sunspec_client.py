"""pysunspec2, which nobody here wrote, scans the image's bytes and finds models and values."""

from typing import Any

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDevice

from shared.config.model import Meter
from shared.registers.identity import identity_of
from shared.registers.image import build_blocks, prepare
from shared.registers.plan import plan_for
from shared.registers.table import COUNTERS

SAMPLE = {
    "active_power": -45_678.0,
    "active_power_l1": -30_000.0,
    "apparent_power": -50_000.4,
    "reactive_power": 812.5,
    "power_factor": -0.914,
    "voltage_l1": 231.27,
    "voltage_l2": 229.999,
    "current_l1": 131.07,
    "supply_frequency": 49.984,
}


def _scan(values: dict[str, float] | None, layout: str, *, stale: bool = False) -> dict[int, Any]:
    meter = Meter(id="house", source="simulated", sunspec_layout="2.5" if layout == "2.5" else "2.6", unit=9)
    counters = {name: (index + 1) * 10**13 + 7 for index, name in enumerate(sorted(COUNTERS))}
    blocks = build_blocks(prepare(plan_for(meter), identity_of(meter), {}), values, counters)
    block = next(block for block in blocks if block.start == 40000)
    data = block.stale if stale else block.data

    class Wire(SunSpecModbusClientDevice):  # type: ignore[misc]
        def read(self, address: int, count: int) -> bytes:
            return data[2 * (address - 40000) : 2 * (address - 40000 + count)]

    device = Wire()
    device.scan(connect=False)
    return {model.model_id: model for model in device.model_list}


@pytest.mark.parametrize("layout", ["2.6", "2.5"])
def test_a_scan_finds_both_models_and_the_values(layout: str) -> None:
    models = _scan(SAMPLE, layout)
    assert list(models) == [1, 203]
    common, meter = models[1], models[203]
    assert (common.Mn.value, common.Md.value, common.SN.value) == ("metergate", "SIMULATION metergate", "house")
    assert (common.Vr.value, common.DA.value) == ("0.1.0", 9)
    assert (meter.W.cvalue, meter.WphA.cvalue, meter.WphB.value) == (-45_680, -30_000, None)
    assert meter.VA.cvalue == pytest.approx(-50_000)
    assert meter.VAR.cvalue == pytest.approx(812.5)
    assert meter.PF.cvalue == pytest.approx(-0.914)
    assert meter.PhVphA.cvalue == pytest.approx(231.27)
    assert meter.PhVphB.cvalue == pytest.approx(230.0)
    assert meter.AphA.cvalue == pytest.approx(131.07)
    assert meter.Hz.cvalue == pytest.approx(49.98)
    index = sorted(COUNTERS).index("active_energy_import") + 1
    assert meter.TotWhImp.cvalue == (index * 10**13 + 7) // 3_600_000
    assert (meter.A.value, meter.PPV.value, meter.Evt.value) == (None, None, 0)


def test_a_scan_works_before_the_first_sample_and_once_stale() -> None:
    for models in (_scan(None, "2.6"), _scan(SAMPLE, "2.6", stale=True)):
        meter = models[203]
        assert (meter.W.value, meter.PhVphA.value, meter.PF.value) == (None, None, None)
        assert meter.TotWhImp.cvalue > 0
