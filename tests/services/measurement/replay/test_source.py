import asyncio
from pathlib import Path

import pytest

from services.measurement.replay.source import ReplaySource
from services.measurement.source import Link, Reading
from shared.bus.codec import encode
from shared.bus.messages import Sample
from shared.config.model import Replay
from shared.errors import ConfigError
from shared.tap.recording import Entry, RecordingWriter
from tests.services.measurement.fake_clock import FakeClock

MS = 1_000_000


class Played:
    """What came of a replay, at most `most` readings of it."""

    def __init__(self, settings: Replay, clock: FakeClock | None = None, most: int = 100) -> None:
        self.readings = list[Reading]()
        self.links = list[Link]()
        self.warnings: list[str] = []
        clock = clock or FakeClock(now=0)

        async def play() -> None:
            source = ReplaySource(settings, 200, self.links.append, clock, self.warnings.append)
            async for reading in source.readings():
                assert reading.t_ns <= clock.now
                self.readings.append(reading)
                if len(self.readings) == most:
                    return

        asyncio.run(play())

    @property
    def times_ms(self) -> list[float]:
        """Of the readings."""
        return [reading.t_ns / MS for reading in self.readings]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "day.csv"
    path.write_text("t,active_power,voltage_l1\n100,1,\n100.5,2,230\n101.5,3,231\n", encoding="utf-8")
    return path


def test_rows_come_at_their_distances_and_then_it_ends(table: Path) -> None:
    played = Played(Replay(file=table))
    assert played.times_ms == [0, 500, 1500]
    assert [reading.values["active_power"] for reading in played.readings] == [1, 2, 3]
    assert [(link.connected, link.polls) for link in played.links] == [(True, 1), (True, 2), (True, 3), (False, 3)]
    assert "day.csv has ended" in played.links[-1].reason
    assert not played.readings[0].simulated


def test_speed(table: Path) -> None:
    assert Played(Replay(file=table, speed=10)).times_ms == [0, 50, 150]


def test_a_loop_goes_on_after_the_last_distance(table: Path) -> None:
    path = table
    path.write_text("t,active_power\n0,1\n0.5,2\n1.5,3\n", encoding="utf-8")
    played = Played(Replay(file=path, loop=True), most=7)
    assert played.times_ms == [0, 500, 1500, 2500, 3000, 4000, 5000]
    assert [(link.connected, link.polls) for link in played.links] == [(True, n) for n in range(1, 8)]


def test_a_single_row_in_a_loop_comes_every_cycle(table: Path) -> None:
    table.write_text("t,active_power\n0,1\n", encoding="utf-8")
    assert Played(Replay(file=table, loop=True), most=3).times_ms == [0, 200, 400]


def test_lateness_does_not_add_up(table: Path) -> None:
    clock = FakeClock(now=0)
    clock.late_ns = 30 * MS
    assert Played(Replay(file=table), clock).times_ms == [0, 500, 1500]


def test_after_a_standstill_the_rows_do_not_rush_by(table: Path) -> None:
    clock = FakeClock(now=0)
    clock.late_ns = 60_000 * MS
    played = Played(Replay(file=table), clock)
    distances = [after - before for before, after in zip(played.times_ms, played.times_ms[1:], strict=False)]
    assert distances == [60_500, 61_000]


def test_an_empty_cell_after_a_full_one_gives_no_reading(table: Path) -> None:
    table.write_text("t,active_power,voltage_l1\n0,1,\n1,2,230\n2,3,\n3,4,231\n", encoding="utf-8")
    played = Played(Replay(file=table))
    assert played.times_ms == [0, 1000, 3000]
    assert [link.connected for link in played.links] == [True, True, False, True, False]
    assert "voltage_l1: missing here" in played.links[2].reason
    assert (played.links[-1].polls, played.links[-1].failures) == (4, 1)


def test_a_recording_keeps_its_simulated_flag_and_says_what_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "r"
    with RecordingWriter(path) as writer:
        for number in range(3):
            values = {"active_power": float(number)}
            message = Sample(
                src="m", gen=1, seq=number, t_ns=number * 200 * MS, meter="house", values=values, simulated=True
            )
            writer.write(Entry(number, b"sample/house", encode(message)))
    path.write_bytes(path.read_bytes()[:-1])
    played = Played(Replay(file=path))
    assert played.times_ms == [0, 200]
    assert all(reading.simulated for reading in played.readings)
    assert "incomplete" in played.warnings[0]


def test_a_mistake_far_down_shows_before_the_first_reading(table: Path) -> None:
    table.write_text("t,active_power\n" + "".join(f"{n},1\n" for n in range(5000)) + "5000,x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"day\.csv:5002: active_power"):
        Played(Replay(file=table))
