"""The map compiled for a meter's settings; what comes out of it is tested with the image."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.config.model import Group, Meter, Sensor
from shared.registers.plan import plan_for

HOUSE = Meter(id="house", source="simulated", group=(Group(number=1, label="pump"),), sensor=(Sensor(number=3),))


def test_meters_that_differ_in_nothing_that_the_map_shows_share_a_plan() -> None:
    barn = replace(HOUSE, id="barn", unit=2, cycle_ms=500, group=(Group(number=1, label="pump"),))
    assert plan_for(HOUSE) is plan_for(barn)


def test_each_of_its_own_settings_is_in_the_plan_of_a_meter() -> None:
    others = (
        replace(HOUSE, group=(Group(number=1, label="fan"),)),
        replace(HOUSE, sensor=(Sensor(number=3, phase=2),)),
        replace(HOUSE, sensor=()),
        replace(HOUSE, sunspec_layout="2.5"),
    )
    plans = {id(plan) for plan in (plan_for(HOUSE), *map(plan_for, others), plan_for(HOUSE, wallbox=True))}
    assert len(plans) == 6
    labels = [plan_for(meter).blocks[-2].template[0] for meter in (HOUSE, others[0])]
    assert labels == [b"pump\0\0\0\0", b"fan\0\0\0\0\0"]


@given(st.sets(st.integers(1, 48)), st.sets(st.integers(1, 96)), st.booleans())
def test_a_range_holds_every_register_of_its_class_and_only_reserved_ones_beside_them(
    groups: set[int], sensors: set[int], wallbox: bool
) -> None:
    meter = Meter(
        id="m",
        source="simulated",
        group=tuple(Group(number=number) for number in sorted(groups)),
        sensor=tuple(Sensor(number=number) for number in sorted(sensors)),
    )
    for block in plan_for(meter, wallbox=wallbox).blocks:
        within = {address for first, end in block.live for address in range(first, end)}
        for row in block.rows:
            registers = set(range(row.address, row.end))
            if row.row_class == "live" and not block.scaled_points:
                assert registers <= within
            elif row.type != "reserved":
                assert registers.isdisjoint(within)
        edges = {edge for first, end in block.live for edge in (first, end)}
        assert len(edges) == 2 * len(block.live)  # two that touch would be one
        assert all(
            any(row.address == first and row.row_class == "live" for row in block.rows) for first, _ in block.live
        )
