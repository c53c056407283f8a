"""Which metrics there are, and their values out of what was heard.

Live values that are too old are not told; energy counters are, and how the meter stands.

Units are Prometheus' base units: seconds, watts, joules, bytes, ratios. Counters come from whoever counts, so that a
new start of the console loses none of them.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from services.console.metrics.exposition import Metric, Point
from services.console.times import age_ms
from shared import clock
from shared.registers.identity import SOFTWARE_VERSION
from shared.registers.quantities import PHASE_ONLY, PHASES

if TYPE_CHECKING:
    from services.console.api.desk import Desk
    from services.console.api.models.live import Live

JOULES_PER_WH: Final = 3600.0
MS: Final = 1000.0
_METER: Final = ("meter",)
_PHASE: Final = ("meter", "phase")
_INSTANCE: Final = ("instance",)
_SLAVE: Final = ("number", "name")

BUILD: Final = Metric("metergate_build_info", "gauge", ("version",), "1; its label says the version.")
CONNECTED: Final = Metric("metergate_meter_connected", "gauge", _METER, "1 while the meter answers, 0 while not.")
STALE: Final = Metric("metergate_meter_stale", "gauge", _METER, "1 while the values are too old to be served.")
AGE: Final = Metric("metergate_meter_age_seconds", "gauge", _METER, "Age of the last values.")
SIMULATED: Final = Metric("metergate_meter_simulated", "gauge", _METER, "1 where the values are invented.")
POLLS: Final = Metric(
    "metergate_meter_polls_total", "counter", _METER,
    "Attempts to get values: reads of a meter, frames of a recording, cycles of a simulation; told every 5 s.",
)  # fmt: skip
FAILURES: Final = Metric("metergate_meter_poll_failures_total", "counter", _METER, "Of these without values.")
FREQUENCY: Final = Metric("metergate_meter_frequency_hertz", "gauge", _METER, "Frequency of the grid.")
SOC: Final = Metric("metergate_battery_charge_ratio", "gauge", _METER, "Charge of the battery, 0 to 1.")

_QUANTITIES: Final = (
    ("active_power", "watts", "Active power; import positive."),
    ("reactive_power", "var", "Reactive power; import positive."),
    ("apparent_power", "va", "Apparent power, with the sign of the active power."),
    ("power_factor", "ratio", "Active by apparent power; negative for export."),
    ("voltage", "volts", "Line to neutral."),
    ("current", "amperes", "Current; not negative."),
)
_SUMS: Final = tuple(
    (Metric(f"metergate_meter_{name}_{unit}", "gauge", _METER, words), name)
    for name, unit, words in _QUANTITIES
    if name not in PHASE_ONLY
)
_PHASES: Final = tuple(
    (Metric(f"metergate_phase_{name}_{unit}", "gauge", _PHASE, words), name) for name, unit, words in _QUANTITIES
)
_COUNTERS: Final = tuple(
    (f"{kind}_energy_{way}", unit, words)
    for kind, unit, words in (
        ("active", "joules", "Energy counter, as the registers serve it; never goes backwards."),
        ("reactive", "var_seconds", "Counter of reactive energy."),
        ("apparent", "va_seconds", "Counter of apparent energy."),
    )
    for way in ("import", "export")
)
_ENERGY: Final = tuple(
    (Metric(f"metergate_meter_{name}_{unit}_total", "counter", _METER, words), name) for name, unit, words in _COUNTERS
)
_PHASE_ENERGY: Final = tuple(
    (Metric(f"metergate_phase_{name}_{unit}_total", "counter", _PHASE, words), name) for name, unit, words in _COUNTERS
)
_FLOW: Final = (
    (Metric("metergate_flow_solar_watts", "gauge", _METER, "What the roof gives."), "solar"),
    (Metric("metergate_flow_house_watts", "gauge", _METER, "What the house takes."), "house"),
    (Metric("metergate_flow_battery_watts", "gauge", _METER, "Into the battery; negative out of it."), "battery"),
    (Metric("metergate_flow_wallbox_watts", "gauge", _METER, "Into the car."), "wallbox"),
)
_SESSIONS: Final = (
    (Metric("metergate_slave_connections", "gauge", _INSTANCE, "Open Modbus connections."), "connections"),
    (Metric("metergate_slave_accepted_total", "counter", _INSTANCE, "Connections accepted."), "accepted"),
    (Metric("metergate_slave_refused_total", "counter", _INSTANCE, "Connections refused."), "refused"),
    (Metric("metergate_slave_requests_total", "counter", _INSTANCE, "Requests answered."), "requests"),
    (Metric("metergate_slave_exceptions_total", "counter", _INSTANCE, "Of these with an exception."), "exceptions"),
    (Metric("metergate_slave_framing_errors_total", "counter", _INSTANCE, "Connections that sent no Modbus."),
     "framing_errors"),
)  # fmt: skip
PUSH_OK: Final = Metric("metergate_push_ok", "gauge", _SLAVE, "1 while the slave takes what is pushed.")
PUSH_AGE: Final = Metric("metergate_push_age_seconds", "gauge", _SLAVE, "Since the last push that it confirmed.")
PUSH_LATENCY: Final = Metric("metergate_push_latency_seconds", "gauge", _SLAVE, "Of the last confirmed push.")
_PUSHES: Final = (
    (Metric("metergate_push_pushes_total", "counter", _SLAVE, "Pushes that were confirmed."), "pushes"),
    (Metric("metergate_push_failures_total", "counter", _SLAVE, "Pushes that failed."), "failures"),
    (Metric("metergate_push_skipped_total", "counter", _SLAVE, "Images that a newer one overtook."), "skipped"),
)
UP: Final = Metric("metergate_process_up", "gauge", _INSTANCE, "1 while the process is ready.")
RESTARTS: Final = Metric(
    "metergate_process_restarts_total", "counter", (*_INSTANCE, "cause"),
    "Since its supervisor started; `asked` by a command or new settings, or it `failed`.",
)  # fmt: skip
CPU: Final = Metric("metergate_process_cpu_seconds_total", "counter", _INSTANCE, "Processor time.")
MEMORY: Final = Metric("metergate_process_resident_memory_bytes", "gauge", _INSTANCE, "Shared pages count whole.")
_LOADS: Final = (
    (Metric("metergate_process_queue_messages", "gauge", _INSTANCE, "Cycles that it was late, at most in 30 s."),
     "queue"),
    (Metric("metergate_process_pending", "gauge", _INSTANCE, "Commands and pushes not done, at most in 30 s."),
     "pending"),
    (Metric("metergate_process_missed_messages_total", "counter", _INSTANCE, "Bus messages that it never got."),
     "missed"),
)  # fmt: skip
UPTIME: Final = Metric("metergate_process_uptime_seconds", "gauge", _INSTANCE, "Since its last start.")
SETTINGS: Final = Metric("metergate_settings_valid", "gauge", (), "0 while the settings file is wrong.")
CERTIFICATES: Final = Metric("metergate_certificates", "gauge", ("status",), "Certificates of others.")
STREAMS: Final = Metric("metergate_console_streams", "gauge", (), "Open event streams of the page.")
EVENTS: Final = Metric("metergate_events_total", "counter", ("level",), "What happened, since the console started.")

ALL: Final[tuple[Metric, ...]] = (
    BUILD, CONNECTED, STALE, AGE, SIMULATED, POLLS, FAILURES,
    *(metric for metric, _ in (*_SUMS, *_PHASES)), FREQUENCY, *(metric for metric, _ in (*_ENERGY, *_PHASE_ENERGY)),
    *(metric for metric, _ in _FLOW), SOC, *(metric for metric, _ in _SESSIONS),
    PUSH_OK, PUSH_AGE, PUSH_LATENCY, *(metric for metric, _ in _PUSHES),
    UP, RESTARTS, CPU, MEMORY, *(metric for metric, _ in _LOADS), UPTIME, SETTINGS, CERTIFICATES, STREAMS, EVENTS,
)  # fmt: skip
"""Every metric, in the order in which they are told."""


def collect(desk: "Desk") -> dict[Metric, list[Point]]:
    """All values as they are now."""
    found: dict[Metric, list[Point]] = {metric: [] for metric in ALL}
    for metric, point in _points(desk):
        found[metric].append(point)
    return found


def _points(desk: "Desk") -> Iterator[tuple[Metric, Point]]:
    yield BUILD, ((SOFTWARE_VERSION,), 1)
    for settings in desk.hear.in_force.config.meter:
        live = desk.hear.live(settings)
        yield from _meter(live)
        known = desk.hear.known.get(settings.id)
        if known is not None and known.source is not None:
            yield POLLS, ((settings.id,), known.source.polls)
            yield FAILURES, ((settings.id,), known.source.failures)
    yield from _sessions(desk)
    yield from _pushes(desk)
    yield from _processes(desk)
    for status, count in desk.certificates.counts.items():
        yield CERTIFICATES, ((status,), count)
    yield STREAMS, ((), len(desk.streams))
    for level, count in desk.hear.events.counts.items():
        yield EVENTS, ((level,), count)


def _meter(live: "Live") -> Iterator[tuple[Metric, Point]]:
    meter = (live.meter,)
    if live.connected is not None:
        yield CONNECTED, (meter, live.connected)
    yield STALE, (meter, live.stale)
    yield SIMULATED, (meter, live.simulated)
    if live.age_ms is not None:
        yield AGE, (meter, live.age_ms / MS)
    energy = {name: value * JOULES_PER_WH for name, value in live.counters.items()}
    yield from _of_meter(live.meter, energy, _ENERGY, _PHASE_ENERGY)
    if not live.stale:
        yield from _of_meter(live.meter, live.values, _SUMS, _PHASES)
        yield from _flow(live)


def _of_meter(
    meter: str,
    values: Mapping[str, float],
    sums: tuple[tuple[Metric, str], ...],
    phases: tuple[tuple[Metric, str], ...],
) -> Iterator[tuple[Metric, Point]]:
    for metric, name in sums:
        if name in values:
            yield metric, ((meter,), values[name])
    for metric, name in phases:
        for phase in PHASES:
            if f"{name}_{phase}" in values:
                yield metric, ((meter, phase), values[f"{name}_{phase}"])


def _flow(live: "Live") -> Iterator[tuple[Metric, Point]]:
    meter = (live.meter,)
    if "supply_frequency" in live.values:
        yield FREQUENCY, (meter, live.values["supply_frequency"])
    for metric, name in _FLOW:
        if (value := getattr(live.flow, name)) is not None:
            yield metric, (meter, value)
    if live.flow.battery_soc is not None:
        yield SOC, (meter, live.flow.battery_soc / 100)


def _sessions(desk: "Desk") -> Iterator[tuple[Metric, Point]]:
    for instance, message in desk.hear.town.serving().items():
        for metric, name in _SESSIONS:
            yield metric, ((instance,), getattr(message, name))


def _pushes(desk: "Desk") -> Iterator[tuple[Metric, Point]]:
    said, now = desk.hear.town.pushing(), clock.now_ns()
    for slave in said.slaves if said else ():
        labels = (str(slave.number), slave.name)
        yield PUSH_OK, (labels, slave.state == "ok")
        if slave.pushed_ns:
            yield PUSH_AGE, (labels, age_ms(slave.pushed_ns, now) / MS)
            yield PUSH_LATENCY, (labels, slave.latency_us / 1e6)
        for metric, name in _PUSHES:
            yield metric, (labels, getattr(slave, name))


def _processes(desk: "Desk") -> Iterator[tuple[Metric, Point]]:
    now, speaking = clock.now_ns(), desk.hear.town.speaking()
    for supervisor, (_, message) in desk.hear.town.processes.items():
        for child in message.children:
            if child.state == "disabled":
                continue
            if supervisor not in speaking:  # all that is known of it: nobody says that it is ready
                yield UP, ((child.name,), False)
                continue
            name = (child.name,)
            yield UP, (name, child.state == "ready")
            yield RESTARTS, ((child.name, "asked"), child.asked)
            yield RESTARTS, ((child.name, "failed"), child.restarts - child.asked)
            if child.pid:
                yield CPU, (name, child.cpu_ms / MS)
                yield MEMORY, (name, child.rss_kib * 1024)
                for metric, field in _LOADS:
                    if (value := getattr(child, field)) >= 0:
                        yield metric, (name, value)
                yield UPTIME, (name, age_ms(child.started_ns, now) / MS)
    yield SETTINGS, ((), not any(said.config_error for said in speaking.values()))
