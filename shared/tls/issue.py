"""Certificates that we make ourselves: a key with one that it signs itself, or a request for somebody to sign."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.clock import RELEASED_S, wall_is_set
from shared.errors import RefusedError
from shared.tls.certificate import MAX_ROLE, ROLE_OID
from shared.tls.pair import Kind, OwnPair, PrivateKey

YEARS: Final = 20
MAX_COMMON_NAME: Final = 64


def generate(kind: Kind, names: Sequence[str], now_s: float, role: str = "") -> OwnPair:
    """A new key with a certificate signed by itself.

    Args:
        kind: of key.
        names: host names and addresses of this meter; the first is the subject.
        now_s: wall clock. Before it was set, the certificate begins with this release.
        role: for R-20, where a master's certificate shall carry one.

    Raises:
        RefusedError: no name, or one that cannot stand in a certificate.
    """
    key = _new_key(kind)
    subject, san = _naming(names)
    begin = datetime.fromtimestamp(now_s if wall_is_set(now_s) else RELEASED_S, UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=YEARS * 365.25))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension, critical in _extensions(kind, san, role):
        builder = builder.add_extension(extension, critical=critical)
    return OwnPair(kind, key, (builder.sign(key, SHA256()),))


def request(pair: OwnPair, names: Sequence[str], role: str = "") -> bytes:
    """A certificate signing request in PEM for the key of `pair`.

    Raises:
        RefusedError: no name, or one that cannot stand in a certificate.
    """
    subject, san = _naming(names)
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension, critical in _extensions(pair.kind, san, role):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(pair.key, SHA256()).public_bytes(Encoding.PEM)


def _new_key(kind: Kind) -> PrivateKey:
    return ec.generate_private_key(ec.SECP256R1()) if kind is Kind.EC else rsa.generate_private_key(65537, 2048)


def _naming(names: Sequence[str]) -> tuple[x509.Name, x509.SubjectAlternativeName]:
    if not names:
        raise RefusedError("a certificate needs at least one host name or address of this meter")
    try:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:MAX_COMMON_NAME])])
        return subject, x509.SubjectAlternativeName([_general_name(name) for name in names])
    except ValueError as error:
        raise RefusedError(f"a name cannot stand in a certificate: {error}") from error


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _extensions(kind: Kind, san: x509.SubjectAlternativeName, role: str) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(
        digital_signature=True,
        key_encipherment=kind is Kind.RSA,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    extensions: list[tuple[x509.ExtensionType, bool]] = [(san, False), (usage, True), (purposes, False)]
    if role:
        encoded = role.encode()
        if len(encoded) > MAX_ROLE or not role.isprintable():
            raise RefusedError(f"a role has at most {MAX_ROLE} bytes in UTF-8, all printable")
        extensions.append((x509.UnrecognizedExtension(ROLE_OID, bytes((0x0C, len(encoded))) + encoded), False))
    return extensions
