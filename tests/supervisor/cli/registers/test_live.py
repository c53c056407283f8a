"""The registers as the last image has them."""

from pathlib import Path

import pytest

from shared import clock
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Block, Image
from shared.bus.publisher import Publisher
from shared.errors import PeerError
from shared.registers.blocks import all_rows
from supervisor.cli.registers.live import last_image, live
from tests.shared.bus.talker import Talker, image, once, sample

ROWS = all_rows()
S = 1_000_000_000


def made(t_ns: int) -> Image:
    blocks = (Block(0, (12345).to_bytes(4, "big"), live=((0, 4),)), Block(512, bytes(8)))
    return Image(src="s", gen=1, seq=1, t_ns=t_ns, meter="house", unit=1, stale_after_ms=5000, blocks=blocks)


def test_the_last_image_comes_at_once(run_dir: Path) -> None:
    with Talker(run_dir, "register-store", once(image)):
        found = last_image(Endpoints(run_dir), "house", 5)
    assert found is not None
    assert found.blocks[0].data == bytes(range(8))


def test_without_a_store_there_is_none(run_dir: Path) -> None:
    assert last_image(Endpoints(run_dir), "house") is None


def test_another_meter_of_a_longer_name_is_not_taken(run_dir: Path) -> None:
    def longer(publisher: Publisher) -> tuple[Image, str]:
        message, _ = image(publisher)
        assert isinstance(message, Image)
        return message, "house2"

    with Talker(run_dir, "register-store", longer), pytest.raises(PeerError, match="no image of meter 'house'"):
        last_image(Endpoints(run_dir), "house", 0.2)


def test_a_store_without_images_is_told(run_dir: Path) -> None:
    with Talker(run_dir, "register-store", sample), pytest.raises(PeerError, match="no image of meter"):
        last_image(Endpoints(run_dir), "house", 0.1)


def test_fresh_values_are_shown_with_their_age() -> None:
    now = clock.now_ns()
    found = live(ROWS, made(now - S), now)
    assert found.readings["active_power_import"].value == 1234.5
    assert found.words == "1.0 s old"


def test_stale_values_are_not_shown_and_counters_are() -> None:
    now = clock.now_ns()
    found = live(ROWS, made(now - 6 * S), now)
    assert found.readings["active_power_import"].state == "stale"
    assert found.readings["active_energy_import"].value == 0
    assert found.words.startswith("6.0 s old, stale")


@pytest.mark.parametrize("t_ns", [0, 2**62])
def test_without_a_sample_nothing_live_is_shown(t_ns: int) -> None:
    """Neither before the first sample, nor when it claims to be of the future."""
    found = live(ROWS, made(t_ns), clock.now_ns())
    assert found.stale
    assert found.readings["active_power_import"].state == "stale"
    assert found.words.startswith("no sample yet")
