"""What the charts show: fed by every sample, asked by the routes, written once a minute.

A crash loses the minute in the making and those that were not written yet, at most two. An ordered end loses nothing.
"""

import asyncio
import sqlite3
import time
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, TypeVar, cast

from services.console.api.errors import ApiError
from services.console.api.models.live import DayEnergy, Series
from services.console.history.columns import UNKNOWN, powers_of
from services.console.history.minute import MINUTE_MS, Minute, Row
from services.console.history.recent import AllRecent
from services.console.history.store import MOST_MINUTES, Store, is_damage
from services.console.times import NS_PER_MS, wall_ms, wall_of
from shared import clock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from services.console.hear.hear import Hear
    from shared.config.model import Meter

T = TypeVar("T")

WRITE_S: Final = 60.0
LOOK_S: Final = 5.0
MOST_WAITING: Final = 4096
"""Minutes that wait for a disk that refuses; the oldest go."""
PRUNE_EVERY_S: Final = 6 * 3600.0
DAY_MS: Final = 86_400_000
USUAL_DAYS: Final = 31


class History:
    """The charts' memory.

    Args:
        hear: where samples come from.
        path: of the file.
        tell: says that something happened: kind, text, level.
    """

    def __init__(self, hear: "Hear", path: "Path", tell: "Callable[[str, str, str], None]") -> None:
        self._hear = hear
        self._path = path
        self._tell = tell
        self._recent = AllRecent()
        self._minutes: dict[str, Minute] = {}
        self._waiting: list[Row] = []
        self._store: Store | None = None
        self._one = asyncio.Lock()
        self._refused = 0
        self._bound_told = 0
        self.settings_changed()

    def settings_changed(self) -> None:
        """Follow the meters of the settings."""
        self._recent.fit({each.id: each.cycle_ms for each in self._hear.in_force.config.meter})

    def take(self, meter: str) -> None:
        """A new sample of that meter is known."""
        known = self._hear.known.get(meter)
        recent = self._recent.get(meter)
        if known is None or known.sample is None or recent is None:
            return
        powers = powers_of(known.sample.values)
        recent.add(known.t_ns, powers)
        wall = wall_of(known.t_ns)
        if not clock.wall_is_set(wall / 1000):
            return
        counters = known.counters(clock.now_ns())
        minute = self._minutes.get(meter)
        if minute is None:
            minute = self._minutes[meter] = Minute(meter)
        self._put(
            minute.add(
                wall,
                powers,
                counters.get("active_energy_import", UNKNOWN),
                counters.get("active_energy_export", UNKNOWN),
            )
        )

    async def run(self) -> None:
        """Write once a minute; at the end what is left. Never returns."""
        opened = written = pruned = -PRUNE_EVERY_S
        try:
            while True:
                now = time.monotonic()
                if self._store is None and now - opened >= WRITE_S:
                    opened = now
                    async with self._one:
                        await self._open()
                await asyncio.sleep(LOOK_S)
                now = time.monotonic()
                for minute in self._minutes.values():
                    if minute.is_over(wall_ms()):
                        self._put(minute.close())
                if self._waiting and now - written >= WRITE_S:
                    written = now
                    await self._write()
                if now - pruned >= PRUNE_EVERY_S:
                    pruned = now
                    await self._prune()
        finally:
            self._end()

    def recent(self, meter: "Meter", after_ms: int) -> Series:
        """The last ten minutes."""
        found = self._recent.get(meter.id)
        now_ns, now_ms = clock.now_ns(), wall_ms()
        alike_ns = meter.cycle_ms * NS_PER_MS // 4  # two answers give the same sample times that differ by a rounding
        since_ns = now_ns - (now_ms - after_ms) * NS_PER_MS + alike_ns if after_ms else 0
        times, columns = ([], {}) if found is None else found.since(since_ns, now_ns, meter.cycle_ms * NS_PER_MS)
        return Series(
            meter=meter.id,
            t=[now_ms - (now_ns - t_ns) // NS_PER_MS for t_ns in times],
            columns=_nullable(columns),
            step_ms=meter.cycle_ms,
        )

    async def minutes(self, meter: "Meter", from_ms: int, to_ms: int) -> Series:
        """Minutes that are over; the last 24 hours without a range."""
        to_ms = to_ms or wall_ms()
        from_ms = from_ms or to_ms - DAY_MS
        found = await self._asked(lambda store: store.minutes(meter.id, from_ms, to_ms))
        times, columns = found or ([], {})
        return Series(meter=meter.id, t=times, columns=_nullable(columns), step_ms=MINUTE_MS)

    async def days(self, meter: "Meter", first: date | None, last: date | None) -> DayEnergy:
        """Energy of each day; the last month without a range."""
        last = last or datetime.now().astimezone().date()
        first = first or last - timedelta(days=USUAL_DAYS - 1)
        found = await self._asked(lambda store: store.days(meter.id, first, last))
        days, columns = found or ([], {})
        return DayEnergy(meter=meter.id, days=days, columns=_nullable(columns), zone=time.strftime("%Z"))

    def _put(self, row: Row | None) -> None:
        if row is not None:
            self._waiting.append(row)
            del self._waiting[:-MOST_WAITING]

    async def _open(self, *, anew: bool = False) -> None:

        try:
            self._store = store = await asyncio.to_thread(Store, self._path, anew=anew)
        except (OSError, sqlite3.Error) as error:
            self._tell_rarely("history.broken", f"{self._path} cannot be used ({error}); it is tried again")
            return
        if store.aside or anew:
            what = f"was damaged; it is kept as {store.aside}" if store.aside else "is gone"
            text = f"{self._path} {what}, and the charts begin anew, with what could be read of the energy of each day"
            self._tell("history.damaged", text, "error")

    async def _with_store(self, work: "Callable[[Store], T]") -> "T | None":
        """Have it done, by a new file where this one turns out to be damaged; None where there is no file.

        Raises:
            sqlite3.Error: the disk refused.
        """
        async with self._one:
            if self._store is None:
                return None
            try:
                return await _to_its_end(work, self._store)
            except sqlite3.DatabaseError as error:
                if not is_damage(error):
                    raise
            self._store.close()
            self._store = None
            await self._open(anew=True)
            return None if self._store is None else await _to_its_end(work, self._store)

    async def _asked(self, work: "Callable[[Store], T]") -> "T | None":
        try:
            return await self._with_store(work)
        except sqlite3.Error as error:
            text = f"the charts' file cannot be read now ({error}); try again"
            raise ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "history", text) from error

    async def _write(self) -> None:
        """What waits; where the disk refuses, it waits on."""
        rows, gone = list(self._waiting), set[int]()

        def write(store: "Store") -> None:
            store.write(rows)
            gone.update(map(id, rows))

        try:
            await self._done(write)
        finally:  # also where the end came meanwhile: they are not written twice
            if gone:
                self._refused = 0
                self._waiting = [row for row in self._waiting if id(row) not in gone]

    async def _prune(self) -> None:
        days = self._hear.in_force.config.console.history_days
        kept = await self._done(lambda store: store.prune(wall_ms(), days))
        if kept is not None and kept < days and kept != self._bound_told:
            self._bound_told = kept
            text = f"console.history_days is {days}, but the charts keep at most {MOST_MINUTES} minutes of all meters "
            self._tell("history.bounded", f"{text}together: those of the last {kept} days", "warning")

    async def _done(self, work: "Callable[[Store], T]") -> "T | None":
        try:
            return await self._with_store(work)
        except sqlite3.Error as error:
            self._tell_rarely("history.unwritten", f"{self._path} cannot be written ({error})")
        return None

    def _tell_rarely(self, kind: str, text: str) -> None:
        self._refused += 1
        if self._refused.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ...
            self._tell(kind, text, "error")

    def _end(self) -> None:
        """The minute in the making too; blocks."""
        if self._store is None:
            return  # told before
        for minute in self._minutes.values():
            self._put(minute.close())
        try:
            self._store.write(self._waiting)
        except sqlite3.Error as error:
            self._tell("history.unwritten", f"{self._path} cannot be written ({error})", "error")
        self._store.close()


async def _to_its_end(work: "Callable[[Store], T]", store: Store) -> T:
    """In a thread, which is waited for also where the task is cancelled: the file belongs to one thread at a time."""
    thread = asyncio.ensure_future(asyncio.to_thread(work, store))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait((thread,))
        raise


def _nullable(columns: dict[str, list[float]]) -> dict[str, list[float | None]]:
    """NaN becomes null in JSON by itself."""
    return cast("dict[str, list[float | None]]", columns)
