import ssl
from pathlib import Path

import pytest

from services.console.security.certificate import https, own_names
from shared.errors import ConfigError, UnavailableError


def test_key_and_certificate_are_made_once_and_used_again(tmp_path: Path) -> None:
    context, fingerprint = https(tmp_path, "0.0.0.0", ("gateway.lan",))
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert https(tmp_path, "0.0.0.0", ())[1] == fingerprint
    assert (tmp_path / "ec.key").stat().st_mode & 0o777 == 0o600


def test_damaged_files_are_named(tmp_path: Path) -> None:
    https(tmp_path, "127.0.0.1", ())
    (tmp_path / "ec.pem").write_text("nothing", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"ec\.pem"):
        https(tmp_path, "127.0.0.1", ())


def test_a_folder_that_cannot_be_used_is_told_as_what_may_pass(tmp_path: Path) -> None:
    (tmp_path / "console").write_text("a file", encoding="utf-8")
    with pytest.raises(UnavailableError, match=r"gateway\.state_dir: .* cannot be used \(.+\); give a folder"):
        https(tmp_path / "console", "127.0.0.1", ())


def test_the_certificate_has_every_name_under_which_the_page_is_opened() -> None:
    names = own_names("192.0.2.7", ("gateway.lan",))
    assert names[0] == "gateway.lan"
    assert {"localhost", "127.0.0.1", "::1", "192.0.2.7"} <= set(names)
    assert "0.0.0.0" not in own_names("0.0.0.0", ())
    assert own_names("meter.example", ())[-1] == "meter.example"
