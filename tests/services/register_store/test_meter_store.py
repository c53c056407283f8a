"""From samples to what an image shows: order, plausibility, counters across restarts."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.register_store.meter_store import Content, MeterStore, RejectedSampleError, journal_name
from services.register_store.writes import RefusedWriteError
from shared import clock
from shared.bus.messages import Sample
from shared.config.model import Meter, Modbus
from shared.registers.lookup import find

METER = Meter(id="house", source="modbus", modbus=Modbus(host="meter"))
SECOND = 1_000_000_000


class Story:
    """A store that gets samples, one second apart where nothing else is said."""

    def __init__(self, state_dir: Path, meter: Meter = METER) -> None:
        self.state_dir = state_dir
        self.meter = meter
        self.t_ns = clock.now_ns() - 100 * SECOND
        self.seq = 0
        self.store = MeterStore(meter, state_dir, wallbox=False)

    def sample(self, *, after_s: float = 1.0, **values: float) -> Content | None:
        """One more sample; what the image shows then."""
        return self._take(after_s, values, {}, simulated=False)

    def said(self, texts: dict[str, str], *, simulated: bool = False) -> Content | None:
        """One more sample, of a source that says this of its meter."""
        return self._take(1.0, {"active_power": 1.0}, texts, simulated=simulated)

    def _take(
        self, after_s: float, values: dict[str, float], texts: dict[str, str], *, simulated: bool
    ) -> Content | None:
        self.t_ns += round(after_s * SECOND)
        self.seq += 1
        message = Sample(
            src="measurement",
            gen=1,
            seq=self.seq,
            t_ns=self.t_ns,
            meter=self.meter.id,
            values=values,
            source=self.meter.source,
            texts=texts,
            simulated=simulated,
        )
        return self.store.take(message, self.t_ns + 1000)

    def restart(self) -> None:
        """As after a stop: only the journal is left."""
        self.store.close()
        self.store = MeterStore(self.meter, self.state_dir, wallbox=False)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    made = Story(tmp_path)
    yield made
    made.store.close()


def register(content: Content | None, name: str) -> int:
    """The whole number that stands in a row's registers."""
    assert content is not None
    row = find(name)
    for block in content.blocks:
        offset = 2 * (row.address - block.start)
        if 0 <= offset < len(block.data):
            return int.from_bytes(block.data[offset : offset + 2 * row.count], "big")
    raise AssertionError(f"{name} is in no block")


def text(content: Content | None, name: str) -> str:
    """The text that stands in a row's registers."""
    size = 2 * find(name).count
    return register(content, name).to_bytes(size, "big").rstrip(b"\0").decode()


def unknown(content: Content | None) -> set[int]:
    assert content is not None
    return {address for block in content.blocks for first, end in block.unknown for address in range(first, end)}


def test_power_is_split_into_import_and_export(story: Story) -> None:
    drawn = story.sample(active_power=1234.5)
    assert (register(drawn, "active_power_import"), register(drawn, "active_power_export")) == (12345, 0)
    fed = story.sample(active_power=-0.1)
    assert (register(fed, "active_power_import"), register(fed, "active_power_export")) == (0, 1)


def test_the_image_keeps_the_time_of_the_source(story: Story) -> None:
    content = story.sample(active_power=1.0)
    assert content is not None
    assert content.t_ns == story.t_ns


def test_energy_is_integrated_and_survives_a_restart(story: Story) -> None:
    story.sample(active_power=3600.0)
    for _ in range(10):
        story.sample(active_power=3600.0)
    story.restart()
    content = story.sample(active_power=3600.0)  # the second of the restart counts as well
    assert register(content, "active_energy_import") == 11 * 10  # 3600 W for 11 s: 11 Wh in steps of 0.1 Wh


def test_a_gap_longer_than_staleness_is_not_integrated(story: Story) -> None:
    story.sample(active_power=3600.0)
    content = story.sample(after_s=60, active_power=3600.0)
    assert register(content, "active_energy_import") == 0


