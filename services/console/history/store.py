"""`state_dir/console/history.db`: minutes and days, in SQLite; one transaction a minute, one thread at a time.

WAL, synced at each commit: one or two pages and one sync a minute, 10 MB a day, and after a power failure at most the
last minutes are missing. Numbers are whole tenths of W and Wh. Old minutes make room for new ones: the file stops to
grow after `history_days`, or earlier at `MOST_MINUTES`. A damaged file is kept beside; what can still be read of its
days goes on in the new one.
"""

import contextlib
import math
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from services.console.history.columns import POWERS, UNKNOWN
from services.console.history.minute import MINUTE_MS, Row

VERSION: Final = 1
DAYS_KEPT: Final = 3653
"""Ten years: a row a day is nothing."""
MOST_MINUTES: Final = 2_000_000
"""Of all meters together: about 150 MB. Settings, their German words and docs/api.md name it too."""
MINUTES_ANSWERED: Final = 7 * 1440
DAYS_ANSWERED: Final = 400
_CACHE_KIB: Final = 512
_TENTHS: Final = 10
_MEANS: Final = ", ".join(POWERS)
_SCHEMA: Final = f"""
CREATE TABLE meter (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE minute (
  meter INTEGER NOT NULL, t INTEGER NOT NULL, samples INTEGER NOT NULL, {_MEANS},
  grid_min, grid_max, imported, exported,
  PRIMARY KEY (meter, t)) WITHOUT ROWID;
CREATE TABLE day (
  meter INTEGER NOT NULL, day TEXT NOT NULL, import_begin, import_end, export_begin, export_end,
  PRIMARY KEY (meter, day)) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
"""
_MERGED: Final = ", ".join(
    f"{name} = CASE WHEN {name} IS NULL THEN excluded.{name} WHEN excluded.{name} IS NULL THEN {name} ELSE "
    f"({name} * samples + excluded.{name} * excluded.samples) / (samples + excluded.samples) END"
    for name in POWERS
)
_PUT_MINUTE: Final = f"""
INSERT INTO minute VALUES (?, ?, ?, {", ".join("?" * len(POWERS))}, ?, ?, ?, ?)
ON CONFLICT (meter, t) DO UPDATE SET {_MERGED},
  grid_min = min(ifnull(grid_min, excluded.grid_min), ifnull(excluded.grid_min, grid_min)),
  grid_max = max(ifnull(grid_max, excluded.grid_max), ifnull(excluded.grid_max, grid_max)),
  imported = ifnull(excluded.imported, imported), exported = ifnull(excluded.exported, exported),
  samples = samples + excluded.samples
"""  # noqa: S608  # names of ours


