"""From settings to receivers, and what is warned about."""

import asyncio
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from services.master_pusher.build import once, outward_of, sender
from services.master_pusher.sender import ModbusSender
from services.master_pusher.web import WebSender
from shared import clock
from shared.config.master import Master, all_warnings, warnings
from shared.config.master import Target as Settings
from shared.config.model import Config
from shared.errors import PeerError, RefusedError
from tests.services.master_pusher.samples import HOUSE, FakeLife, image
from tests.support import free_port
from tests.system.receivers import Recorder


def test_the_scheme_decides_what_is_spoken() -> None:
    assert isinstance(sender(Settings(address="plc"), None), ModbusSender)
    assert isinstance(sender(Settings(address="mbaps://plc"), None), ModbusSender)
    assert isinstance(sender(Settings(address="https://x/"), None), WebSender)


def test_only_tls_receivers_need_somebody_to_decide() -> None:
    async def story() -> None:
        assert outward_of(FakeLife(Settings(address="plc"), Settings(address="http://x/")), lambda: None) is None
        for address in ("mbaps://plc", "https://x/"):
            assert outward_of(FakeLife(Settings(address=address)), lambda: None) is not None

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (Settings(address="plc", function=6), "one register at a time"),
        (Settings(address="plc", token_file=Path("t")), "a Modbus slave is never told them"),
        (Settings(address="http://x/", token_file=Path("t")), "unencrypted; use https://"),
    ],
)
def test_what_should_be_known(settings: Settings, said: str) -> None:
    (text,) = warnings(settings)
    assert said in text
    assert list(all_warnings(Master(slave=(Settings(address="ok"), settings)))) == [(settings.address, text)]


def test_means_without_an_interval_are_warned_about() -> None:
    ((name, text),) = all_warnings(Master(values="mean"))
    assert (name, "set master.interval_ms" in text) == ("", True)
    assert not list(all_warnings(Master(values="mean", interval_ms=1000)))


def test_once_writes_everything_and_says_so() -> None:
    with Recorder() as slave, capture_logs():
        settings = Settings(address=f"127.0.0.1:{slave.port}")
        config = Config(meter=(HOUSE,), master=Master(slave=(settings,)))
        words = asyncio.run(once(config, 1, image(), structlog.get_logger(), clock.now_ns()))
        assert words.startswith(f"127.0.0.1:{slave.port} took 374 registers")
        assert slave.registers[791] == 791


def test_once_says_what_is_wrong() -> None:
    settings = Settings(address=f"127.0.0.1:{free_port()}")
    config = Config(meter=(HOUSE,), master=Master(slave=(settings,)))
    with capture_logs():
        with pytest.raises(PeerError, match="connection refused; does anything listen"):
            asyncio.run(once(config, 1, image(), structlog.get_logger(), clock.now_ns()))
        with pytest.raises(RefusedError, match="the measurement is stale"):
            asyncio.run(once(config, 1, image(t_ns=1), structlog.get_logger(), clock.now_ns()))
