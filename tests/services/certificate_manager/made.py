"""Certificates for tests, made once and fast."""

from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from shared.bus.messages import Seen
from shared.tls.certificate import ROLE_OID, fingerprint

DAY = timedelta(days=1)
_serials = count(1000)


@cache
def key(number: int = 0) -> ec.EllipticCurvePrivateKey:
    """The same for the same number."""
    del number
    return ec.generate_private_key(ec.SECP256R1())


def der(
    name: str = "client",
    *,
    key_number: int = 0,
    ends: timedelta = 400 * DAY,
    begins: timedelta = -DAY,
    is_ca: bool = False,
    issuer: str = "",
    role: str = "",
    weak: bool = False,
) -> bytes:
    """A new certificate; no two are the same."""
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    owner = ec.generate_private_key(ec.SECP256K1()) if weak else key(key_number)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]) if issuer else subject)
        .public_key(owner.public_key())
        .serial_number(next(_serials))
        .not_valid_before(now + begins)
        .not_valid_after(now + ends)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if role:
        value = bytes((12, len(role))) + role.encode()
        builder = builder.add_extension(x509.UnrecognizedExtension(ROLE_OID, value), critical=False)
    signed = builder.sign(owner, SHA256())
    return signed.public_bytes(Encoding.DER)


def pem(certificate: bytes) -> bytes:
    """The same in PEM."""
    return x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)


def seen(certificate: bytes, address: str = "192.168.0.9", seq: int = 1, **fields: str) -> Seen:
    """As a TLS instance tells of it."""
    known = {"direction": "in", "verdict": "PENDING", **fields}
    return Seen(
        src="tls-slave", gen=1, seq=seq, t_ns=1, fingerprint=fingerprint(certificate), der=certificate,
        address=address, **known,
    )  # fmt: skip
