"""A journal whose disk fails, or whose file goes: it is told, and what is known is neither lost nor held up."""

import asyncio
import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.register_store.journal import Journal, Record
from services.register_store.upkeep import Upkeep
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
