"""Following the instances under a run folder, which come and go, and being no burden to them."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.bus.endpoints import Endpoints
from shared.bus.messages import Block, Message
from shared.bus.publisher import Publisher
from shared.tap import follow
from shared.tap.filters import Filter
from shared.tap.follow import Follower, Received
from tests.shared.bus.talker import Talker, image, once, sample, silent
from tests.support import wait_for

Maker = Callable[[Publisher], tuple[Message, str]]


def collect(follower: Follower, into: list[Received]) -> list[Received]:
    into.extend(follower.poll(0.05))
    return into


def following(follower: Follower) -> tuple[str, ...]:
    collect(follower, [])
    return follower.following


def malformed(follower: Follower) -> int:
    assert collect(follower, []) == []
    return follower.malformed


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LOOK_AGAIN_S", 0.02)


def heard(follower: Follower, instance: str) -> list[Received]:
    found: list[Received] = []

    def look() -> list[Received]:
        return [one for one in collect(follower, found) if one.instance == instance]

    return wait_for(look, f"a message of {instance}")


def test_the_last_value_comes_at_once(run_dir: Path) -> None:
    with Talker(run_dir, "register-store", once(image)), Follower(Endpoints(run_dir), Filter()) as follower:
        assert heard(follower, "register-store")[0].entry.topic == b"image/house"


def test_instances_are_found_when_they_come_and_left_when_they_go(run_dir: Path) -> None:
    with Follower(Endpoints(run_dir), Filter()) as follower:
        assert list(follower.poll(0.01)) == []
        with Talker(run_dir, "measurement", sample):
            heard(follower, "measurement")
            with Talker(run_dir, "plain-slave.2", sample):
                heard(follower, "plain-slave.2")
            wait_for(lambda: following(follower) == ("measurement",), "the second to be left")
        wait_for(lambda: following(follower) == (), "the first to be left")
        with Talker(run_dir, "measurement", sample):
            heard(follower, "measurement")


def test_only_what_is_wanted_is_heard(run_dir: Path) -> None:
    makers: Iterator[Maker] = itertools.cycle((sample, image))

    def either(publisher: Publisher) -> tuple[Message, str]:
        return next(makers)(publisher)

    with (
        Talker(run_dir, "measurement", either),
        Talker(run_dir, "console", sample),
        Follower(Endpoints(run_dir), Filter(roles=("measurement",), topics=("image",), meters=("house",))) as follower,
    ):
        found: list[Received] = []
        wait_for(lambda: len(collect(follower, found)) > 5, "images")
        assert {(one.instance, one.entry.topic) for one in found} == {("measurement", b"image/house")}


@pytest.mark.parametrize("raw", [(b"one frame",), (b"a", b"b", b"c"), (b"a",) * 200, (b"t" * 300, b"x")])
def test_what_is_not_two_frames_is_counted_and_dropped(run_dir: Path, raw: tuple[bytes, ...]) -> None:
    with Talker(run_dir, "console", silent, raw=raw), Follower(Endpoints(run_dir), Filter()) as follower:
        wait_for(lambda: malformed(follower), "a malformed message")


def test_a_tap_that_stands_still_neither_blocks_nor_delays_the_writer(run_dir: Path) -> None:
    big = (Block(0, bytes(60_000)),)
    with (
        Talker(run_dir, "register-store", lambda publisher: image(publisher, big), pause_ms=0) as talker,
        Follower(Endpoints(run_dir), Filter()) as follower,
    ):
        heard(follower, "register-store")
        before = talker.said  # from here on nobody reads
        wait_for(lambda: talker.said > before + 2000, "the writer to go on")
        rest: list[Received] = []
        wait_for(lambda: len(collect(follower, rest)) > 300, "the tap to go on")
    assert talker.slowest_ns < 500_000_000
