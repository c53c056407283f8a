from pathlib import Path
from typing import Any

import pytest

from services.measurement.replay.recording import frames, inspect, is_recording
from shared.bus.codec import encode
from shared.bus.messages import Event, Sample, topic
from shared.errors import ConfigError
from shared.tap.recording import Entry, RecordingWriter

SECOND = 1_000_000_000


def sample(t_ns: int, power: float, meter: str = "house", **more: Any) -> Sample:
    return Sample(src="m", gen=1, seq=1, t_ns=t_ns, meter=meter, values={"active_power": power}, **more)


def record(path: Path, *entries: tuple[int, Sample | Event]) -> Path:
    with RecordingWriter(path) as writer:
        for t_ns, message in entries:
            key = message.meter if isinstance(message, Sample) else ""
            writer.write(Entry(t_ns, topic(type(message), key), encode(message)))
    return path


def test_samples_at_their_own_distances(tmp_path: Path) -> None:
    path = record(
        tmp_path / "r",
        (9_000, sample(1 * SECOND, 1, simulated=True, texts={"model": "M"})),
        (9_500, Event(src="m", gen=1, seq=1, t_ns=5, kind="x", text="y")),
        (10_000, sample(1 * SECOND, 1)),  # the last value once more, for a late subscriber
        (11_000, sample(3 * SECOND, 2)),
        (12_000, sample(3 * SECOND + 7, 3, derived=("active_power",))),
    )
    assert is_recording(path)
    found = list(frames(path, "house"))
    assert [(frame.after_ns, frame.values, frame.simulated) for frame in found] == [
        (0, {"active_power": 1.0}, True),
        (2 * SECOND, {"active_power": 2.0}, False),
        (7, {}, False),  # what was derived will be derived again
    ]
    assert found[0].texts == {"model": "M"}


def test_over_a_restart_of_the_sender_the_distance_is_that_of_reception(tmp_path: Path) -> None:
    path = record(
        tmp_path / "r",
        (SECOND, sample(500 * SECOND, 1, boot="one")),
        (31 * SECOND, sample(2 * SECOND, 2, boot="two")),
        (32 * SECOND, sample(4 * SECOND, 3, boot="two")),
    )
    assert [frame.after_ns for frame in frames(path, "house")] == [0, 30 * SECOND, 2 * SECOND]


def test_the_meter_is_chosen_by_name_or_is_the_only_one(tmp_path: Path) -> None:
    one = record(tmp_path / "one", (1, sample(1, 1)))
    assert inspect(one, None) == ("house", "")
    two = record(tmp_path / "two", (1, sample(1, 1)), (2, sample(2, 5, "barn")))
    assert inspect(two, "barn").meter == "barn"
    assert [frame.values for frame in frames(two, "barn")] == [{"active_power": 5.0}]
    with pytest.raises(ConfigError, match=r"has the meters barn, house; name one as meter\.replay\.meter"):
        inspect(two, None)
    with pytest.raises(ConfigError, match="has no meter 'mill', but barn, house"):
        inspect(two, "mill")


def test_a_cut_off_end_is_left_out_and_told(tmp_path: Path) -> None:
    path = record(tmp_path / "r", (1, sample(1, 1)), (2, sample(2, 2)))
    path.write_bytes(path.read_bytes()[:-3])
    assert "incomplete" in inspect(path, None).left_out
    assert len(list(frames(path, "house"))) == 1


def test_a_sample_of_another_version_is_left_out_and_told(tmp_path: Path) -> None:
    path = tmp_path / "r"
    with RecordingWriter(path) as writer:
        writer.write(Entry(1, b"sample/house", encode(sample(1, 1))))
        writer.write(Entry(2, b"sample/house", b"\x81\xa4type\xa8sample/9"))
    assert "cannot read" in inspect(path, None).left_out
    assert len(list(frames(path, "house"))) == 1


def test_files_that_are_no_recordings(tmp_path: Path) -> None:
    csv = tmp_path / "a.csv"
    csv.write_text("t,active_power\n0,1\n", encoding="utf-8")
    assert not is_recording(csv)
    with pytest.raises(ConfigError, match=r"check meter\.replay\.file"):
        is_recording(tmp_path / "none")
    other = tmp_path / "other"
    other.write_bytes(b"\x81\xa6format\xa5else!")
    assert is_recording(other)
    with pytest.raises(ConfigError, match=r"check meter\.replay\.file"):
        inspect(other, None)
    empty = record(tmp_path / "empty")
    with pytest.raises(ConfigError, match="has no samples"):
        inspect(empty, None)
