"""A file at a glance and whole."""

from pathlib import Path

import pytest

from services.measurement.replay.file import GLANCE_BYTES, check, frames, glance
from services.measurement.replay.table import GLANCE_ROWS
from shared.bus.codec import encode
from shared.bus.messages import Sample
from shared.config.model import Replay
from shared.errors import ConfigError
from shared.tap.recording import Entry, RecordingWriter


def rows(path: Path, good: int, last: str) -> Replay:
    """A table of that many good rows and another, followed by remarks that make it too large for a glance."""
    table = "t,active_power\n" + "".join(f"{n},1\n" for n in range(good)) + f"{last}\n"
    path.write_text(table + ("#" * 1023 + "\n") * (GLANCE_BYTES // 1024), encoding="utf-8")
    return Replay(file=path)


def test_of_a_large_table_the_beginning_is_read(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    with pytest.raises(ConfigError, match=r"day\.csv:12: active_power"):
        glance(rows(path, 10, "10,x"))
    late = rows(path, GLANCE_ROWS, f"{GLANCE_ROWS},x")
    glance(late)
    with pytest.raises(ConfigError, match="active_power"):
        check(late)


def test_a_small_table_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("t,active_power\n" + "".join(f"{n},1\n" for n in range(GLANCE_ROWS)) + "9999,x\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f":{GLANCE_ROWS + 2}: active_power"):
        glance(Replay(file=path))


def test_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "day.tape"
    with RecordingWriter(path) as writer:
        for number in range(2):
            sample = Sample(
                src="measurement", gen=1, seq=number, t_ns=number, meter="house", values={"active_power": 1.0},
                source="modbus", simulated=False, period_ms=200, derived=(), texts={},
            )  # fmt: skip
            writer.write(Entry(number, b"sample/house", encode(sample)))
    settings = Replay(file=path)
    glance(settings)
    found = check(settings)
    assert found.meter == "house"
    assert len(list(frames(settings, found))) == 2
    with pytest.raises(ConfigError, match="has no meter 'barn'"):
        glance(Replay(file=path, meter="barn"))
    path.write_bytes(path.read_bytes()[:-1] + b"\xc1" * GLANCE_BYTES)
    glance(settings)  # whoever reads all of it says what is left out
    path.write_bytes(b"\x81\xa1a\x01" + bytes(GLANCE_BYTES))
    with pytest.raises(ConfigError, match=r"check meter\.replay\.file"):
        glance(settings)
