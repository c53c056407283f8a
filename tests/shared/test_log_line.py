import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared import log_line
from shared.log_line import LineWriter

PIPE_BYTES = 16_384


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    yield reader, writer
    os.close(reader)
    os.close(writer)


def test_lines_come_out_as_they_are(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    LineWriter(writer).write("für alle \udcff\n")
    assert os.read(reader, 100) == "für alle \\udcff\n".encode()


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_what_was_lost_is_said(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_line, "PATIENCE_MS", 50)
    reader, writer = pipe
    lines = LineWriter(writer)
    begin = time.monotonic()
    for _ in range(1000):
        lines.write("x" * 99 + "\n")
    lines.write("y" * 100_000 + "\n")
    assert time.monotonic() - begin < 5
    taken = os.read(reader, 2 * PIPE_BYTES)
    lines.write("again\n")
    assert set(taken) == set(b"x\n")
    lost = 1001 - len(taken) // 100
    note = f'{{"event":"{lost} log lines were lost: nobody took them","level":"warning"}}\n'
    assert os.read(reader, 2 * PIPE_BYTES) == note.encode() + b"again\n"


def test_a_line_longer_than_the_pipe_goes_out_in_parts(tmp_path: Path) -> None:
    long = "z" * 100_000 + "\n"
    with (tmp_path / "log").open("wb") as file:
        LineWriter(file.fileno()).write(long)
    assert (tmp_path / "log").read_text(encoding="utf-8") == long


def test_a_full_disk_and_a_closed_descriptor_end_nothing() -> None:
    with Path("/dev/full").open("wb", buffering=0) as full:
        lines = LineWriter(full.fileno())
        lines.write("lost\n")
        lines.write("lost\n")
    lines.write("lost\n")
