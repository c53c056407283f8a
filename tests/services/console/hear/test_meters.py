"""Age and staleness as they are told: a value that is too old is never shown as if it were now."""

from msgspec.structs import replace

from services.console.hear.meters import MOST, Meters
from shared.bus.messages import Block, Image, Sample, SourceState
from shared.clock import BOOT_ID
from shared.config.model import Meter, Simulated

S = 1_000_000_000
HOUSE = Meter(id="house", source="simulated", simulated=Simulated())


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 1_000 * S

    def __call__(self) -> int:
        return self.now


def sample(seq: int, t_ns: int, *, gen: int = 1, boot: str = BOOT_ID, meter: str = "house", **values: float) -> Sample:
    return Sample(
        src="measurement", gen=gen, seq=seq, t_ns=t_ns, boot=boot, meter=meter, values=values or {"active_power": 1.0}
    )


def test_before_the_first_sample_nothing_is_known() -> None:
    live = Meters(Clock()).live(HOUSE)
    assert (live.age_ms, live.stale, live.connected, live.values) == (None, True, None, {})
    assert live.simulated


def test_a_real_source_that_says_simulation_is_shown_as_one() -> None:
    clock, far = Clock(), Meter(id="house", source="modbus")
    meters = Meters(clock)
    meters.take_sample(sample(1, clock.now))
    assert (meters.live(far).simulated, meters.invented(far)) == (False, False)
    meters.take_sample(replace(sample(2, clock.now), simulated=True))
    assert (meters.live(far).simulated, meters.invented(far)) == (True, True)


def test_age_grows_and_becomes_stale_by_the_clock_that_never_jumps() -> None:
    clock = Clock()
    meters = Meters(clock)
    meters.take_sample(sample(1, clock.now - S // 10))
    live = meters.live(HOUSE)
    assert (live.age_ms, live.stale) == (100, False)
    clock.now += 4_900 * S // 1000
    assert not meters.live(HOUSE).stale, "exactly 5 s old"
    clock.now += 1
    live = meters.live(HOUSE)
    assert (live.age_ms, live.stale) == (5000, True)
    assert live.values == {"active_power": 1.0}, "shown as stale, not taken away"


def test_what_is_older_or_in_the_future_is_refused() -> None:
    clock = Clock()
    meters = Meters(clock)
    told: list[str] = []
    meters.on_sample = told.append
    meters.take_sample(sample(2, clock.now, active_power=2.0))
    meters.take_sample(sample(1, clock.now, active_power=1.0))
    meters.take_sample(sample(3, clock.now + S, active_power=3.0))
    meters.take_sample(sample(4, clock.now - S, active_power=4.0))
    assert meters.live(HOUSE).values == {"active_power": 2.0}
    assert told == ["house"]
    clock.now += S
    meters.take_sample(sample(1, clock.now, gen=2, active_power=5.0))
    assert meters.live(HOUSE).values == {"active_power": 5.0}


def test_a_first_time_of_another_boot_is_never_fresh() -> None:
    clock = Clock()
    meters = Meters(clock)
    meters.take_sample(sample(1, 5 * S, boot="other"))
    assert meters.live(HOUSE).stale, "it may be of any age"
    meters.take_sample(sample(2, 6 * S, boot="other"))
    assert meters.live(HOUSE).age_ms == 0


def test_why_nothing_comes_is_said() -> None:
    clock = Clock()
    meters = Meters(clock)
    meters.take_sample(sample(1, clock.now))
    state = SourceState(
        src="measurement", gen=1, seq=1, t_ns=clock.now, meter="house", connected=False, reason="timeout"
    )
    meters.take_source(state)
    live = meters.live(HOUSE)
    assert (live.connected, live.reason) == (False, "timeout")
    live = meters.live(HOUSE, "the process measurement is parked")
    assert (live.connected, live.reason) == (False, "the process measurement is parked")


def test_unmeasured_quantities_are_named_not_zero() -> None:
    clock = Clock()
    meters = Meters(clock)
    meters.take_sample(sample(1, clock.now, active_power=1.00004, voltage_l1=230.0))
    live = meters.live(HOUSE)
    assert live.values["active_power"] == 1.0
    assert "voltage_l1" not in live.unmeasured
    assert {"voltage_l2", "current_l1", "supply_frequency"} <= set(live.unmeasured)
    assert (live.flow.grid, live.flow.solar) == (1.0, None)


def test_counters_come_from_the_image_once_a_second() -> None:
    clock = Clock()
    meters = Meters(clock)

    def image(seq: int, tenths: int) -> Image:
        data = tenths.to_bytes(8, "big") * 70
        block = Block(512, data, unknown=((516, 520),))
        return Image(
            src="r", gen=1, seq=seq, t_ns=clock.now, meter="house", unit=1, stale_after_ms=5000, blocks=(block,)
        )

    meters.take_image(image(1, 15))
    live = meters.live(HOUSE)
    assert live.counters["active_energy_import"] == 1.5
    assert "active_energy_export" not in live.counters, "never known"
    meters.take_image(image(2, 25))
    assert meters.live(HOUSE).counters["active_energy_import"] == 1.5
    clock.now += S
    assert meters.live(HOUSE).counters["active_energy_import"] == 2.5


def test_meters_are_bounded_and_forgotten() -> None:
    clock = Clock()
    meters = Meters(clock)
    for number in range(2 * MOST):
        meters.take_sample(sample(1, clock.now, meter=f"m{number}"))
    assert len(list(meters)) == MOST
    meters.keep(["m1"])
    assert [name for name, _ in meters] == ["m1"]
