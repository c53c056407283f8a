"""A journal whose disk fails, or whose file goes: it is told, and what is known is neither lost nor held up."""

import asyncio
import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.register_store.journal import Journal, Record
from services.register_store.upkeep import Upkeep
from shared import durable
from shared.rarely import Rarely

if TYPE_CHECKING:
    from services.register_store.findings import Finding

SECOND = 1_000_000_000


class Kept:
    """An open journal with its upkeep, and a clock of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.journal = Journal(path)
        self.told: list[Finding] = []
        self.upkeep = Upkeep(self.journal, self.told, Rarely())
        self.now_ns = SECOND

    def count(self, value: int) -> None:
        self.journal.write(record(value))

    def sync(self) -> None:
        self.now_ns += 10 * SECOND
        asyncio.run(self.upkeep.sync(self.now_ns))

    def look(self) -> None:
        self.now_ns += SECOND
        asyncio.run(self.upkeep.look(self.now_ns))

    def close(self) -> None:
        self.upkeep.close(self.now_ns)


def record(value: int) -> Record:
    return Record(values={"active_energy_import": value})


def found(path: Path) -> Record:
    journal = Journal(path)
    journal.close()
    assert journal.alarm == ""
    return journal.record


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "state" / "counters-house.journal")


def failing(_descriptor: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_a_disk_that_fails_its_flush_is_told_ever_more_rarely_until_it_no_longer_does(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", failing)
        for _ in range(5):
            kept.sync()
    texts = [finding.text for finding in kept.told]
    assert [(finding.kind, finding.level) for finding in kept.told] == [("journal.unsafe", "error")] * 3
    assert texts[0] == kept.upkeep.note
    assert texts[0].startswith(f"{kept.path} does not reach its disk (Input/output error): values are served on")
    assert [text.endswith(f"({times} times by now)") for text, times in zip(texts[1:], (2, 4), strict=True)] == [
        True
    ] * 2
    kept.sync()
    assert kept.upkeep.note == ""
    kept.close()
    assert len(kept.told) == 3


def test_a_disk_that_fails_at_the_ordered_end_is_told_and_the_journal_is_let_go(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.count(7)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", failing)
        kept.close()
    assert [finding.kind for finding in kept.told] == ["journal.unsafe"]
    assert found(kept.path) == record(7)


def test_a_journal_that_is_in_its_place_is_left_alone(kept: Kept) -> None:
    kept.count(7)
    before = kept.path.stat()
    kept.look()
    assert (kept.path.stat().st_ino, kept.told, kept.upkeep.note) == (before.st_ino, [], "")
    kept.close()


def test_a_journal_that_was_removed_is_put_back_with_all_that_is_known(kept: Kept) -> None:
    kept.count(7)
    kept.path.unlink()
    kept.count(8)
    kept.look()
    assert found(Path(shutil.copy(kept.path, kept.path.parent.with_name("after-kill-9")))) == record(8)
    (told,) = kept.told
    assert (told.kind, told.level) == ("journal.replaced", "error")
    assert told.text == (
        f"{kept.path} was removed: it was put back with all that was counted. "
        "Before you restore or delete counters: `metergate stop register-store`"
    )
    kept.count(9)
    kept.look()
    kept.close()
    assert found(kept.path) == record(9)
    assert [path.name for path in kept.path.parent.iterdir()] == [kept.path.name]
    assert len(kept.told) == 1


@pytest.mark.parametrize("content", [b"", b"anything", bytes(8192)])
def test_what_is_put_in_its_place_is_kept_beside_and_counting_goes_on_from_before(kept: Kept, content: bytes) -> None:
    kept.count(7)
    for _ in range(2):
        backup = kept.path.with_name("backup")
        backup.write_bytes(content)
        backup.replace(kept.path)
        kept.look()
    kept.count(8)
    kept.close()
    assert found(kept.path) == record(8)
    aside = sorted(path for path in kept.path.parent.iterdir() if path != kept.path)
    assert [path.read_bytes() for path in aside] == [content] * 2
    assert all(path.name.startswith(f"{kept.path.name}.put-there-") for path in aside)
    assert [
        f"and what was put there is {path.name}. Before" in told.text
        for path, told in zip(aside, kept.told, strict=True)
    ] == [True] * 2


def test_a_state_folder_that_is_gone_is_told_and_tried_again(kept: Kept) -> None:
    kept.count(7)
    folder, away = kept.path.parent, kept.path.parent.with_name("away")
    folder.rename(away)
    folder.write_text("in the way", encoding="utf-8")
    for _ in range(3):
        kept.look()
    kept.count(8)
    kept.sync()
    assert kept.upkeep.note.startswith(f"{kept.path} is no longer there and cannot be put back (")
    assert [told.kind for told in kept.told] == ["journal.lost"] * 2
    folder.unlink()
    kept.look()
    assert kept.upkeep.note == ""
    assert [told.kind for told in kept.told] == ["journal.lost"] * 2 + ["journal.replaced"]
    kept.close()
    assert found(kept.path) == record(8)


def test_what_is_put_back_lasts_once_its_folder_is_on_the_disk(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    kept.path.unlink()
    monkeypatch.setattr("shared.durable.sync_folder", synced.append)
    kept.look()
    assert synced[-1] == kept.path.parent
    times = len(synced)
    kept.sync()
    assert len(synced) == times
    kept.close()


@pytest.mark.parametrize("closed", [False, True])
def test_what_is_counted_while_it_is_put_back_is_in_it(
    kept: Kept, monkeypatch: pytest.MonkeyPatch, closed: bool
) -> None:
    """The disk is slow, and samples come meanwhile; so may the ordered end."""
    kept.count(7)
    kept.path.unlink()

    def meanwhile(path: Path, data: bytes) -> None:
        replace(path, data)
        kept.count(8)
        if closed:
            kept.close()

    replace = durable.replace
    monkeypatch.setattr(durable, "replace", meanwhile)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counts descriptors
    kept.journal.put_back()
    if not closed:
        kept.close()
    assert len(os.listdir("/proc/self/fd")) == before - 2  # noqa: PTH208  # the map has one of its own
    assert found(kept.path) == record(8)
