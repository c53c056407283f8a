import os
import re
from pathlib import Path

import pytest

from shared.config.load import load, parse
from shared.config.model import Config
from shared.errors import ConfigError
from supervisor.settings import Settings

GOOD = "[slave]\nport = 1502\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "metergate.toml"
    path.write_text(GOOD)
    return path


def reload(settings: Settings) -> Config | None:
    """What was in force before, where the file brought a change."""
    draft = settings.read()
    return None if draft is None else settings.take(draft)


def test_a_wrong_file_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("[slave]\nport = 0\n", r"metergate\.toml:2: slave\.port"),
        ("[slave\n", r"metergate\.toml:1: is not valid TOML"),
        ("", "the file is empty"),
        ("[slave]\nprot = 1502\n", r"metergate\.toml:2: slave\.prot"),
    ],
)
def test_a_wrong_change_is_named_and_changes_nothing(file: Path, content: str, error: str) -> None:
    settings = Settings(file)
    before = settings.config
    file.write_text(content)
    assert reload(settings) is None
    assert re.search(error, settings.error)
    assert settings.config is before
    settings.hand_over(file.with_name("copy.toml"))
    assert file.with_name("copy.toml").read_text() == GOOD, "a role that starts now still gets the good ones"
    file.write_text(GOOD)
    assert reload(settings) is None
    assert not settings.error


def test_a_right_change_returns_what_was_before(file: Path) -> None:
    settings = Settings(file)
    before = settings.config
    file.write_text("[slave]\nport = 1503\n")
    assert reload(settings) is before
    assert settings.config.slave.port == 1503
    assert not settings.pending
    file.write_text("# the same\n[slave]\nport = 1503\n")
    assert reload(settings) is None


def test_what_the_supervisor_itself_uses_waits_for_a_restart(file: Path) -> None:
    settings = Settings(file)
    file.write_text(GOOD + "[log]\nlevel = 'debug'\n[gateway]\nrun_dir = 'elsewhere'\n")
    reload(settings)
    assert settings.pending == "[gateway] [log] changed; restart metergate to use it"
    file.write_text(GOOD)
    reload(settings)
    assert not settings.pending


def test_what_waits_for_a_restart_stays_as_it_was_for_the_roles_too(file: Path) -> None:
    file.write_text(GOOD + "[supervisor]\nbeat_timeout_s = 2\n")
    settings = Settings(file)
    copy = file.with_name("copy.toml")
    settings.hand_over(copy)
    before = settings.config
    changed = "[slave]\nport = 1503\n"
    pending = "[supervisor]\nbeat_timeout_s = 9\n[bus]\nport = 7000\n[gateway]\nstate_dir = 'elsewhere'\n"
    file.write_text(GOOD + pending)
    assert reload(settings) is None, "nothing that counts now has changed"
    assert settings.pending == "[gateway] [bus] [supervisor] changed; restart metergate to use it"
    file.write_text(changed + pending)
    assert reload(settings) == before
    for found in (settings.config, parse(copy.read_bytes(), file)):
        assert found.slave.port == 1503
        assert (found.bus, found.supervisor, found.gateway) == (before.bus, before.supervisor, before.gateway)
    file.write_text(changed + "[supervisor]\nbeat_timeout_s = 2.0\n")
    assert reload(settings) is None
    assert not settings.pending
    assert parse(copy.read_bytes(), file) == load(file)


def test_what_is_no_file_or_far_too_large_is_refused_without_waiting(file: Path) -> None:
    settings = Settings(file)
    file.unlink()
    os.mkfifo(file)
    reload(settings)
    assert "is a pipe or a device" in settings.error
    file.unlink()
    file.symlink_to("/dev/zero")
    reload(settings)
    assert "is a pipe or a device" in settings.error
    file.unlink()
    with file.open("wb") as huge:
        huge.truncate(1 << 40)
    reload(settings)
    assert "has more than 1048576 bytes" in settings.error
