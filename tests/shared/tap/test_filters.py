"""Which messages are wanted."""

import pytest

from shared.tap.filters import LONGEST_PREFIX, Filter


@pytest.mark.parametrize(
    ("roles", "instance", "wanted"),
    [
        ((), "console", True),
        (("plain-slave",), "plain-slave", True),
        (("plain-slave",), "plain-slave.2", True),
        (("plain-slave.2",), "plain-slave", False),
        (("plain",), "plain-slave", False),
        (("measurement", "console"), "console", True),
    ],
)
def test_a_role_means_all_its_instances(roles: tuple[str, ...], instance: str, wanted: bool) -> None:
    assert Filter(roles=roles).instance(instance) == wanted


@pytest.mark.parametrize(
    ("topics", "meters", "topic", "wanted"),
    [
        ((), (), b"image/house", True),
        (("image",), (), b"image/house", True),
        (("image/h",), (), b"image/house", True),
        (("image", "event"), (), b"sample/house", False),
        ((), ("house",), b"image/house", True),
        ((), ("hous",), b"image/house", False),
        (("image",), ("garage",), b"image/house", False),
    ],
)
def test_topics_are_beginnings_and_meters_are_whole(
    topics: tuple[str, ...], meters: tuple[str, ...], topic: bytes, wanted: bool
) -> None:
    assert Filter(topics=topics, meters=meters).topic(topic) == wanted


def test_a_subscription_is_never_longer_than_a_publisher_takes() -> None:
    wanted = Filter(topics=("x" * 500,))
    assert wanted.prefixes == (b"x" * LONGEST_PREFIX,)
    assert not wanted.topic(b"x" * LONGEST_PREFIX)