class Store:
    """The file. Every method blocks.

    Args:
        path: of the file.
        anew: begin another one: this one is damaged, or gone.

    Attributes:
        aside: name under which a damaged file was kept; empty where there was none.

    Raises:
        OSError, sqlite3.Error: it cannot be opened, nor put aside.
    """

    def __init__(self, path: Path, *, anew: bool = False) -> None:
        self._path = path
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.aside = _put_aside(path) if anew else ""
        try:
            self._db = _opened(path)
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise
            self.aside = _put_aside(path)
            self._db = _opened(path)
        if self.aside:
            _take_over(self._db, path.with_name(self.aside))
        self._meters: dict[str, int] = dict(self._db.execute("SELECT name, id FROM meter"))

    def write(self, rows: Sequence[Row]) -> None:
        """Minutes that are over, all or none of them.

        Raises:
            sqlite3.Error: the disk refused, or the file is damaged or gone.
        """
        if not self._path.exists():  # the disk would take it, and let go of it at the end
            raise sqlite3.DatabaseError("it was removed")
        with self._db:
            self._db.execute("BEGIN")
            for row in rows:
                meter = self._meter(row.meter)
                self._db.execute(
                    _PUT_MINUTE,
                    (
                        meter,
                        row.t_ms // MINUTE_MS,
                        row.samples,
                        *_tenths((*row.means, row.lowest, row.highest, row.imported, row.exported)),
                    ),
                )
                self._day(meter, row)

    def prune(self, now_ms: int, minutes_days: int) -> int:
        """Let go of what is too old, or too much.

        Returns:
            Days for which minutes are kept: fewer than `minutes_days` where those of all meters would be too many.
        """
        (meters,) = self._db.execute(
            "SELECT count(*) FROM meter WHERE EXISTS (SELECT 1 FROM minute WHERE minute.meter = meter.id)"
        ).fetchone()
        days: int = min(minutes_days, max(1, MOST_MINUTES // (1440 * max(1, meters))))
        today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("DELETE FROM minute WHERE t < ?", (now_ms // MINUTE_MS - days * 1440,))
            self._db.execute("DELETE FROM day WHERE day < ?", ((today - timedelta(days=DAYS_KEPT)).isoformat(),))
        return days

    def minutes(self, meter: str, from_ms: int, to_ms: int) -> tuple[list[int], dict[str, list[float]]]:
        """Rows from `from_ms` to `to_ms`, of more than a week the newest; with one of NaN where some are missing.

        Returns:
            Begins of the minutes, Unix time in ms; and column -> values in W and Wh.
        """
        first = max(from_ms // MINUTE_MS, to_ms // MINUTE_MS - MINUTES_ANSWERED + 1)
        found = self._db.execute(
            f"SELECT t, {_MEANS}, grid_min, grid_max, imported, exported FROM minute"  # noqa: S608  # names of ours
            " WHERE meter = ? AND t BETWEEN ? AND ? ORDER BY t",
            (self._meters.get(meter, 0), first - 1, to_ms // MINUTE_MS),
        )
        times: list[int] = []
        names = (*POWERS, "grid_min", "grid_max", "import", "export")
        columns: dict[str, list[float]] = {name: [] for name in names}
        before: tuple[int, float, float] | None = None
        for t, *values in found:
            *powers, imported, exported = (UNKNOWN if value is None else value / _TENTHS for value in values)
            follows = before is not None and before[0] == t - 1
            if t >= first:
                if times and not follows:
                    times.append((before[0] + 1 if before else t - 1) * MINUTE_MS)
                    for column in columns.values():
                        column.append(UNKNOWN)
                times.append(t * MINUTE_MS)
                energies = (UNKNOWN, UNKNOWN)
                if before and follows:
                    energies = (_step(before[1], imported), _step(before[2], exported))
                for name, value in zip(names, (*powers, *energies), strict=True):
                    columns[name].append(value)
            before = (t, imported, exported)
        return times, columns

    def days(self, meter: str, first: date, last: date) -> tuple[list[str], dict[str, list[float]]]:
        """Energy of the days between, of more than can be answered the newest.

        Returns:
            Dates; and `import`, `export` -> Wh.
        """
        found = self._db.execute(
            "SELECT day, import_end - import_begin, export_end - export_begin FROM day"
            " WHERE meter = ? AND day BETWEEN ? AND ? ORDER BY day DESC LIMIT ?",
            (self._meters.get(meter, 0), first.isoformat(), last.isoformat(), DAYS_ANSWERED),
        ).fetchall()[::-1]
        values = {
            name: [UNKNOWN if row[index] is None else row[index] / _TENTHS for row in found]
            for index, name in ((1, "import"), (2, "export"))
        }
        return [row[0] for row in found], values

    def close(self) -> None:
        """Let go."""
        self._db.close()

    def _meter(self, name: str) -> int:
        if name not in self._meters:
            self._db.execute("INSERT OR IGNORE INTO meter (name) VALUES (?)", (name,))
            self._meters[name] = self._db.execute("SELECT id FROM meter WHERE name = ?", (name,)).fetchone()[0]
        return self._meters[name]

    def _day(self, meter: int, row: Row) -> None:
        """Count on: a day begins where the one before ended, so that the days add up to the counter."""
        imported, exported = _tenths((row.imported, row.exported))
        day = datetime.fromtimestamp(row.t_ms / 1000).date().isoformat()  # noqa: DTZ006  # a person's day is local
        known = self._db.execute(
            "SELECT day, import_begin, import_end, export_begin, export_end FROM day"
            " WHERE meter = ? AND day <= ? ORDER BY day DESC LIMIT 1",
            (meter, day),
        ).fetchone()
        if known is None:
            ends = (imported, imported, exported, exported)
        elif known[0] == day:
            ends = (*_counted(known[1], known[2], imported), *_counted(known[3], known[4], exported))
        else:
            ends = (*_counted(known[2], known[2], imported), *_counted(known[4], known[4], exported))
        self._db.execute("INSERT OR REPLACE INTO day VALUES (?, ?, ?, ?, ?, ?)", (meter, day, *ends))


def _counted(begin: int | None, end: int | None, now: int | None) -> tuple[int | None, int | None]:
    """Begin and end of a day's counter; one that went backwards is another counter, which goes on from here."""
    if now is None:
        return begin, end
    if begin is None or end is None:
        return now, now
    return (begin, now) if now >= end else (now - (end - begin), now)


def _step(before: float, after: float) -> float:
    return round(after - before, 1) if after >= before else UNKNOWN


def _tenths(values: Iterable[float]) -> tuple[int | None, ...]:
    return tuple(round(value * _TENTHS) if math.isfinite(value) else None for value in values)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    try:
        path.chmod(0o600)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA wal_autocheckpoint = 256")
        db.execute("PRAGMA journal_size_limit = 2097152")
        db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            db.executescript(_SCHEMA)
        _check(db, version or VERSION)
    except BaseException:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection, version: int) -> None:
    if version != VERSION:
        raise sqlite3.DatabaseError(f"its version is {version}, not {VERSION}")
    db.execute("SELECT count(*) FROM meter").fetchone()


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is wrong: not a full disk, a lock, or a file of somebody else."""
    return type(error) is sqlite3.DatabaseError


def _take_over(db: sqlite3.Connection, aside: Path) -> None:
    """Meters and days, or neither of them: they are few pages, while a damaged one is most likely of minutes."""
    with contextlib.suppress(sqlite3.DatabaseError):
        db.execute("ATTACH ? AS old", (str(aside),))
        with contextlib.suppress(sqlite3.DatabaseError), db:
            db.execute("BEGIN")
            db.execute("INSERT INTO meter SELECT * FROM old.meter")
            db.execute("INSERT INTO day SELECT * FROM old.day")
        db.execute("DETACH old")


def _put_aside(path: Path) -> str:
    if not path.exists():
        return ""
    aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
    for suffix in ("", "-wal", "-shm"):
        one = path.with_name(path.name + suffix)
        if one.exists():
            one.rename(aside.with_name(aside.name + suffix))
    return aside.name
