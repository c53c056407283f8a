"""Certificates that we make."""

from pathlib import Path

import pytest
from cryptography import x509

from shared.clock import RELEASED_S
from shared.errors import RefusedError
from shared.tls.certificate import floor
from shared.tls.issue import generate
from shared.tls.pair import Kind
from tests.shared.tls.material import NOW_S, openssl

NAMES = ("meter.example", "192.0.2.1")


@pytest.mark.parametrize("kind", list(Kind))
def test_what_we_make_is_what_the_specification_wants(kind: Kind, tmp_path: Path) -> None:
    pair = generate(kind, NAMES, NOW_S, "Pusher")
    said, leaf = pair.certificate, pair.chain[0]
    assert floor(said) is None
    assert (said.subject, said.names, said.role, said.is_ca) == ("CN=meter.example", NAMES, "Pusher", False)
    assert leaf.version is x509.Version.v3
    assert leaf.serial_number > 2**64
    assert said.not_before_s < NOW_S
    assert 19.9 < (said.not_after_s - NOW_S) / (365.25 * 86400) < 20.1
    (tmp_path / "own.pem").write_bytes(pair.export())
    text = openssl("x509", "-in", tmp_path / "own.pem", "-noout", "-text")
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in text
    assert b"PRIVATE" not in pair.export()
    assert "PRIVATE" not in repr(pair)


def test_before_the_clock_is_set_a_certificate_begins_with_the_release() -> None:
    said = generate(Kind.EC, NAMES, 0.0).certificate
    assert RELEASED_S - 2 * 86400 < said.not_before_s < RELEASED_S


def test_a_role_is_read_back_and_a_bad_one_refused() -> None:
    assert generate(Kind.EC, NAMES, NOW_S, "Größe").certificate.role == "Größe"
    for bad in ("x" * 65, "a\nb"):
        with pytest.raises(RefusedError, match="a role has at most"):
            generate(Kind.EC, NAMES, NOW_S, bad)


@pytest.mark.parametrize("names", [(), ("Zähler",)])
def test_names_that_cannot_stand_in_a_certificate(names: tuple[str, ...]) -> None:
    with pytest.raises(RefusedError):
        generate(Kind.EC, names, NOW_S)
