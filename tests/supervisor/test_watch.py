import os
from pathlib import Path

from supervisor.watch import Watch, Watches


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


def test_who_may_read_it_is_a_change(tmp_path: Path) -> None:
    file = tmp_path / "metergate.toml"
    file.write_text("a")
    watch = Watch(file)
    file.chmod(0o640)
    assert not watch.look(1.0)
    assert watch.look(2.0)


def test_a_named_file_that_changes_counts_once_and_one_that_moves_for_ever_hides_none(tmp_path: Path) -> None:
    settings, named, moving = (tmp_path / name for name in ("metergate.toml", "named", "moving"))
    settings.write_text("a")
    watches = Watches(settings)
    watches.name([named, moving])
    named.write_text("a")
    seen = []
    for step in range(10):
        moving.write_text("a" * step)
        seen.append(watches.look(step / 2))
        watches.name([moving, named])  # what is named again is not forgotten
    assert seen == [False, False, True] + [False] * 7
    watches.name([])
    named.write_text("ab")
    assert not any(watches.look(now) for now in (11.0, 12.0, 13.0))


def test_while_the_settings_move_nothing_else_counts(tmp_path: Path) -> None:
    settings, named = tmp_path / "metergate.toml", tmp_path / "named"
    settings.write_text("a")
    watches = Watches(settings)
    watches.name([named])
    named.write_text("a")
    assert not watches.look(0.0)
    settings.write_text("half")
    assert not watches.look(1.0), "the named one stands still, the settings do not"
    assert watches.look(2.0)
    assert not watches.look(3.0)
