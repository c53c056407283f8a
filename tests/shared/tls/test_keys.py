"""Our own key pairs."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from shared.errors import ConfigError, RefusedError
from shared.tls.keys import Kind, generate, load, load_both, load_or_make, request, store, take_over
from tests.shared.tls.material import DAY, NOW, NOW_S, make, openssl, own_keys

NAMES = ("meter.example", "192.0.2.1")


def test_made_once_and_kept_with_the_right_modes(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert load_both(folder) is None
    made = load_or_make(folder, NAMES, NOW_S)
    again = load_or_make(folder, ("other.example",), NOW_S)
    assert again.version == made.version
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"ec.key": 0o600, "ec.pem": 0o644, "rsa.key": 0o600, "rsa.pem": 0o644}
    assert load_both(folder) is not None


class Crash:
    """Lets so many calls pass and dies at the next."""

    def __init__(self, calls: int) -> None:
        self.left = calls

    def before(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            if not self.left:
                raise KeyboardInterrupt
            self.left -= 1
            return real(*args, **kwargs)

        return call


def test_a_crash_while_storing_leaves_one_of_the_two_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = generate(Kind.EC, NAMES, NOW_S), generate(Kind.EC, NAMES, NOW_S)
    known = {old.certificate.fingerprint, new.certificate.fingerprint}
    for calls_before_the_crash in range(7):
        folder = tmp_path / str(calls_before_the_crash)
        store(folder, old)
        crash = Crash(calls_before_the_crash)
        with monkeypatch.context() as patch:
            for owner, name in ((Path, "replace"), (Path, "unlink"), (os, "fsync")):
                patch.setattr(owner, name, crash.before(getattr(owner, name)))
            with pytest.raises(KeyboardInterrupt):
                store(folder, new)
        found = load(folder, Kind.EC)
        assert found is not None
        assert found.certificate.fingerprint in known
        store(folder, new)
        after = load(folder, Kind.EC)
        assert after is not None
        assert after.certificate.fingerprint == new.certificate.fingerprint


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    store(tmp_path, generate(Kind.EC, NAMES, NOW_S))
    (tmp_path / "ec.pem").write_bytes(generate(Kind.EC, NAMES, NOW_S).export())
    with pytest.raises(
        ConfigError, match=r"ec\.pem: the private key is not the certificate's.*put the right pair back"
    ):
        load(tmp_path, Kind.EC)
    (tmp_path / "ec.pem").unlink()
    with pytest.raises(ConfigError, match=r"ec\.pem is missing"):
        load(tmp_path, Kind.EC)
    (tmp_path / "ec.key").write_bytes(b"-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n")
    (tmp_path / "ec.pem").write_bytes(make().pem)
    with pytest.raises(ConfigError, match="not an unencrypted key") as caught:
        load(tmp_path, Kind.EC)
    assert "secret" not in str(caught.value)


def test_a_pair_made_with_one_line_of_openssl_can_be_taken_over(tmp_path: Path) -> None:
    key, pem = tmp_path / "k", tmp_path / "c"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650"),
        *("-keyout", key, "-out", pem, "-subj", "/CN=own", "-addext", "subjectAltName=DNS:own.example"),
    )
    pair = take_over(key.read_bytes(), pem.read_bytes(), 0.0)
    assert (pair.kind, pair.certificate.names) == (Kind.EC, ("own.example",))


def test_the_answer_to_our_request_is_taken_over_with_its_chain(tmp_path: Path) -> None:
    pair = own_keys().rsa
    (tmp_path / "csr").write_bytes(request(pair, NAMES, "Operator"))
    assert "verify OK" in openssl("req", "-in", tmp_path / "csr", "-noout", "-verify")
    asked = x509.load_pem_x509_csr((tmp_path / "csr").read_bytes())
    root = make("root", with_key="ec-root", ca=True)
    builder = x509.CertificateBuilder(
        root.certificate.subject, asked.subject, asked.public_key(), 77, NOW - DAY, NOW + DAY, list(asked.extensions)
    )
    issued = builder.sign(root.key, SHA256())
    chain = issued.public_bytes(Encoding.PEM) + root.pem
    taken = take_over(None, chain, NOW_S, own_keys().pairs)
    assert (taken.kind, taken.certificate.role, taken.certificate.names) == (Kind.RSA, "Operator", NAMES)
    assert taken.export() == chain
    with pytest.raises(RefusedError, match="for none of this meter's keys"):
        take_over(None, root.pem, NOW_S, own_keys().pairs)
    with pytest.raises(RefusedError, match="followed by the one of its issuer"):
        take_over(None, issued.public_bytes(Encoding.PEM) + make("other").pem, NOW_S, own_keys().pairs)
    with pytest.raises(RefusedError, match="not today"):
        take_over(None, chain, NOW_S + 10 * 86400, own_keys().pairs)


@pytest.mark.parametrize(
    ("kind", "reason"), [("rsa1024", "1024 bits"), ("p521", "secp521r1"), ("ed25519", "neither EC nor RSA")]
)
def test_a_pair_that_peers_would_refuse_is_refused(kind: str, reason: str, tmp_path: Path) -> None:
    made = make(with_key=kind)
    both = made.save(tmp_path).read_bytes()
    with pytest.raises(RefusedError, match=reason):
        take_over(both, made.pem, NOW_S)


@pytest.mark.parametrize("pem", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(pem: bytes) -> None:
    with pytest.raises(RefusedError, match="no certificates in PEM format"):
        take_over(None, pem, NOW_S)
