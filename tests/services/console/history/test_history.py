"""The charts' memory at work: minutes go to the disk, an end in order loses nothing, a disk may refuse."""

import asyncio
import sqlite3
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from services.console.history import history as module
from services.console.history.history import History
from services.console.history.store import Store
from services.console.times import wall_ms
from tests.services.console.asked import Bench
from tests.support import until

MINUTE = 60_000


class Told(list[tuple[str, str, str]]):
    """What was told."""

    def __call__(self, kind: str, text: str, level: str) -> None:
        self.append((kind, text, level))


def kept(tmp_path: Path) -> tuple[Bench, Told, History]:
    """A bench whose samples go into the charts' memory, which does not run yet."""
    bench, told = Bench(tmp_path), Told()
    history = History(bench.hear, tmp_path / "history.db", told)
    bench.hear.known.on_sample = history.take
    return bench, told, history


def test_an_ordered_end_loses_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        bench, told, history = kept(tmp_path)
        path = history._path
        work = asyncio.create_task(history.run())
        await until(lambda: history._store is not None)
        bench.measure(1, active_power=100.0)
        bench.measure(2, active_power=300.0)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        store = Store(path)
        times, columns = store.minutes("house", wall_ms() - 2 * MINUTE, wall_ms())
        assert [value for value in columns["grid"] if value == value] in ([200.0], [100.0, 300.0])  # noqa: PLR0124
        assert times
        store.close()
        assert told == []

    asyncio.run(story())


def test_minutes_are_written_together_and_a_crash_loses_only_what_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "WRITE_S", 0.0)
    wall = [int(datetime(2026, 11, 20, 12).astimezone().timestamp()) * 1000]
    monkeypatch.setattr(module, "wall_ms", lambda: wall[0])
    monkeypatch.setattr(module, "wall_of", lambda _: wall[0])

    async def story() -> None:
        bench, _, history = kept(tmp_path)
        work = asyncio.create_task(history.run())
        for seq in range(1, 4):
            bench.measure(seq, active_power=float(seq))
            wall[0] += MINUTE
        await until(lambda: history._store is not None and not history._waiting)
        other = sqlite3.connect(tmp_path / "history.db")
        await until(lambda: other.execute("SELECT count(*) FROM minute").fetchone()[0] == 3)
        other.close()
        meter = bench.desk.meter(None)
        series = await history.minutes(meter, 0, 0)
        assert series.columns["grid"] == [1.0, 2.0, 3.0]
        days = await history.days(meter, None, None)
        assert len(days.days) in (0, 1), "without counters there is no energy, but a day may be known"
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


def test_a_disk_that_refuses_is_told_ever_more_rarely_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.005)
    monkeypatch.setattr(module, "WRITE_S", 0.0)
    refusing = [True]
    real = Store.write

    def write(self: Store, rows: Any) -> None:
        if refusing[0]:
            raise sqlite3.OperationalError("disk is full")
        real(self, rows)

    monkeypatch.setattr(Store, "write", write)

    async def story() -> None:
        bench, told, history = kept(tmp_path)
        work = asyncio.create_task(history.run())
        bench.measure(1)
        minute = history._minutes["house"]
        history._put(minute.close())
        await until(lambda: history._refused >= 3)
        assert {kind for kind, *_ in told} == {"history.unwritten"}
        assert len(told) == history._refused.bit_length(), "the 1st, the 2nd, the 4th time ..."
        refusing[0] = False
        await until(lambda: not history._waiting)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


def test_a_clock_that_is_not_set_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "wall_of", lambda _: 1_000_000)

    async def story() -> None:
        bench = Bench(tmp_path)
        history = History(bench.hear, tmp_path / "history.db", Told())
        bench.hear.known.on_sample = history.take
        bench.measure(1, active_power=5.0)
        assert not history._minutes
        assert history.recent(bench.desk.meter(None), 0).columns["grid"] == [5.0], "ten minutes need no date"

    asyncio.run(story())


