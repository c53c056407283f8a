"""The file: minutes merged, days by the counters, damage put aside, a bounded size."""

import math
import sqlite3
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.history import store as store_module
from services.console.history.columns import POWERS, UNKNOWN
from services.console.history.minute import MINUTE_MS, Row
from services.console.history.store import MOST_MINUTES, Store, is_damage
from shared.config.console import Console
from tests.support import ROOT

NOON = int(datetime(2026, 11, 20, 12, 0).astimezone().timestamp()) * 1000
DAY = date(2026, 11, 20)
DAY_MS = 86_400_000


def row(
    minute: int = 0, *, t_ms: int | None = None, value: float = 1.0, samples: int = 1, imported: float = UNKNOWN,
    exported: float = UNKNOWN, meter: str = "house",
) -> Row:  # fmt: skip
    return Row(
        meter=meter, t_ms=NOON + minute * MINUTE_MS if t_ms is None else t_ms, samples=samples,
        means=(value, *(UNKNOWN,) * (len(POWERS) - 1)), lowest=value, highest=value,
        imported=imported, exported=exported,
    )  # fmt: skip


def days(store: Store) -> dict[str, tuple[float, float]]:
    found, values = store.days("house", date(2000, 1, 1), date(2100, 1, 1))
    return dict(zip(found, zip(values["import"], values["export"], strict=True), strict=True))


def test_minutes_come_back_with_their_energy_and_gaps(tmp_path: Path) -> None:
    store = Store(tmp_path / "h.db")
    store.write([row(0, imported=10.0), row(1, imported=12.5), row(4, imported=20.0)])
    times, columns = store.minutes("house", NOON, NOON + 10 * MINUTE_MS)
    assert times == [NOON, NOON + MINUTE_MS, NOON + 2 * MINUTE_MS, NOON + 4 * MINUTE_MS]
    assert columns["grid"][:2] == [1.0, 1.0]
    assert math.isnan(columns["grid"][2])
    assert columns["import"][1] == 2.5
    assert math.isnan(columns["import"][0])
    assert math.isnan(columns["import"][3]), "what passed in a gap is of no minute"
    assert math.isnan(columns["solar"][0])
    assert store.minutes("barn", 0, NOON * 2)[0] == []
    times, columns = store.minutes("house", NOON + MINUTE_MS, NOON + MINUTE_MS)
    assert (times, columns["import"]) == ([NOON + MINUTE_MS], [2.5]), "the minute before is asked for too"
    store.close()


def test_two_parts_of_a_minute_are_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "h.db")
    store.write([row(value=10.0, samples=100, imported=5.0)])
    store.close()
    store = Store(tmp_path / "h.db")
    store.write([row(value=40.0, samples=200)])
    _, columns = store.minutes("house", NOON, NOON)
    assert columns["grid"] == [30.0]
    assert (columns["grid_min"], columns["grid_max"]) == ([10.0], [40.0])
    store.close()


@given(
    st.lists(st.tuples(st.integers(0, 5 * 1440), st.floats(0, 1000)), min_size=1, max_size=30, unique_by=lambda x: x[0])
)
def test_days_add_up_to_what_the_counter_counted(steps: list[tuple[int, float]]) -> None:
    import tempfile  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder) / "h.db")
        counter, begin = 1000.0, 1000.0
        for index, (minute, step) in enumerate(sorted(steps)):
            counter = round(counter + (step if index else 0.0), 1)
            store.write([row(minute, imported=counter)])
        total = sum(value for value, _ in days(store).values())
        assert total == pytest.approx(counter - begin, abs=0.01)
        store.close()


def test_another_counter_goes_on_where_the_old_one_ended(tmp_path: Path) -> None:
    store = Store(tmp_path / "h.db")
    store.write([row(0, imported=100.0), row(1, imported=150.0), row(2, imported=3.0), row(3, imported=5.0)])
    assert days(store)[DAY.isoformat()][0] == 52.0
    assert math.isnan(days(store)[DAY.isoformat()][1]), "a counter that is not known is not 0"
    store.close()


