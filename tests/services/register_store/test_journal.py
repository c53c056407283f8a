import os
import random
import stat
from pathlib import Path

import msgspec
import pytest

from services.register_store import journal as module
from services.register_store.counters import LARGEST_MJ
from services.register_store.journal import SLOT_BYTES, Journal, JournalDamagedError, Record
from shared.errors import MetergateError, UnavailableError
from shared.registers.table import COUNTERS
from tests.killed import writer

NAMES = tuple(COUNTERS)

WRITER = """
from services.register_store.journal import Journal, Record
from shared.registers.table import COUNTERS

NAMES = tuple(COUNTERS)

def write():
    journal = Journal(Path(sys.argv[1]))
    count = journal.record.values.get(NAMES[0], 0)
    while True:
        count += 1
        journal.write(Record(values=dict.fromkeys(NAMES, count)))
        tell(count)  # only after the write: who read this number must find it again
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "house.journal"


def record(count: int) -> Record:
    return Record(values=dict.fromkeys(NAMES, count))


def written(path: Path, *counts: int) -> None:
    journal = Journal(path)
    for count in counts:
        journal.write(record(count))
    journal.close()


def reopened(path: Path) -> tuple[Record, str]:
    journal = Journal(path)
    journal.close()
    return journal.record, journal.alarm


def count_of(path: Path) -> int:
    found, alarm = reopened(path)
    assert alarm == ""
    return found.values.get(NAMES[0], 0)


def test_a_new_journal_knows_nothing_and_belongs_to_its_user_alone(path: Path) -> None:
    assert reopened(path) == (Record(), "")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.stat().st_blocks * 512 >= path.stat().st_size == 2 * SLOT_BYTES  # preallocated: no hole to fill later


def test_all_that_is_kept_comes_back(path: Path) -> None:
    full = Record(
        values=dict.fromkeys(NAMES, LARGEST_MJ),
        readings=dict.fromkeys(NAMES, LARGEST_MJ - 1),
        settings={"active_charge_mode": 3},
        wall_s=1.5e9,
        t_ns=2**63 - 1,
        boot="b" * 36,
        powers={f"{kind}_power{phase}": -1.5 for kind in ("active", "reactive", "apparent") for phase in ("", "_l1")},
    )
    journal = Journal(path)
    journal.write(full)
    journal.sync()
    journal.close()
    assert reopened(path) == (full, "")


class Former(Record, frozen=True, kw_only=True):
    """As a record was once: corrections were counted in it."""

    held: int = 0


def test_a_journal_of_a_former_version_is_read_on(path: Path) -> None:
    journal = Journal(path)
    journal.write(Former(values={NAMES[0]: 5}, held=7, boot="b" * 36))
    journal.close()
    assert b"held" in path.read_bytes()
    assert reopened(path) == (Record(values={NAMES[0]: 5}, boot="b" * 36), "")


def test_the_newest_of_many_writes_is_found(path: Path) -> None:
    for last in range(1, 8):
        written(path, last)
        assert count_of(path) == last
    written(path, *range(100))
    assert count_of(path) == 99


def test_a_record_that_does_not_fit_is_refused_and_changes_nothing(path: Path) -> None:
    journal = Journal(path)
    journal.write(record(1))
    before = path.read_bytes()
    for _ in range(3):
        with pytest.raises(MetergateError, match="does not fit a slot of 4096"):
            journal.write(Record(settings={f"name {n}": n for n in range(1000)}))
    assert path.read_bytes() == before
    journal.write(record(2))
    journal.close()
    assert count_of(path) == 2


def tear(path: Path, slot: int, how: str) -> None:
    data = bytearray(path.read_bytes())
    start = slot * SLOT_BYTES
    part = slice(start, start + SLOT_BYTES)
    if how == "zeros":
        data[part] = bytes(SLOT_BYTES)
    elif how == "noise":
        data[part] = random.Random(slot).randbytes(SLOT_BYTES)
    elif how == "half":  # the new head over the old rest, as a death in the middle of a copy leaves it
        data[start + 100 : start + SLOT_BYTES] = bytes(SLOT_BYTES - 100)
    else:  # one byte
        data[start + int(how)] ^= 0x40
    path.write_bytes(bytes(data))


ONE_BYTE = ("0", "5", "11", "14", "18", "20", "60", "300")
"""Places in the magic, the sequence, the length, the CRC and the record."""


@pytest.mark.parametrize("how", ["zeros", "noise", "half", *ONE_BYTE])
@pytest.mark.parametrize("newest", [True, False])
def test_a_torn_slot_falls_back_to_the_other_with_an_alarm(path: Path, how: str, newest: bool) -> None:
    written(path, 10, 11)  # sequence 2 and 3: slots 0 and 1
    tear(path, 1 if newest else 0, how)
    found, alarm = reopened(path)
    assert found == record(10 if newest else 11)
    assert alarm.startswith(f"{path}: one slot is damaged")
    written(path, 12)  # repairs it
    assert count_of(path) == 12


def test_every_single_flipped_bit_of_a_record_is_noticed(path: Path) -> None:
    written(path, 10, 11)
    whole = path.read_bytes()
    length = len(whole[SLOT_BYTES:].rstrip(b"\0"))
    for place in range(0, length, 7):
        data = bytearray(whole)
        data[SLOT_BYTES + place] ^= 1 << place % 8
        path.write_bytes(bytes(data))
        found, alarm = reopened(path)
        assert found == record(10), place
        assert alarm


@pytest.mark.parametrize("how", ["zeros", "noise", "20"])
def test_with_both_slots_damaged_nothing_is_invented_and_the_file_is_left(path: Path, how: str) -> None:
    written(path, 10, 11)
    tear(path, 0, how)
    tear(path, 1, how)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(JournalDamagedError, match=r"neither of its two slots .* put a backup in its place"):
            Journal(path)
        assert path.read_bytes() == before


@pytest.mark.parametrize("size", [0, 100, SLOT_BYTES, 2 * SLOT_BYTES - 1, 2 * SLOT_BYTES + 1])
def test_a_file_of_another_size_is_left_as_it_is(path: Path, size: int) -> None:
    written(path, 10, 11)
    data = path.read_bytes().ljust(size, b"\0")[:size]
    path.write_bytes(data)
    with pytest.raises(JournalDamagedError, match=f"it has {size} bytes instead of {2 * SLOT_BYTES}"):
        Journal(path)
    assert path.read_bytes() == data


def test_a_slot_of_another_layout_counts_as_damaged(path: Path) -> None:
    class Later(msgspec.Struct):
        values: str = "not a map"

    written(path, 10, 11)
    data = bytearray(path.read_bytes())
    data[SLOT_BYTES:] = module._pack(99, Later())  # type: ignore[arg-type]  # on purpose
    path.write_bytes(bytes(data))
    found, alarm = reopened(path)
    assert found == record(10)
    assert alarm


def test_descriptors_are_given_back_also_after_damage(path: Path) -> None:
    written(path, 1)
    tear(path, 0, "zeros")
    tear(path, 1, "zeros")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counts descriptors
    for _ in range(5):
        with pytest.raises(JournalDamagedError):
            Journal(path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file", encoding="utf-8")
    with pytest.raises(UnavailableError, match=r"gateway\.state_dir: .* cannot be used \(.+\); give a folder"):
        Journal(tmp_path / "state" / "house.journal")
    with pytest.raises(UnavailableError, match=r"cannot be used \(Is a directory\)"):
        Journal(tmp_path)


def test_one_process_alone_has_it_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOCK_PATIENCE_S", 0.0)
    first = Journal(path)
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counts descriptors
    with pytest.raises(
        UnavailableError, match=f"{path} is in use by another metergate.* give this one its own state_dir"
    ):
        Journal(path)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    first.write(record(1))
    first.close()
    assert count_of(path) == 1


def test_one_that_is_put_back_is_its_owners_alone_and_nobody_elses_is_put_aside(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOCK_PATIENCE_S", 0.0)
    first = Journal(path)
    path.unlink()
    first.put_back()
    with pytest.raises(UnavailableError, match="is in use"):
        Journal(path)
    path.unlink()
    other = Journal(path)
    other.write(record(2))
    with pytest.raises(UnavailableError, match="is in use"):
        first.put_back()
    first.close()
    other.close()
    assert count_of(path) == 2
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.system
def test_kill_9_at_any_moment_leaves_it_whole_and_never_behind_what_was_seen(path: Path) -> None:
    last = 0
    with writer(WRITER, path) as writes:
        for _ in range(200):
            seen = int(writes.life(1, 0.003)[-1][0])
            journal = Journal(path)
            journal.close()
            assert len(set(journal.record.values.values())) == 1
            found = journal.record.values[NAMES[0]]
            assert found >= max(seen, last)
            assert found - seen <= 1
            last = found
    assert last > 1000
