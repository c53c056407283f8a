"""The meter now and in the past."""

from datetime import date
from typing import Annotated

from msgspec import Meta, field

from services.console.api.models.common import Answer, Ask, MeterId, Words


class Meter(Answer, frozen=True, kw_only=True):
    """One `[[meter]]` of the settings.

    Attributes:
        id: name in every `meter=`.
        unit: Modbus unit id.
        source: `simulated`, `modbus`, `replay`.
        simulated: whether its values are invented.
        cycle_ms: how often it is measured.
        stale_after_ms: age from which its live registers are no longer served.
    """

    id: str
    unit: int
    source: str
    simulated: bool
    cycle_ms: int
    stale_after_ms: int


class Meters(Answer, frozen=True, kw_only=True):
    """GET /meters: in the order of the settings; the first is meant where nobody names one."""

    meters: tuple[Meter, ...]


class OfMeter(Ask, frozen=True, kw_only=True):
    """Which meter; the first of the settings without."""

    meter: MeterId | None = None


class Flow(Answer, frozen=True, kw_only=True):
    """The picture of the energy flow, in W; null is not known, which is not 0.

    Attributes:
        grid: from the grid; negative into it.
        house: what the house takes, without wallbox and battery; never negative.
        solar: what the roof gives; never negative.
        battery: into the battery; negative out of it.
        battery_soc: its charge, %.
        wallbox: into the car.
        derived: names of those that were computed here from the others.
    """

    grid: float | None = None
    house: float | None = None
    solar: float | None = None
    battery: float | None = None
    battery_soc: float | None = None
    wallbox: float | None = None
    derived: tuple[str, ...] = ()


class Live(Answer, frozen=True, kw_only=True):
    """GET /live?meter=, and the event `live` of the stream: one meter as it is known now.

    An event comes with each sample, and each second where none comes, so that its age can be followed.

    Attributes:
        meter: its id.
        time: when the source had these values; empty before the first ones.
        time_ms: the same as Unix time, 0 before the first ones.
        age_ms: how old they are now, by a clock that never jumps; null before the first ones.
        stale: too old: shown as such, never as if they were now. Registers are answered with exception 04.
        stale_after_ms: the age from which they are.
        connected: whether the meter answers; null while nobody said so.
        reason: why it does not, in words.
        source: kind of source.
        simulated: whether the values are invented.
        period_ms: cycle of the source.
        values: quantity -> value in W, var, VA, V, A, Hz, Wh, varh, VAh, % or as a ratio. Import is positive:
            `active_power`, `active_power_l1`, `voltage_l1`, `current_l1`, `power_factor`, `supply_frequency`, ...
            What is not measured is absent.
        unmeasured: of the usual quantities those that this meter never gives.
        derived: names in `values` that were computed from others.
        counters: energy counters as the registers serve them, which never go backwards: `active_energy_import`,
            `active_energy_export`, each with `_l1` to `_l3`, the same of `reactive_` and `apparent_`; Wh, varh, VAh.
            Absent while not known. At most a second older than `values`.
        flow: picture of the energy flow.
        identity: what the meter calls itself: `manufacturer`, `model`, `version`, `serial_number`.
    """

    meter: str
    time: str = ""
    time_ms: int = 0
    age_ms: int | None = None
    stale: bool = True
    stale_after_ms: int = 0
    connected: bool | None = None
    reason: Words = ""
    source: str = ""
    simulated: bool = False
    period_ms: int = 0
    values: dict[str, float] = field(default_factory=dict)
    unmeasured: tuple[str, ...] = ()
    derived: tuple[str, ...] = ()
    counters: dict[str, float] = field(default_factory=dict)
    flow: Flow = field(default_factory=Flow)
    identity: dict[str, str] = field(default_factory=dict)


UnixMs = Annotated[int, Meta(ge=0, le=10**14, description="ms since 1970")]


class Recent(Ask, frozen=True, kw_only=True):
    """GET /history/recent: the last 10 minutes, each cycle.

    Attributes:
        meter: which.
        after_ms: only what is younger, to fetch what was missed.
    """

    meter: MeterId | None = None
    after_ms: UnixMs = 0


class Minutes(Ask, frozen=True, kw_only=True):
    """GET /history/minutes: mean values of each minute; the last 24 hours without a range.

    Attributes:
        meter: which.
        from_ms, to_ms: range; at most 7 days are answered, the newest.
    """

    meter: MeterId | None = None
    from_ms: UnixMs = 0
    to_ms: UnixMs = 0


class Days(Ask, frozen=True, kw_only=True):
    """GET /history/days: energy of each day by the counters; the last 31 days without a range.

    Attributes:
        meter: which.
        first, last: local dates; at most 400 days are answered, the newest.
    """

    meter: MeterId | None = None
    first: date | None = None
    last: date | None = None


class Series(Answer, frozen=True, kw_only=True):
    """Columns of equal length; ready for a chart.

    Recent: `grid solar house battery wallbox` as in Flow, and `l1 l2 l3`, the active power of the phases, in W.
    Minutes: the same as means of the minute, `grid_min grid_max` in W, and `import export` in Wh.
    Where no sample came for longer than it may take, one row of nulls marks the gap.

    Attributes:
        meter: whose.
        t: Unix time in ms, ascending; of a minute its beginning.
        columns: name -> values; null where not known.
        step_ms: usual distance of the rows.
    """

    meter: str
    t: list[int]
    columns: dict[str, list[float | None]]
    step_ms: int


class DayEnergy(Answer, frozen=True, kw_only=True):
    """The answer of /history/days: one row for each day with values.

    Attributes:
        meter: whose.
        days: local dates, ascending; the last may be today.
        columns: `import`, `export` -> Wh; null where not known.
        zone: name of the gateway's time zone.
    """

    meter: str
    days: list[str]
    columns: dict[str, list[float | None]]
    zone: str
