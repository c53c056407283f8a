"""The last message of a topic, from its owner alone."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from shared.bus.endpoints import Endpoints
from shared.bus.messages import Image, Message, topic
from shared.bus.publisher import Publisher
from shared.errors import PeerError
from supervisor.cli.latest import latest
from tests.shared.bus.talker import Talker, image, once
from tests.support import most_memory


def as_somebody_else(publisher: Publisher) -> tuple[Message, str]:
    message, key = image(publisher)
    return replace(message, src="plain-slave"), key


def of_a_generation_to_come(publisher: Publisher) -> tuple[Message, str]:
    message, key = image(publisher)
    return replace(message, gen=message.gen + 1), key


def test_what_the_owner_said_last_comes_at_once(run_dir: Path) -> None:
    with Talker(run_dir, "register-store", once(image)):
        found = latest(Endpoints(run_dir), "register-store", Image, "house", 5)
    assert (found.src, found.meter) == ("register-store", "house")


def test_of_a_message_of_endless_frames_little_is_kept(run_dir: Path) -> None:
    endless = (topic(Image, "house"), *[b"x" * 1000] * 5000)
    talker = Talker(run_dir, "register-store", lambda _: None, raw=endless)
    with talker, most_memory() as taken, pytest.raises(PeerError):
        latest(Endpoints(run_dir), "register-store", Image, "house", 0.2)
    assert taken[0] < 1_000_000


@pytest.mark.parametrize("make", [as_somebody_else, of_a_generation_to_come])
def test_what_somebody_else_says_in_its_place_is_passed_over(run_dir: Path, make: object) -> None:
    assert callable(make)
    with (
        Talker(run_dir, "register-store", once(make)),
        pytest.raises(PeerError, match="register-store publishes no image of meter 'house'"),
    ):
        latest(Endpoints(run_dir), "register-store", Image, "house", 0.2)
