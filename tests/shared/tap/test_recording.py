"""The recording's format: what is written comes back, whatever is cut off or damaged."""

from pathlib import Path
from tempfile import TemporaryDirectory

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import clock
from shared.bus.codec import MAX_BYTES
from shared.errors import RefusedError
from shared.tap.recording import FLUSH_NS, FORMAT, Entry, RecordingReader, RecordingWriter

ENTRIES = [Entry(1, b"sample/house", b"\x81\xa1a\x01"), Entry(2, b"image/house", b""), Entry(3, b"event/", b"x" * 300)]
entries = st.lists(
    st.builds(Entry, st.integers(0, 2**63 - 1), st.binary(max_size=255), st.binary(max_size=600)), max_size=12
)


def written(path: Path, items: list[Entry]) -> Path:
    with RecordingWriter(path) as writer:
        for item in items:
            writer.write(item)
    return path


@given(entries)
def test_what_was_written_comes_back(items: list[Entry]) -> None:
    with TemporaryDirectory() as folder, RecordingReader(written(Path(folder) / "r", items)) as reader:
        assert list(reader) == items
        assert reader.damage == ""
        assert reader.header.boot == clock.BOOT_ID


@given(entries, st.data())
def test_a_cut_recording_gives_what_is_whole_and_says_that_it_was_cut(items: list[Entry], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "r", items)
        whole = path.read_bytes()
        header = len(written(Path(folder) / "empty", []).read_bytes())
        cut = data.draw(st.integers(header, len(whole)))
        path.write_bytes(whole[:cut])
        ends = {
            header + sum(len(msgpack.packb(item)) for item in items[:count]): count for count in range(len(items) + 1)
        }
        with RecordingReader(path) as reader:
            found = list(reader)
            assert found == items[: max(count for end, count in ends.items() if end <= cut)]
            assert (reader.damage == "") == (cut in ends)


@given(st.binary(min_size=1, max_size=200))
def test_garbage_behind_the_messages_never_raises(garbage: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = written(Path(folder) / "r", ENTRIES)
        with path.open("ab") as file:
            file.write(garbage)
        with RecordingReader(path) as reader:
            found = list(reader)
        assert found[:3] == ENTRIES
        assert len(found) > 3 or "r: " in reader.damage


@pytest.mark.parametrize(
    "garbage", [b"\0" * 40, b"\xc1", b"\xc6\xff\xff\xff\xff", b"\x93\x01\x02\x03", b"\xd4\x05\x00"]
)
def test_damage_names_the_place(tmp_path: Path, garbage: bytes) -> None:
    path = written(tmp_path / "r", ENTRIES)
    at = path.stat().st_size
    with path.open("ab") as file:
        file.write(garbage)
    with RecordingReader(path) as reader:
        assert list(reader) == ENTRIES
        assert f"from byte {at}" in reader.damage


def test_a_file_that_exists_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("kept")
    with pytest.raises(RefusedError, match="overwrites nothing"):
        RecordingWriter(path)
    assert path.read_text() == "kept"


def test_messages_are_in_the_file_after_a_second_at_most(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r")
    writer.write(ENTRIES[0])
    writer.flush(clock.now_ns() + FLUSH_NS)
    with RecordingReader(tmp_path / "r") as reader:
        assert list(reader) == ENTRIES[:1]
    writer.close()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"active_power,voltage_l1\n1,2\n",
        msgpack.packb([1, b"a", b"b"]),
        msgpack.packb({"format": "x" * 999}),
        b"\x83",
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(RefusedError, match="is no recording"):
        RecordingReader(path)


def test_another_version_is_named(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(msgpack.packb({"format": "metergate-recording/2", "boot": "b", "started": "s"}))
    with pytest.raises(RefusedError, match=rf"recording/2'; this program reads {FORMAT}"):
        RecordingReader(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="cannot be read"):
        RecordingReader(tmp_path / "none")


def test_a_full_disk_is_told_in_words(tmp_path: Path) -> None:
    writer = RecordingWriter(tmp_path / "r")
    writer.close()
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer._file = full
        with pytest.raises(RefusedError, match="No space left on device"):
            writer.write(ENTRIES[0])


def test_what_does_not_fit_the_format_is_refused(tmp_path: Path) -> None:
    with RecordingWriter(tmp_path / "r") as writer, pytest.raises(RefusedError, match="does not fit"):
        writer.write(Entry(1, b"t", bytes(MAX_BYTES + 1)))
