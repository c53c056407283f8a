import os
from pathlib import Path

from supervisor.watch import Watch


def test_a_change_counts_once_it_stands_still_and_only_once(tmp_path: Path) -> None:
    file = tmp_path / "metergate.toml"
    file.write_text("a")
    watch = Watch(file)
    assert not watch.look(0.0)
    file.write_text("ab")
    assert not watch.look(1.0)
    assert not watch.look(1.9)
    file.write_text("abc")
    assert not watch.look(2.1), "it moved again"
    assert not watch.look(3.0)
    assert watch.look(3.1)
    assert not watch.look(10.0)


def test_a_file_replaced_by_one_of_the_same_size_and_time_is_seen(tmp_path: Path) -> None:
    file, beside = tmp_path / "metergate.toml", tmp_path / "new"
    file.write_text("a")
    watch = Watch(file)
    beside.write_text("b")
    times = file.stat()
    os.utime(beside, ns=(times.st_atime_ns, times.st_mtime_ns))
    beside.replace(file)
    assert not watch.look(1.0)
    assert watch.look(2.0)


def test_a_file_that_went_away_and_came_back(tmp_path: Path) -> None:
    file = tmp_path / "metergate.toml"
    file.write_text("a")
    watch = Watch(file)
    file.unlink()
    assert not watch.look(1.0)
    assert watch.look(2.0)
    file.write_text("a")
    assert not watch.look(3.0)
    assert watch.look(4.0)
