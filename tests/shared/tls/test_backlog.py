"""What waits to be written keeps its order and its count, and its writer is told once each way."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tls.backlog import Backlog


class Writer(asyncio.Protocol):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pause_writing(self) -> None:
        self.told.append("pause")

    def resume_writing(self) -> None:
        self.told.append("resume")


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1), st.integers(1, 50))
def test_what_goes_in_comes_out_in_order_however_little_is_taken(parts: list[bytes], most: int) -> None:
    backlog = Backlog()
    for part in parts:
        backlog.keep(part)
    assert backlog.size == sum(map(len, parts))
    out = b""
    while backlog:
        taken = min(most, len(backlog[0]))
        out += backlog[0][:taken]
        backlog.taken(taken)
        assert backlog.size == sum(map(len, backlog))
    assert out == b"".join(parts)


def test_a_writer_is_told_above_the_high_mark_and_down_at_the_low_one() -> None:
    backlog, writer = Backlog(), Writer()
    backlog.limit(10, 4)
    for size, told in ((10, []), (1, ["pause"]), (1, ["pause"])):
        backlog.keep(b"x" * size)
        backlog.tell(writer)
        assert writer.told == told
    for taken, told in ((7, ["pause"]), (1, ["pause", "resume"]), (2, ["pause", "resume"])):
        backlog.taken(taken)
        backlog.tell(writer)
        assert writer.told == told


@pytest.mark.parametrize(
    ("high", "low", "limits"),
    [(None, None, (65536, 16384)), (100, None, (100, 25)), (None, 100, (400, 100)), (7, 7, (7, 7))],
)
def test_limits_are_those_of_asyncio(high: int | None, low: int | None, limits: tuple[int, int]) -> None:
    backlog = Backlog()
    backlog.limit(high, low)
    assert (backlog.high, backlog.low) == limits
    with pytest.raises(ValueError, match="not in order"):
        backlog.limit(1, 2)


def test_dropped_is_dropped() -> None:
    backlog = Backlog()
    backlog.keep(b"x")
    backlog.drop()
    assert (len(backlog), backlog.size) == (0, 0)