def test_the_sources_own_counter_is_shown_and_guarded(story: Story) -> None:
    story.sample(active_power=0.0, active_energy_import=5000.0)
    content = story.sample(active_power=0.0, active_energy_import=0.0)
    assert register(content, "active_energy_import") == 50_000
    assert [finding.kind for finding in story.store.findings] == ["counter.held"]
    content = story.sample(active_power=0.0, active_energy_import=2.5)
    assert register(content, "active_energy_import") == 50_025


def test_a_counter_that_jumps_all_the_time_is_told_ever_more_rarely_and_kept_in_full(story: Story) -> None:
    for number in range(1001):
        story.sample(
            active_power=0.0, active_energy_import=5e6 * (number % 2), active_energy_export=5e6 * (number < 1000)
        )
    texts = [finding.text for finding in story.store.findings]
    assert len([text for text in texts if "active_energy_import" in text]) == 9
    assert "(256 times by now); held at " in texts[-2]
    assert "active_energy_export of the source went from 5000.0000 to 0.0000 kWh; held at" in texts[-1]
    story.sample(after_s=3601, active_power=0.0, active_energy_import=1e8)
    assert "times" not in story.store.findings[-1].text, "told again after an hour of quiet"


def test_counters_are_unknown_before_the_first_sample_only(story: Story) -> None:
    row = find("active_energy_import")
    assert row.address in unknown(story.store.content())
    assert row.address not in unknown(story.sample(active_power=1.0))
    story.restart()
    assert row.address not in unknown(story.store.content())


def test_an_older_or_repeated_sample_changes_nothing(story: Story) -> None:
    story.sample(active_power=1.0)
    story.seq -= 1
    assert story.sample(active_power=2.0) is None


def test_a_sample_from_the_future_is_refused(story: Story) -> None:
    message = Sample(
        src="measurement",
        gen=1,
        seq=1,
        t_ns=story.t_ns + SECOND,
        meter="house",
        values={"active_power": 1.0},
        source="modbus",
    )
    with pytest.raises(RejectedSampleError, match="1000 ms in the future"):
        story.store.take(message, story.t_ns)


def test_a_sample_of_another_source_is_neither_counted_nor_shown_and_told_once(story: Story) -> None:
    """Measurement that refused the new settings, or has not read them yet, still says what the old source says."""

    def said(
        gen: int, seq: int, source: str, power: float, energy: float, *, simulated: bool = False
    ) -> Content | None:
        message = Sample(
            src="measurement",
            gen=gen,
            seq=seq,
            t_ns=story.t_ns + seq,
            meter="house",
            values={"active_power": power, "active_energy_import": energy},
            source=source,
            simulated=simulated,
        )
        return story.store.take(message, story.t_ns + SECOND)

    for seq in (7, 8, 9):
        assert said(2, seq, "simulated", 3600.0, 0.0, simulated=True) is None
    assert [(each.kind, each.level) for each in story.store.findings] == [("sample.rejected", "warning")]
    assert story.store.findings[0].text == (
        "house: measurement still runs by other settings: sample comes from source 'simulated', settings say 'modbus'; "
        "neither shown nor counted. See `metergate ps`"
    )
    before = story.store.content()
    assert before.t_ns == 0
    assert not before.device[4].startswith("SIMULATION")
    assert find("active_energy_import").address in unknown(before)
    content = said(2, 1, "modbus", 1.0, 5000.0)  # its version is lower, and it is the first of our source
    assert (register(content, "active_power_import"), register(content, "active_energy_import")) == (10, 50_000)
    story.restart()
    assert register(story.store.content(), "active_energy_import") == 50_000
    invented = said(3, 1, "modbus", 2.0, 5001.0, simulated=True)  # of a gateway whose own meter is simulated
    assert register(invented, "active_energy_import") == 50_010
    assert story.store.findings == []


