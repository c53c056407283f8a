"""From a sample to register bytes, and what age, absence and size do to them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus.messages import Block
from shared.config.model import Group, Meter, Sensor
from shared.registers.decode import Reading, decode_image
from shared.registers.identity import identity_of
from shared.registers.image import build_blocks, prepare
from shared.registers.plan import Plan, plan_for
from shared.registers.quantities import UNITS
from shared.registers.table import COUNTERS

METER = Meter(
    id="house",
    source="simulated",
    group=(Group(number=1, label="heat pump"),),
    sensor=(Sensor(number=2, label="oven", serial_and_index=2**63 - 1, phase=3),),
)
PLAN = plan_for(METER, wallbox=True)
OLD_PLAN = plan_for(Meter(id="house", source="simulated", sunspec_layout="2.5"))
IDENTITY = identity_of(METER)
NAMES = sorted({row.origin.name for row in PLAN.rows if row.origin.name in UNITS})
ROWS = {row.name: row for row in PLAN.rows}
ALL = dict.fromkeys(COUNTERS, 1_234 * 3_600_000 + 359_999)

SAMPLE = {
    "active_power": -4321.06,
    "active_power_l1": 100.0,
    "reactive_power": 12.34,
    "apparent_power": -4400.0,
    "power_factor": -0.982,
    "supply_frequency": 50.0123,
    "voltage_l1": 230.1234,
    "current_l1": 7.3456,
}


def _image(
    values: dict[str, float] | None,
    counters: dict[str, int] = ALL,
    *,
    plan: Plan = PLAN,
    settings: dict[str, int] | None = None,
    unmeasured: frozenset[str] = frozenset(),
) -> tuple[Block, ...]:
    return build_blocks(prepare(plan, IDENTITY, settings or {}), values, counters, unmeasured)


def _read(blocks: tuple[Block, ...], *, stale: bool = False, plan: Plan = PLAN) -> dict[str, Reading]:
    return decode_image(plan.rows, blocks, stale=stale)


def _block(blocks: tuple[Block, ...], start: int) -> Block:
    return next(block for block in blocks if block.start == start)


def test_a_sample_stands_in_its_registers() -> None:
    read = _read(_image(SAMPLE))
    assert (read["active_power_import"].value, read["active_power_export"].value) == (0.0, 4321.1)
    assert read["active_power_export"].words == (0, 43211)
    assert (read["active_power_import_l1"].value, read["active_power_export_l1"].value) == (100.0, 0.0)
    assert (read["apparent_power_import"].value, read["apparent_power_export"].value) == (0.0, 4400.0)
    assert read["power_factor"].value == -0.982
    assert (read["supply_frequency"].value, read["voltage_l1"].value) == (50.012, 230.123)
    assert read["current_l1"].value == 7.346
    assert read["grid_power_total"].value == -4321
    assert (read["sunspec_ac_power"].value, read["sunspec_ac_power_sf"].value) == (-4321, 0)
    assert (read["sunspec_ac_voltage_l1"].value, read["sunspec_ac_power_factor"].value) == (230.12, -0.982)
    assert read["active_energy_import"].value == 1234.0
    assert read["sunspec_energy_imported"].value == 1234


def test_identity_settings_and_fixed_contents() -> None:
    read = _read(_image(SAMPLE, settings={"wallbox_charging_mode": 3, "wallbox_min_pv_power_quota": 70_000}))
    assert read["manufacturer_id"].value == 0x5233
    assert read["product_name"].value == read["sunspec_model"].value == "SIMULATION metergate"
    assert read["measuring_interval"].value == 200
    assert read["sunspec_events"].words == (0, 0)
    assert read["sunspec_common_pad"].words == (0x8000,)
    assert read["wallbox_charging_mode"].value == 3
    assert read["wallbox_min_pv_power_quota"].value == 65535
    assert read["wallbox_min_charging_power_quota"].value == 0
    assert (read["group1_label"].value, read["sensor2_label"].value) == ("heat pum", "oven")
    assert (read["sensor2_serial_and_index"].value, read["sensor2_phase"].value) == (2**63 - 1, 3)


def test_a_cycle_longer_than_its_register_saturates() -> None:
    meter = Meter(id="slow", source="simulated", cycle_ms=300_000)
    blocks = build_blocks(prepare(plan_for(meter), identity_of(meter), {}), SAMPLE, ALL)
    assert decode_image(plan_for(meter).rows, blocks, stale=False)["measuring_interval"].value == 65535


def test_what_the_source_never_gives_reads_0_and_in_sunspec_its_marker() -> None:
    read = _read(_image({"active_power": 1.0}, {}, unmeasured=frozenset(COUNTERS)))
    assert (read["voltage_l1"].value, read["active_energy_import"].value) == (0.0, 0.0)
    assert (read["sunspec_ac_voltage_l1"].words, read["sunspec_ac_voltage_l1"].value) == ((0x8000,), None)
    assert (read["sunspec_energy_imported"].words, read["sunspec_energy_imported"].value) == ((0x8000, 0), None)
    assert {reading.state for reading in read.values()} == {"ok"}


def test_what_the_device_never_measures_reads_its_markers() -> None:
    read = _read(_image(dict.fromkeys(NAMES, 5.0)))
    for name, reading in read.items():
        if name.startswith("sunspec_reactive_energy") and not name.endswith("_sf"):
            assert reading.words == (0x8000, 0)
    for name in ("ac_current", "ac_voltage_ln", "ac_voltage_ll", "ac_voltage_l1_l2"):
        assert read[f"sunspec_{name}"].words == (0x8000,)
    assert read["minimum_active_power_import"].words == (0, 0)


def test_a_counter_that_was_never_known_is_named() -> None:
    counters = {name: 0 for name in COUNTERS if not name.startswith("active_energy_import")}
    blocks = _image(SAMPLE, counters)
    assert _block(blocks, 512).unknown == ((512, 516), (592, 596), (672, 676), (752, 756))
    assert all(not block.unknown for block in blocks if block.start != 512)
    assert _block(_image(SAMPLE, {}), 512).unknown[0] == (512, 528)
    read = _read(blocks)
    assert (read["active_energy_import"].state, read["active_energy_export"].state) == ("unknown", "ok")
    assert read["sunspec_energy_imported"].value is None


def test_age_takes_the_live_registers_and_leaves_the_rest() -> None:
    blocks = _image(SAMPLE)
    assert _block(blocks, 0).live == ((0, 148),)
    assert _block(blocks, 40960).live == ((40972, 41013),)
    assert _block(blocks, 49206).live == ((49206, 49262),)
    assert _block(blocks, 59392).live == ((59417, 59427),)
    assert _block(blocks, 61480).live == ((61505, 61519),)
    for start in (512, 8192, 40000, 41160):
        assert _block(blocks, start).live == ()
    read = _read(blocks, stale=True)
    for name, reading in read.items():
        row = reading.row
        if row.group == "sunspec":
            assert reading.state == "ok"
        elif row.row_class == "live":
            assert reading.state == "stale", name
        elif row.row_class != "fixed":
            assert reading.state == "ok", name


def test_only_sunspec_has_other_bytes_once_stale() -> None:
    blocks = _image(SAMPLE)
    assert [block.start for block in blocks if block.stale] == [40000]
    fresh, stale = _read(blocks), _read(blocks, stale=True)
    for row in PLAN.rows:
        if row.group != "sunspec" or row.type == "reserved":
            continue
        if row.row_class == "live" and row.scale_row:
            assert stale[row.name].words == (0x8000,)
        else:
            assert stale[row.name].words == fresh[row.name].words, row.name


def test_before_the_first_sample_live_registers_are_empty_and_sunspec_shows_markers() -> None:
    blocks = _image(None)
    assert set(_block(blocks, 0).data) == {0}
    sunspec = _block(blocks, 40000)
    assert sunspec.data == sunspec.stale
    read = _read(blocks)
    assert (read["sunspec_ac_power"].value, read["sunspec_ac_power_sf"].value) == (None, -1)
    assert read["active_energy_import"].value == 1234.0
    assert _block(blocks, 59392).unknown == ((59401, 59405), (59409, 59413))
    assert _block(_image({"active_power": 1.0}), 59392).unknown == ()


def test_a_group_counts_its_energy_itself_and_keeps_it() -> None:
    read = _read(_image({"active_power": 1.0, "group1_active_energy_import": 98_765.4}), stale=True)
    assert read["group1_active_energy_import"].value == 98_765
    assert read["group1_active_power_import"].state == "stale"


def test_writable_registers_are_named_one_by_one() -> None:
    blocks = _image(SAMPLE)
    assert _block(blocks, 41160).writable == ((41168, 41169), (41170, 41171), (41172, 41173))
    assert all(not block.writable for block in blocks if block.start != 41160)


def test_the_older_layout_moves_everything_after_model_1() -> None:
    new, old = _block(_image(SAMPLE), 40000), _block(_image(SAMPLE, plan=OLD_PLAN), 40000)
    assert old.data == new.data[:6] + (65).to_bytes(2, "big") + new.data[8:138] + new.data[140:]
    assert old.stale == new.stale[:6] + (65).to_bytes(2, "big") + new.stale[8:138] + new.stale[140:]
    assert len(old.data) == 2 * 178


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["voltage_l2", "power_factor", "home_consumption"])
def test_what_is_not_finite_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=name):
        _image(SAMPLE | {name: value})


def test_the_same_input_gives_the_same_bytes_and_touches_nothing() -> None:
    values, counters = dict(SAMPLE), dict(ALL)
    first = _image(values, counters)
    _image(dict.fromkeys(NAMES, 9.9), {})
    assert _image(values, counters) == first
    assert (values, counters) == (SAMPLE, ALL)


FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.dictionaries(st.sampled_from(NAMES), st.floats(-100_000, 100_000) | FINITE),
    st.dictionaries(st.sampled_from(sorted(COUNTERS)), st.integers(0, 2**90)),
    st.sampled_from([PLAN, OLD_PLAN]),
)
def test_whatever_comes_is_shown_to_its_resolution_or_at_the_ranges_end(
    values: dict[str, float], counters: dict[str, int], plan: Plan
) -> None:
    blocks = _image(values, counters, plan=plan, unmeasured=frozenset(COUNTERS))
    read = _read(blocks, plan=plan)
    for block, rows in zip(blocks, plan.blocks, strict=True):
        assert (block.start, len(block.data)) == (rows.start, 2 * (rows.end - rows.start))
        assert len(block.stale) in {0, len(block.data)}
    for row in plan.rows:
        shown = read[row.name].value
        if row.origin.kind in ("quantity", "import", "export"):
            given_value = values.get(row.origin.name)
            if given_value is None:
                assert shown == (None if row.scale_row else 0)
            else:
                assert isinstance(shown, int | float)
                _assert_shown(read, row.name, given_value, shown)
        elif row.origin.kind == "counter" and row.type == "uint64":
            expected = min(counters.get(row.origin.name, 0) // 360_000, 2**64 - 1)
            assert read[row.name].words == tuple(expected >> shift & 0xFFFF for shift in (48, 32, 16, 0))


def _assert_shown(read: dict[str, Reading], name: str, value: float, shown: float) -> None:
    row = read[name].row
    if row.scale_row:
        exponent = read[row.scale_row].value
        assert isinstance(exponent, int)
        step, low, high = 10.0**exponent, -32767 * 10.0**exponent, 32767 * 10.0**exponent
        if "power_factor" in name:
            low, high = -1.0, 1.0
    else:
        step, low, high = 1 / row.per_unit, row.kind.low / row.per_unit, row.kind.high / row.per_unit
    signed = -value if row.origin.kind == "export" else value
    expected = max(low, min(high, signed))
    assert abs(shown - expected) <= step / 2 + abs(expected) * 1e-12