def test_old_minutes_go_and_days_stay(tmp_path: Path) -> None:
    store = Store(tmp_path / "h.db")
    store.write([row(t_ms=NOON - 40 * DAY_MS, imported=1.0), row(imported=2.0)])
    store.prune(NOON, 31)
    assert store.minutes("house", NOON - 41 * DAY_MS, NOON - 39 * DAY_MS)[0] == []
    assert len(days(store)) == 2
    store.prune(NOON + 4000 * DAY_MS, 31)
    assert days(store) == {}
    store.close()


def test_minutes_of_all_meters_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "MOST_MINUTES", 20 * 1440)
    store = Store(tmp_path / "h.db")
    old = [row(t_ms=NOON - 6 * DAY_MS, meter=meter, imported=1.0) for meter in ("house", "barn", "mill", "shed")]
    store.write([*old, row(imported=2.0)])
    assert store.prune(NOON, 31) == 5, "four meters have minutes"
    assert store.minutes("house", NOON - 7 * DAY_MS, NOON - 5 * DAY_MS)[0] == []
    assert store.prune(NOON, 31) == 20, "only one still has: those that are gone take no room from it"
    assert store.prune(NOON, 7) == 7
    assert len(days(store)) == 2
    store.close()


def test_the_bound_is_what_the_settings_and_documents_say() -> None:
    assert (MOST_MINUTES, MOST_MINUTES // 1440, MOST_MINUTES // 1440 // 64) == (2_000_000, 1388, 21)
    assert "two million, which are 1388 days of one meter" in " ".join(str(Console.__doc__).split())
    assert "2,000,000, which are 1388 days of one meter and 21 of 64" in (ROOT / "docs/api.md").read_text("utf-8")


def test_a_damaged_file_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    path.write_bytes(b"no database at all" * 1000)
    store = Store(path)
    assert (tmp_path / store.aside).read_bytes().startswith(b"no database")
    store.write([row()])
    store.close()
    store = Store(path)
    assert store.aside == ""
    store.close()


def test_of_a_damaged_file_the_days_go_on(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    store = Store(path)
    store.write([row(minute, imported=float(minute), exported=0.0) for minute in range(-3000, 600)])
    before = days(store)
    store.close()
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        for offset in range(size // 8192 * 4096, size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 4096)
    store = Store(path)
    with pytest.raises(sqlite3.DatabaseError) as damage:
        store.minutes("house", NOON - DAY_MS, NOON + DAY_MS)
    assert is_damage(damage.value)
    store.close()
    store = Store(path, anew=True)
    assert days(store) == before
    assert store.minutes("house", NOON - DAY_MS, NOON + DAY_MS)[0] == []
    store.write([row(601, imported=601.0, exported=0.0)])
    assert sum(value for value, _ in days(store).values()) == 3601.0, "they count on"
    store.close()
    assert (tmp_path / store.aside).stat().st_size == size


def test_a_file_that_was_removed_is_not_written_to(tmp_path: Path) -> None:
    store = Store(tmp_path / "h.db")
    (tmp_path / "h.db").unlink()
    with pytest.raises(sqlite3.DatabaseError, match="it was removed"):
        store.write([row()])
    store.close()
    store = Store(tmp_path / "h.db", anew=True)
    assert store.aside == ""
    store.write([row()])
    store.close()


def test_a_disk_that_refuses_is_not_taken_for_damage(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    path.mkdir()
    with pytest.raises(sqlite3.OperationalError):
        Store(path)


def test_all_rows_of_a_batch_or_none(tmp_path: Path) -> None:
    store = Store(tmp_path / "h.db")
    bad = Row(
        meter="house", t_ms=NOON + MINUTE_MS, samples=None, means=row().means, lowest=0.0, highest=0.0,  # type: ignore[arg-type]
        imported=UNKNOWN, exported=UNKNOWN,
    )  # fmt: skip
    with pytest.raises(sqlite3.IntegrityError):
        store.write([row(), bad])
    assert store.minutes("house", NOON, NOON)[0] == []
    store.close()
