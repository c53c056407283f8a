from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shared.config.model import Group, Meter, Sensor
from shared.registers.blocks import all_rows, blocks_for, group_rows, sensor_rows

ALWAYS = [(0, 148), (512, 792), (8192, 8245), (40000, 40179), (40960, 41013), (41160, 41190)]


def _ranges(meter: Meter, *, wallbox: bool = False) -> list[tuple[int, int]]:
    return [(rows[0].address, rows[-1].end) for rows in blocks_for(meter, wallbox=wallbox)]


def _meter(groups: tuple[int, ...] = (), sensors: tuple[int, ...] = (), layout: str = "2.6") -> Meter:
    return Meter(
        id="house",
        source="simulated",
        sunspec_layout="2.5" if layout == "2.5" else "2.6",
        group=tuple(Group(number=number) for number in groups),
        sensor=tuple(Sensor(number=number) for number in sensors),
    )


def test_a_plain_meter_has_the_documented_blocks() -> None:
    assert _ranges(_meter()) == ALWAYS


def test_wallbox_values_exist_only_with_a_wallbox() -> None:
    assert _ranges(_meter(), wallbox=True) == [*ALWAYS, (49206, 49262)]


def test_the_older_layout_ends_one_earlier() -> None:
    assert (40000, 40178) in _ranges(_meter(layout="2.5"))


def test_groups_and_sensors_have_40_registers_each_and_touching_ones_are_one_block() -> None:
    ranges = _ranges(_meter((48, 2, 1), (96, 3)))
    assert ranges == [*ALWAYS, (59392, 59472), (61272, 61312), (61520, 61560), (65240, 65280)]


def test_a_template_is_moved_with_its_names_and_quantities() -> None:
    first, last = group_rows(1), group_rows(48)
    assert [row.address - 47 * 40 for row in last] == [row.address for row in first]
    assert last[2].name == last[2].origin.name == "group48_active_energy_import"
    assert sensor_rows(96)[-1].end == 65280


@given(st.sets(st.integers(1, 48)), st.sets(st.integers(1, 96)), st.booleans(), st.sampled_from(["2.6", "2.5"]))
def test_blocks_ascend_never_touch_and_are_tiled_by_rows(
    groups: set[int], sensors: set[int], wallbox: bool, layout: str
) -> None:
    blocks = blocks_for(_meter(tuple(groups), tuple(sensors), layout), wallbox=wallbox)
    for before, after in pairwise(blocks):
        assert before[-1].end < after[0].address
    for rows in blocks:
        assert all(before.end == after.address for before, after in pairwise(rows))
    assert blocks[-1][-1].end <= 65536
    assert {row.name for rows in blocks for row in rows} <= {row.name for row in all_rows(layout)}


def test_the_whole_map_has_every_name_once() -> None:
    names = [row.name for row in all_rows()]
    assert len(names) == len(set(names)) > 2000