def test_that_fewer_days_are_kept_than_the_settings_say_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "PRUNE_EVERY_S", 0.0)
    pruned: list[int] = []

    def prune(_store: Store, _now_ms: int, _days: int) -> int:
        pruned.append(30 if len(pruned) < 3 else 21)
        return pruned[-1]

    monkeypatch.setattr(Store, "prune", prune)

    async def story() -> None:
        _, told, history = kept(tmp_path)
        work = asyncio.create_task(history.run())
        await until(lambda: len(pruned) >= 6)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        assert [(kind, level) for kind, _, level in told] == [("history.bounded", "warning")] * 2
        assert [text.rpartition(" the last ")[2] for _, text, _ in told] == ["30 days", "21 days"]
        assert "console.history_days is 31, but" in told[0][1]

    asyncio.run(story())


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    async def story() -> None:
        bench, told = Bench(tmp_path), Told()
        path = tmp_path / "history.db"
        path.write_bytes(b"garbage" * 1000)
        history = History(bench.hear, path, told)
        work = asyncio.create_task(history.run())
        await until(lambda: told)
        assert told[0][0] == "history.damaged"
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


def test_an_end_while_the_disk_writes_loses_nothing_and_counts_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "WRITE_S", 0.0)
    begun, end, write = threading.Event(), threading.Event(), Store._day

    def slow(self: Store, *row: Any) -> None:
        begun.set()
        end.wait(5)
        write(self, *row)

    async def story() -> None:
        bench, told, history = kept(tmp_path)
        work = asyncio.create_task(history.run())
        await until(lambda: history._store is not None)
        bench.measure(1, active_power=100.0)
        monkeypatch.setattr(Store, "_day", slow)
        history._put(history._minutes["house"].close())
        await until(begun.is_set)
        work.cancel()
        asyncio.get_running_loop().call_later(0.05, end.set)
        await asyncio.gather(work, return_exceptions=True)
        found = sqlite3.connect(tmp_path / "history.db")
        assert found.execute("SELECT samples FROM minute").fetchall() == [(1,)]
        found.close()
        assert told == []

    asyncio.run(story())


@pytest.mark.parametrize("harm", ["removed", "damaged"])
def test_a_file_that_is_lost_while_it_is_used_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "WRITE_S", 0.0)

    async def story() -> None:
        bench, told, history = kept(tmp_path)
        path = history._path
        work = asyncio.create_task(history.run())
        await until(lambda: history._store is not None)
        first, store = history._store, history._store
        assert store is not None
        store._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if harm == "removed":
            path.unlink()
        else:
            store._db.execute("PRAGMA cache_size = 0")
            with path.open("r+b") as file:
                file.seek(4096)
                file.write(b"\xff" * (path.stat().st_size - 4096))
        bench.measure(1, active_power=100.0)
        history._put(history._minutes["house"].close())
        await until(lambda: not history._waiting)
        assert history._store is not first
        assert [kind for kind, *_ in told] == ["history.damaged"]
        assert ("it is kept as history.db.damaged-" in told[0][1]) == (harm == "damaged")
        series = await history.minutes(bench.desk.meter(None), wall_ms() - 5 * MINUTE, 0)
        assert 100.0 in series.columns["grid"]
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "WRITE_S", 0.0)

    async def story() -> None:
        bench, told = Bench(tmp_path), Told()
        path = tmp_path / "history.db"
        path.mkdir()
        history = History(bench.hear, path, told)
        bench.hear.known.on_sample = history.take
        bench.measure(1, active_power=100.0)
        history._put(history._minutes["house"].close())
        work = asyncio.create_task(history.run())
        await until(lambda: history._refused >= 3)
        assert {kind for kind, *_ in told} == {"history.broken"}
        path.rmdir()
        await until(lambda: not history._waiting)
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


def test_a_file_that_cannot_be_read_now_is_an_answer_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: Any) -> Any:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(Store, "minutes", locked)

    async def story() -> None:
        bench = Bench(tmp_path)
        await bench.sign_up()
        work = asyncio.create_task(bench.desk.history.run())
        await until(lambda: bench.desk.history._store is not None)
        answer = await bench.ask("GET", "/history/minutes")
        assert (answer.status, answer.body["error"]["code"]) == (503, "history")
        assert "database is locked" in answer.body["error"]["text"]
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
