"""A key pair of our own."""

from shared.tls.issue import generate
from shared.tls.pair import Kind, OwnKeys
from tests.shared.tls.material import NOW_S, own_keys

NAMES = ("meter.example",)


def test_the_version_changes_with_any_certificate() -> None:
    keys = own_keys()
    assert OwnKeys(generate(Kind.EC, NAMES, NOW_S), keys.rsa).version != keys.version


def test_a_key_is_in_no_text() -> None:
    pair = generate(Kind.EC, NAMES, NOW_S)
    assert b"PRIVATE" in pair.key_pem()
    assert b"PRIVATE" not in pair.export()
    assert repr(pair) == f"OwnPair(ec, {pair.certificate.fingerprint})"