def test_a_sample_of_another_boot_is_aged_by_the_least_delay_and_the_first_is_never_fresh(story: Story) -> None:
    def content(t_ns: int, seq: int) -> Content:
        message = Sample(
            src="measurement",
            gen=1,
            seq=seq,
            t_ns=t_ns,
            boot="another",
            meter="house",
            values={"active_power": 1.0},
            source="modbus",
        )
        taken = story.store.take(message, story.t_ns)
        assert taken is not None
        return taken

    assert content(5, 1).t_ns < 0  # sent again to a newcomer, who cannot know when it was new
    assert content(6, 2).t_ns == story.t_ns


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"voltage_l1": 230.0}, "active_power is missing; not shown. Its source must give it"),
        (
            {"active_power": 1_000_001.0},
            "active_power is 1000001.0; not shown. Where it is true, raise meter.max_power_kw",
        ),
    ],
)
def test_a_sample_without_power_or_with_too_much_is_refused(
    story: Story, values: dict[str, float], reason: str
) -> None:
    with pytest.raises(RejectedSampleError) as refused:
        story.sample(**values)
    assert str(refused.value) == f"sample of house: {reason}"


def test_a_damaged_journal_leaves_integrated_counters_unknown(story: Story) -> None:
    story.sample(active_power=3600.0)
    story.store.close()
    path = story.state_dir / "counters-house.journal"
    path.write_bytes(b"\0" * path.stat().st_size)
    story.store = MeterStore(METER, story.state_dir, wallbox=False)
    assert [finding.kind for finding in story.store.findings] == ["journal.damaged"]
    story.sample(active_power=3600.0, reactive_energy_import=7.0)
    content = story.sample(active_power=3600.0, reactive_energy_import=7.0)
    assert find("active_energy_import").address in unknown(content)
    assert register(content, "reactive_energy_import") == 70
    assert path.read_bytes() == b"\0" * path.stat().st_size


def test_without_a_journal_a_counter_that_the_source_gave_is_integrated_on_while_it_is_away(tmp_path: Path) -> None:
    (tmp_path / "counters-house.journal").write_bytes(b"nonsense")
    story = Story(tmp_path)
    story.sample(active_power=3600.0, active_energy_import=5000.0)
    content = story.sample(active_power=3600.0)
    assert register(content, "active_energy_import") == 50_010
    content = story.sample(active_power=3600.0, active_energy_import=5002.0)
    assert register(content, "active_energy_import") == 50_020
    assert find("active_energy_export").address in unknown(content)


def test_a_counter_that_went_away_before_a_restart_and_comes_back_after_it_is_counted_once(story: Story) -> None:
    story.sample(active_power=3600.0, active_energy_import=5000.0)
    story.sample(active_power=3600.0)
    story.restart()
    content = story.sample(active_power=3600.0, active_energy_import=5002.0)
    assert register(content, "active_energy_import") == 50_020


@pytest.mark.parametrize("set_by_s", [-86_400.0, 0.0, 5.0])
def test_a_wall_clock_that_stands_still_or_goes_back_costs_no_energy(
    story: Story, monkeypatch: pytest.MonkeyPatch, set_by_s: float
) -> None:
    """A day without the meter, without the store, and, with another boot, without power: 30 kWh each time."""
    monkeypatch.setattr("time.time", lambda: 1.8e9)
    story.sample(active_power=0.0, active_energy_import=5e6)
    monkeypatch.setattr("time.time", lambda: 1.8e9 + set_by_s)
    content = story.sample(after_s=86_400, active_power=0.0, active_energy_import=5e6 + 30_000)
    assert register(content, "active_energy_import") == 50_300_000
    story.restart()
    content = story.sample(after_s=86_400, active_power=0.0, active_energy_import=5e6 + 60_000)
    assert register(content, "active_energy_import") == 50_600_000
    monkeypatch.setattr(clock, "BOOT_ID", "next boot")
    story.restart()
    content = story.sample(active_power=0.0, active_energy_import=5e6 + 90_000)
    assert register(content, "active_energy_import") == 50_900_000
    assert story.store.findings == []


def test_a_wall_clock_that_is_set_excuses_no_jump(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 0.0)
    story.sample(active_power=0.0, active_energy_import=5000.0)
    monkeypatch.setattr("time.time", lambda: 1.8e9)
    content = story.sample(active_power=0.0, active_energy_import=5e6)
    assert register(content, "active_energy_import") == 50_000
    story.restart()
    content = story.sample(active_power=0.0, active_energy_import=9e6)
    assert register(content, "active_energy_import") == 50_000


