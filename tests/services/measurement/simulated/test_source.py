import asyncio
from typing import cast

import pytest

from services.measurement.simulated.source import SimulatedSource
from services.measurement.simulated.wallbox import Mode, WallboxControl
from services.measurement.source import Link, Reading, Steered
from shared.bus.messages import WallboxSettings
from shared.config.model import Simulated
from tests.services.measurement.fake_clock import FakeClock


def series(settings: Simulated, count: int, clock: FakeClock, links: list[Link]) -> list[Reading]:
    """The first readings."""

    async def collect() -> list[Reading]:
        source = SimulatedSource(settings, 200, links.append, clock)
        found: list[Reading] = []
        async for reading in source.readings():
            found.append(reading)
            if len(found) == count:
                break
        return found

    return asyncio.run(collect())


def test_the_series_depends_on_seed_and_start_and_not_on_when_it_runs() -> None:
    settings = Simulated(seed=9, start="18:30")
    early = series(settings, 10, FakeClock(now=5), [])
    late = series(settings, 10, FakeClock(now=987_654_321_000), [])
    assert [r.values for r in early] == [r.values for r in late]
    assert [r.values for r in early] != [
        r.values for r in series(Simulated(seed=8, start="18:30"), 10, FakeClock(), [])
    ]


def test_cycles_come_on_time_and_speed_passes_more_simulated_time() -> None:
    clock = FakeClock(now=1000)
    readings = series(Simulated(start="12:00", speed=3600), 3, clock, [])
    assert [r.t_ns for r in readings] == [1000, 200_001_000, 400_001_000]
    session = "wallbox_session_duration"
    plus = [r.values[session] for r in series(Simulated(seed=1, start="01:00", speed=3600), 3, FakeClock(), [])]
    assert plus == [0, 720, 1440]


def test_a_late_wake_up_changes_the_time_but_not_the_series() -> None:
    settings = Simulated(seed=4, start="07:00")
    punctual = series(settings, 30, FakeClock(), [])
    late_clock = FakeClock(now=0)
    late_clock.late_ns = 250_000_000
    late = series(settings, 10, late_clock, [])
    by_values = [r.values for r in punctual]
    indices = [by_values.index(r.values) for r in late]
    assert indices == [r.t_ns // 200_000_000 for r in late]  # never a former cycle's under a later time
    assert indices[-1] > 9  # cycles were skipped


def test_it_says_that_it_is_a_simulation_everywhere() -> None:
    links: list[Link] = []
    (reading,) = series(Simulated(), 1, FakeClock(), links)
    assert reading.simulated
    assert all("SIMULATION" in reading.texts[name] for name in ("manufacturer", "model"))
    assert all(len(text.encode()) <= 32 for text in reading.texts.values())
    assert links[0].connected
    assert "SIMULATION" in links[0].reason


def test_each_cycle_is_counted_as_an_attempt() -> None:
    links: list[Link] = []
    series(Simulated(), 3, FakeClock(), links)
    assert [(link.connected, link.polls, link.failures) for link in links] == [(True, n, 0) for n in (1, 2, 3)]


def test_the_wallbox_can_be_set_through_the_source() -> None:
    source = SimulatedSource(Simulated(start="01:00"), 200, lambda _: None, FakeClock())
    source.control = WallboxControl(Mode.LOCK)
    assert source.control == WallboxControl(Mode.LOCK)

    async def first() -> Reading:
        return cast("Reading", await anext(aiter(source.readings())))

    assert asyncio.run(first()).values["active_charge_mode"] == Mode.LOCK


@pytest.mark.parametrize(
    ("mode", "control"),
    [
        (-1, WallboxControl(Mode.SOLAR_PLUS, 30, 40)),
        (0, WallboxControl(Mode.OFF, 30, 40)),
        (5, WallboxControl(Mode.TIME, 30, 40)),
    ],
)
def test_the_wallbox_obeys_what_was_written(mode: int, control: WallboxControl) -> None:
    source = SimulatedSource(Simulated(start="01:00"), 200, lambda _: None, FakeClock())
    assert isinstance(source, Steered)
    source.steer(
        WallboxSettings(
            src="register-store",
            gen=1,
            seq=1,
            t_ns=1,
            meter="house",
            mode=mode,
            min_pv_power_quota=30,
            min_charging_power_quota=40,
        )
    )
    assert source.control == control
