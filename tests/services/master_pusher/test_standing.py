"""How a receiver stands: what counts, and what is logged of one that comes and goes."""

from itertools import cycle

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from services.master_pusher.standing import LINE_EVERY_NS, LONGEST_PAUSE_S, Standing, pause_s
from shared.errors import PeerError, UntrustedError


class Story:
    """A standing with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1
        self.changes = 0
        self.one = Standing("waiting", structlog.get_logger(), self._changed, lambda: self.now)

    def _changed(self) -> None:
        self.changes += 1

    def good(self) -> None:
        self.one.streak = 0
        self.one.become("ok", "")


def test_failures_are_counted_and_the_first_ones_of_many_are_told() -> None:
    story = Story()
    with capture_logs() as lines:
        for _ in range(40):
            story.one.failed(PeerError("connection refused"))
        story.good()
    assert (story.one.failures, story.one.streak, story.changes) == (40, 0, 2)
    assert [line["streak"] for line in lines] == [1, 0], "the same failure is news once"
    assert lines[-1]["event"] == "push: ok"


def test_the_first_good_push_is_no_news_and_connecting_never_is() -> None:
    story = Story()
    with capture_logs() as lines:
        story.one.connecting()
        assert story.one.state == "connecting"
        story.good()
        story.one.connecting()
        assert story.one.state == "ok"
    assert lines == []


def test_one_that_comes_and_goes_does_not_flood_the_log() -> None:
    story = Story()
    with capture_logs() as lines:
        for turn, bad in zip(range(6000), cycle((True, False)), strict=False):
            story.now = 1 + turn * LINE_EVERY_NS // 600
            if bad:
                story.one.failed(PeerError("connection reset"))
            else:
                story.good()
    assert story.changes == 6000
    assert len(lines) <= 2 * 11
    assert {line["untold"] for line in lines[2:]} == {299}


def test_an_untrusted_one_is_called_so() -> None:
    story = Story()
    with capture_logs() as lines:
        story.one.failed(UntrustedError("its certificate is not accepted"))
    assert story.one.state == "untrusted"
    assert lines[0]["log_level"] == "warning"


@settings(deadline=None)
@given(st.integers(0, 100_000), st.floats(0, 1))
def test_pauses_grow_to_an_end_and_are_spread(streak: int, chance: float) -> None:
    pause = pause_s(streak, chance)
    assert 0 <= pause <= LONGEST_PAUSE_S
    assert (pause == 0) == (streak <= 1)
    assert pause_s(streak, 0) <= pause <= pause_s(streak + 1, 1)
    assert pause_s(streak, 0) * 2 == pytest.approx(pause_s(streak, 1))