def test_a_sample_of_unknown_age_may_come_long_after_the_one_before(story: Story) -> None:
    """Measurement runs on another host and went on while the store was away: the first sample has no local time."""
    story.sample(active_power=0.0, active_energy_import=5e6)
    story.restart()
    message = Sample(
        src="measurement",
        gen=1,
        seq=1,
        t_ns=5,
        boot="another",
        meter="house",
        values={"active_power": 0.0, "active_energy_import": 5e6 + 30_000},
        source="modbus",
    )
    content = story.store.take(message, story.t_ns + 86_400 * SECOND)
    assert register(content, "active_energy_import") == 50_300_000


def test_the_journal_is_due_after_ten_watt_hours(story: Story) -> None:
    story.sample(active_power=360_000.0)
    assert not story.store.due(clock.now_ns())
    story.sample(active_power=360_000.0)
    assert story.store.due(clock.now_ns())
    assert not story.store.due(clock.now_ns())


def test_a_journal_that_is_removed_is_put_back_before_a_restart_could_count_from_zero(story: Story) -> None:
    story.sample(active_power=3600.0)
    story.sample(active_power=3600.0)
    before = register(story.store.content(), "active_energy_import")
    (story.state_dir / "counters-house.journal").unlink()
    asyncio.run(story.store.keep(clock.now_ns()))
    assert [finding.kind for finding in story.store.findings] == ["journal.replaced"]
    story.restart()
    assert register(story.store.content(), "active_energy_import") == before > 0


def test_invented_energy_is_counted_apart() -> None:
    assert journal_name(METER) == "house"
    assert journal_name(Meter(id="house", source="simulated")) == "house.simulated"


def test_a_write_is_shown_with_the_last_sample_and_survives_a_restart(story: Story) -> None:
    story.sample(active_power=100.0)
    story.store.write(story.store.check(41168, (3,)))
    shown = story.store.write(story.store.check(41170, (20,)))
    assert (register(shown, "wallbox_charging_mode"), register(shown, "wallbox_min_pv_power_quota")) == (3, 20)
    assert register(shown, "active_power_import") == 1000
    assert shown.t_ns == story.t_ns
    assert story.store.due(story.t_ns)
    assert not story.store.due(story.t_ns)
    story.restart()
    assert register(story.store.content(), "wallbox_charging_mode") == 3
    assert story.store.settings == {"wallbox_charging_mode": 3, "wallbox_min_pv_power_quota": 20}
    assert register(story.sample(active_power=1.0), "wallbox_min_pv_power_quota") == 20


def test_a_write_that_is_refused_changes_nothing(story: Story) -> None:
    story.sample(active_power=1.0)
    story.store.write(story.store.check(41168, (3,)))
    with pytest.raises(RefusedWriteError, match="is 6"):
        story.store.check(41168, (6,))
    assert register(story.store.content(), "wallbox_charging_mode") == 3


def test_what_could_not_be_kept_is_refused(tmp_path: Path) -> None:
    (tmp_path / "counters-house.journal").write_bytes(b"nonsense")
    store = MeterStore(METER, tmp_path, wallbox=False)
    with pytest.raises(RefusedWriteError, match="journal is damaged") as refused:
        store.check(41168, (3,))
    assert refused.value.code == 4


def test_who_the_meter_is_follows_each_sample_beside_what_was_written(story: Story) -> None:
    story.sample(active_power=1.0)
    story.store.write(story.store.check(41168, (3,)))
    shown = [story.said({"serial_number": "A1"}), story.said({"serial_number": "B2"})]
    assert [text(content, "serial_number") for content in shown] == ["A1", "B2"]
    invented = story.said({"serial_number": "B2"}, simulated=True)
    assert invented is not None
    assert invented.device[4].startswith("SIMULATION")
    assert register(invented, "wallbox_charging_mode") == 3
    real = story.said({"serial_number": "B2"})
    assert real is not None
    assert not real.device[4].startswith("SIMULATION")
    story.store.write(story.store.check(41168, (4,)))
    assert text(story.store.content(), "serial_number") == "B2"
    assert register(story.store.content(), "wallbox_charging_mode") == 4
