from pathlib import Path

import pytest

from shared.config.load import parse
from shared.errors import ConfigError


def console(text: str) -> tuple[bool, bool]:
    found = parse(f"[console]\n{text}\n".encode(), Path("/etc/metergate.toml"), {}).console
    return found.is_local, found.https


@pytest.mark.parametrize(
    ("text", "is_local", "https"),
    [
        ("", True, False),
        ('host = "127.0.0.2"', True, False),
        ('host = "::1"', True, False),
        ('host = "localhost"', True, False),
        ('host = "0.0.0.0"', False, True),
        ('host = "::"', False, True),
        ('host = "gateway.lan"', False, True),
        ('tls = "on"', True, True),
        ('tls = "off"', True, False),
    ],
)
def test_passwords_cross_a_network_only_encrypted(text: str, is_local: bool, https: bool) -> None:
    assert console(text) == (is_local, https)


def test_http_beyond_this_machine_is_refused_with_the_cure() -> None:
    with pytest.raises(ConfigError, match=r"console\.tls: is 'off' beside console\.host '0\.0\.0\.0'.*in plain"):
        console('host = "0.0.0.0"\ntls = "off"')
