import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import cast

import pytest
import structlog
from msgspec.structs import replace
from structlog.testing import capture_logs

from services.measurement import actor
from services.measurement.actor import Gauge, Measurement
from services.measurement.source import Link, Reading
from shared.actor import Life
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Event, Message, Sample, SourceState, WallboxSettings
from shared.bus.publisher import Stamp
from shared.clock import now_ns
from shared.config.model import Config, Meter, Modbus, Replay, Simulated
from shared.errors import EXIT_CONFIG, EXIT_DONE, ConfigError
from tests.support import Processes, free_port, until

SIMULATED = Meter(id="house", source="simulated", cycle_ms=100, simulated=Simulated(start="12:00"))


class HeardBus:
    """A bus that keeps what is published."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.deliver: Callable[[WallboxSettings], None]

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        """Count."""
        return Stamp(src="measurement", gen=1, seq=len(self.heard))

    def subscribe(self, instance: str, kind: type[Message], handler: Callable[[WallboxSettings], None]) -> None:
        """Keep the handler."""
        assert (instance, kind) == ("register-store", WallboxSettings)
        self.deliver = handler

    def publish(self, message: Message, _key: str = "") -> None:
        """Keep it."""
        self.heard.append(message)


class HeardLife(Life):
    """A life that keeps what it is told.

    Attributes:
        samples, states, events: published.
        is_ready: whether it was said.
        fresh: every `fresh_until_ns`.
        notes: every `note`.
    """

    def __init__(self, *meters: Meter) -> None:
        self.messages = HeardBus()
        super().__init__(
            instance="measurement",
            config=Config(meter=meters),
            bus=cast("Bus", self.messages),
            log=structlog.get_logger(),
        )
        self.is_ready = False
        self.fresh: list[object] = []
        self.notes: list[object] = []

    def ready(self) -> None:
        """Note it."""
        self.is_ready = True

    def status(self, **fields: int | str | bool) -> None:
        """Note it."""
        if "note" in fields:
            self.notes.append(fields["note"])
        else:
            self.fresh.append(fields["fresh_until_ns"])

    @property
    def samples(self) -> list[Sample]:
        """Published so far."""
        return [message for message in self.messages.heard if isinstance(message, Sample)]

    @property
    def states(self) -> list[SourceState]:
        """Published so far."""
        return [message for message in self.messages.heard if isinstance(message, SourceState)]

    @property
    def events(self) -> list[Event]:
        """Published so far."""
        return [message for message in self.messages.heard if isinstance(message, Event)]


class Script:
    """A source that gives what it is told to."""

    def __init__(self, *readings: Reading) -> None:
        self._readings = readings

    async def readings(self) -> AsyncIterator[Reading]:
        """All of them."""
        for reading in self._readings:
            yield reading


@pytest.fixture
def life() -> Iterator[HeardLife]:
    with capture_logs():
        yield HeardLife(SIMULATED)


def play(life: HeardLife, *readings: Reading) -> Gauge:
    gauge = Gauge(SIMULATED, life, lambda: None, lambda: None, source=Script(*readings))
    asyncio.run(gauge.run())
    return gauge


def test_a_reading_becomes_a_sample_with_what_follows_from_it(life: HeardLife) -> None:
    gauge = play(life, Reading(5, {"active_power": 300.0, "reactive_power": -400.0}, {"model": "M"}))
    (sample,) = life.samples
    assert sample.t_ns == 5
    assert sample.values["apparent_power"] == 500
    assert sample.derived == ("apparent_power", "power_factor")
    assert (sample.meter, sample.source, sample.simulated, sample.period_ms) == ("house", "simulated", False, 100)
    assert sample.texts == {"model": "M"}
    assert gauge.fresh_until_ns == 5 + 5_000_000_000


@pytest.mark.parametrize(
    "values",
    [{"voltage_l1": 230.0}, {"active_power": float("nan")}, {"active_power": 2e6}, {"active_power": float("inf")}],
)
def test_an_impossible_reading_is_dropped_with_one_event(life: HeardLife, values: dict[str, float]) -> None:
    gauge = play(life, *[Reading(5, values)] * 10)
    assert life.samples == []
    (event,) = life.events
    assert event.kind == "measurement.dropped"
    assert event.level == "warning"
    assert "active_power" in event.text
    assert gauge.fresh_until_ns == 0


@pytest.mark.parametrize(
    ("given", "derived"),
    [
        (dict.fromkeys(("active_power_l1", "active_power_l2", "active_power_l3"), 4e5), "active_power is 1200000 W"),
        ({"active_power": 9e5, "reactive_power": 9e5}, "apparent_power is 1272792.206 VA"),
        ({"active_power": 1.0, "active_power_l1": 9.0, "voltage_l1": 230.0, "current_l1": 9e5}, "apparent_power_l1 is"),
        ({"active_power": 1.0, "apparent_power_l1": 5.0, "voltage_l1": 1e-38}, "current_l1 is 5e+38 A"),
        ({"active_power": 1.0, "apparent_power_l1": 5.0, "voltage_l1": 5e-324}, "current_l1 is inf"),
    ],
)
def test_what_follows_from_a_reading_must_be_possible_too(
    life: HeardLife, given: dict[str, float], derived: str
) -> None:
    gauge = play(life, Reading(5, given))
    assert (life.samples, gauge.fresh_until_ns) == ([], 0)
    assert derived in gauge.trouble


def test_why_readings_are_dropped_is_shown_until_one_is_not(life: HeardLife) -> None:
    troubles: list[str] = []
    gauge = Gauge(SIMULATED, life, lambda: None, lambda: troubles.append(gauge.trouble), source=Script())
    for power in (1.0, float("inf"), 1.0, 1.0):
        gauge.take(Reading(5, {"active_power": power}))
    assert troubles == ["meter house: a sample was dropped: active_power is inf, not a finite number", ""]


def test_every_change_of_the_source_is_published(life: HeardLife) -> None:
    troubles: list[str] = []
    gauge = Gauge(SIMULATED, life, lambda: None, lambda: troubles.append(gauge.trouble), source=Script())
    gauge.report(Link(connected=False, reason="refused", polls=3, failures=3))
    (state,) = life.states
    assert (state.meter, state.connected, state.reason, state.polls) == ("house", False, "refused", 3)
    gauge.report(Link(connected=True, polls=4, failures=3))
    assert troubles == ["meter house: refused", ""]


def test_counts_that_moved_are_published_and_nothing_is_said_anew() -> None:
    notes: list[str] = []
    life = HeardLife(SIMULATED)
    with capture_logs() as logs:
        gauge = Gauge(SIMULATED, life, lambda: None, lambda: notes.append(gauge.note), source=Script())
        gauge.tell_counts()
        assert life.states == [], "nothing is known yet"
        for polls in (1, 2, 3):
            gauge.report(Link(connected=False, reason="refused", polls=polls, failures=polls))
        for _ in range(2):
            gauge.tell_counts()
    assert [(state.polls, state.failures, state.reason) for state in life.states] == [
        (1, 1, "refused"),
        (3, 3, "refused"),
    ]
    assert notes == ["meter house: refused"]
    assert [line["event"] for line in logs] == ["measurement.lost"]
    assert [event.text for event in life.events] == ["meter house: no readings: refused"]


def test_a_source_that_is_lost_and_comes_again_is_two_events_and_the_same_in_the_log() -> None:
    life = HeardLife(SIMULATED)
    with capture_logs() as logs:
        gauge = Gauge(SIMULATED, life, lambda: None, lambda: None, source=Script())
        gauge.report(Link(connected=True, polls=1))
        gauge.take(Reading(1, {"active_power": 1.0}))
        assert life.events == [], "a first connect is no return"
        for polls, reason in ((2, "it closed the connection"), (3, "refused"), (4, "refused")):
            gauge.report(Link(connected=False, reason=reason, polls=polls, failures=polls - 1))
        gauge.report(Link(connected=True, polls=5, failures=3))
        gauge.take(Reading(22_000_000_001, {"active_power": 1.0}))
        gauge.take(Reading(23_000_000_001, {"active_power": 1.0}))
    lost, back = life.events
    assert (lost.kind, lost.level) == ("measurement.lost", "warning")
    assert (lost.text, lost.data["reason"]) == (
        "meter house: no readings: it closed the connection",
        "it closed the connection",
    )
    assert (back.kind, back.level, back.data["away_s"], back.data["stale_s"]) == ("measurement.back", "info", 22, 17)
    assert [(line["event"], line.get("text")) for line in logs] == [
        ("source gives readings", None),
        ("measurement.lost", lost.text),
        ("measurement.lost", "no readings: refused"),
        ("measurement.back", back.text),
    ]


def test_after_a_dropped_sample_the_first_that_is_not_is_told(life: HeardLife) -> None:
    second = 1_000_000_000
    play(life, *[Reading(at * second, {"active_power": 1.0 if at != 2 else float("inf")}) for at in (1, 2, 3, 4)])
    assert [(event.kind, event.text) for event in life.events[1:]] == [
        ("measurement.back", "meter house: samples come again after 2.0 s")
    ]


def test_a_source_that_goes_on_does_not_hide_why_its_readings_are_dropped(life: HeardLife) -> None:
    gauge = Gauge(SIMULATED, life, lambda: None, lambda: None, source=Script())
    for polls in (1, 2):
        gauge.report(Link(connected=True, polls=polls))
        gauge.take(Reading(5, {"active_power": float("inf")}))
    gauge.report(Link(connected=True, polls=3))
    gauge.tell_counts()
    assert life.states[-1].polls == 3
    assert gauge.trouble == "meter house: a sample was dropped: active_power is inf, not a finite number"


def test_a_simulation_is_announced_once_and_loudly() -> None:
    with capture_logs() as logs:
        play(HeardLife(SIMULATED), *[Reading(5, {"active_power": 1.0}, simulated=True)] * 3)
    assert [line["log_level"] for line in logs if "SIMULATION" in line["event"]] == ["warning"]


def test_invented_values_from_afar_are_noted_as_long_as_they_come() -> None:
    far = Meter(id="far", source="modbus")
    readings = [Reading(5, {"active_power": 1.0}, simulated=invented) for invented in (True, True, False)]
    notes: list[str] = []
    with capture_logs() as logs:
        gauge = Gauge(far, HeardLife(far), lambda: None, lambda: notes.append(gauge.note), source=Script(*readings))
        asyncio.run(gauge.run())
    assert notes == ["meter far: SIMULATION: its values are invented", ""]
    assert [line["log_level"] for line in logs if "SIMULATION" in line["event"]] == ["warning"]


def run_until(life: HeardLife, done: Callable[[], bool]) -> None:
    async def story() -> None:
        task = asyncio.create_task(Measurement(life).run())
        await until(lambda: task.done() or done())
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())


def test_meters_run_side_by_side_and_freshness_is_that_of_the_oldest() -> None:
    other = Meter(id="barn", unit=2, source="simulated", cycle_ms=100)
    life = HeardLife(SIMULATED, other)
    with capture_logs():
        run_until(life, lambda: {sample.meter for sample in life.samples} == {"house", "barn"})
    assert life.is_ready
    assert life.fresh[0] == 0  # the second has none yet
    assert isinstance(life.fresh[-1], int)
    assert now_ns() < life.fresh[-1] < now_ns() + 5_000_000_000


def test_the_counts_rise_while_a_meter_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actor, "COUNTS_EVERY_S", 0.01)
    life = HeardLife(SIMULATED)
    with capture_logs() as logs:
        run_until(life, lambda: bool(life.states) and life.states[-1].polls >= 3)
    assert {(state.connected, state.failures) for state in life.states} == {(True, 0)}
    assert len([line for line in logs if "readings" in line["event"]]) == 1
    assert len(life.states) <= len(life.samples) + 1, "only where they moved"


def test_the_counts_rise_while_it_fails_for_one_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actor, "COUNTS_EVERY_S", 0.01)
    life = HeardLife(Meter(id="far", source="modbus", modbus=Modbus(host="127.0.0.1", port=free_port())))
    with capture_logs() as logs:
        run_until(life, lambda: bool(life.states) and life.states[-1].failures >= 3)
    assert [(state.polls, state.failures) for state in life.states] == [(1, 1), (2, 2), (3, 3)]
    assert len({state.reason for state in life.states}) == 1
    assert [line["event"] for line in logs] == ["measurement.lost"]
    assert (len(life.notes), len(life.events)) == (1, 1)


def test_what_was_written_to_a_meter_is_obeyed_by_its_wallbox_alone() -> None:
    async def story() -> None:
        life = HeardLife(SIMULATED, replace(SIMULATED, id="barn", unit=2))
        work = asyncio.create_task(Measurement(life).run())
        await until(lambda: life.is_ready)
        life.messages.deliver(WallboxSettings(src="register-store", gen=1, seq=1, t_ns=1, meter="barn", mode=1))
        life.messages.deliver(WallboxSettings(src="register-store", gen=1, seq=1, t_ns=1, meter="gone", mode=2))
        modes: dict[str, set[float]] = {"house": set(), "barn": set()}
        life.messages.heard.clear()
        await until(lambda: len(life.samples) >= 6)
        for sample in life.samples:
            modes[sample.meter].add(sample.values["active_charge_mode"])
        assert modes["house"] == {4.0}
        assert 1.0 in modes["barn"]
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    with capture_logs():
        asyncio.run(story())


def test_a_source_without_a_wallbox_to_steer_ignores_what_is_written(life: HeardLife) -> None:
    gauge = Gauge(SIMULATED, life, lambda: None, lambda: None, source=Script())
    gauge.obey(WallboxSettings(src="register-store", gen=1, seq=1, t_ns=1, meter="house", mode=1))
    assert life.messages.heard == []


def test_without_a_meter_it_is_ready_and_stays() -> None:
    life = HeardLife()
    with capture_logs() as logs:
        run_until(life, lambda: life.is_ready)
    assert life.messages.heard == []
    assert any("[[meter]]" in line["event"] for line in logs)


def test_it_stays_when_a_replay_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("t,active_power\n0,1\n", encoding="utf-8")
    life = HeardLife(Meter(id="old", source="replay", replay=Replay(file=path)))
    with capture_logs():
        run_until(life, lambda: any(not state.connected for state in life.states))
    assert len(life.samples) == 1
    assert life.notes == ["", "meter old: a.csv has ended; set meter.replay.loop to begin again"]


def test_settings_that_cannot_be_used_end_it_as_such(tmp_path: Path) -> None:
    life = HeardLife(Meter(id="old", source="replay", replay=Replay(file=tmp_path / "none.csv")))
    with capture_logs(), pytest.raises(ConfigError, match=r"none\.csv"):
        asyncio.run(Measurement(life).run())
    assert not life.is_ready, "whoever restarts it is told that it does not start"


def test_the_process_publishes_on_the_bus_and_ends_at_sigterm(run_dir: Path, processes: Processes) -> None:
    settings = run_dir / "metergate.toml"
    settings.write_text('[gateway]\nrun_dir = "run"\n[[meter]]\nid = "house"\nsource = "simulated"\n', encoding="utf-8")
    process = processes.python("-m", "services.measurement", env={"METERGATE_CONFIG": str(settings)})

    async def story() -> None:
        (run_dir / "run").mkdir(exist_ok=True)
        bus = Bus(Endpoints(run_dir / "run"), "test", 1, structlog.get_logger())
        samples: list[Sample] = []
        bus.subscribe("measurement", Sample, samples.append, every=True)
        await until(lambda: len(samples) >= 3)
        bus.close()
        assert all(sample.simulated and "SIMULATION" in sample.texts["model"] for sample in samples)
        assert [sample.seq for sample in samples] == sorted({sample.seq for sample in samples})

    asyncio.run(story())
    assert process.terminate() == EXIT_DONE
    assert "SIMULATION" in process.output


def test_a_wrong_profile_parks_the_process(run_dir: Path, processes: Processes) -> None:
    settings = run_dir / "metergate.toml"
    settings.write_text(
        '[[meter]]\nid = "house"\nsource = "modbus"\n[meter.modbus]\nhost = "127.0.0.1"\nprofile = "ksen"\n',
        encoding="utf-8",
    )
    process = processes.python("-m", "services.measurement", env={"METERGATE_CONFIG": str(settings)})
    assert process.wait() == EXIT_CONFIG
    assert "no profile 'ksen'" in process.output


def test_a_meter_that_is_away_is_one_line_in_the_log_and_the_role_is_ready(run_dir: Path, processes: Processes) -> None:
    settings = run_dir / "metergate.toml"
    settings.write_text(
        '[[meter]]\nid = "house"\nsource = "modbus"\n'
        f'[meter.modbus]\nhost = "127.0.0.1"\nport = {free_port()}\n[log]\nformat = "json"\n',
        encoding="utf-8",
    )
    process = processes.python("-m", "services.measurement", env={"METERGATE_CONFIG": str(settings)})
    process.wait_output("refused")
    assert process.terminate() == EXIT_DONE
    assert [json.loads(line)["event"] for line in process.output.splitlines()] == [
        "measurement.lost",
        "stopped",
    ]
