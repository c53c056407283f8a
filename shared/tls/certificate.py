"""What a peer's certificate says, from its DER. A stranger wrote it: reading never fails, texts are cleaned.

A certificate that cannot be read, or is below the floor, is never listed or served, whatever else is true of it.
"""

import hashlib
import ipaddress
import warnings
from functools import lru_cache
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.tls.text import clean

ROLE_OID: Final = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1")
"""R-21: the role of Modbus/TCP Security."""

MAX_DER: Final = 8192
REMEMBERED: Final = 128
"""Certificates that are not parsed again when their owner comes back; with MAX_DER, at most 1 MiB."""
MIN_RSA_BITS: Final = 2048
MAX_NAMES: Final = 32
MAX_ROLE: Final = 64

_CURVES: Final = {"secp256r1": "P-256", "secp384r1": "P-384"}
_HASHES: Final = frozenset(("sha256", "sha384", "sha512", "sha3-256", "sha3-384", "sha3-512"))
_UTF8_STRING: Final = 0x0C


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate, its texts cleaned.

    Attributes:
        fingerprint: SHA-256 of the DER in hex: the identity of the peer.
        fault: why it could not be read; then nothing else but the fingerprint is known.
        subject, issuer: RFC 4514.
        names: of subjectAltName, at most MAX_NAMES.
        serial: hex.
        not_before_s, not_after_s: seconds since 1970.
        key: kind of key, e.g. `RSA 2048` or `EC P-256`.
        key_fault: why the key is too weak.
        key_hash: SHA-256 of the public key (SubjectPublicKeyInfo) in hex.
        signature_fault: why the signature is too weak.
        role: R-21's role, empty for none.
        role_fault: why the role extension is none; then the peer has no rights.
        is_ca: basicConstraints say so.
        self_signed: subject and issuer are the same name.
    """

    fingerprint: str
    fault: str = ""
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    serial: str = ""
    not_before_s: float = 0.0
    not_after_s: float = 0.0
    key: str = ""
    key_fault: str = ""
    key_hash: str = ""
    signature_fault: str = ""
    role: str = ""
    role_fault: str = ""
    is_ca: bool = False
    self_signed: bool = False


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate in hex."""
    return hashlib.sha256(der).hexdigest()


def read(der: bytes) -> Certificate:
    """What the certificate says. Never raises for what stands in it."""
    identity = fingerprint(der)
    if len(der) > MAX_DER:
        return Certificate(fingerprint=identity, fault=f"it has {len(der)} bytes, more than {MAX_DER}")
    return _read(identity, der)


def floor(certificate: Certificate) -> str | None:
    """Why this certificate must be neither listed nor served; None where it may."""
    return certificate.fault or certificate.key_fault or certificate.signature_fault or None


def names_host(der: bytes, host: str) -> bool:
    """Whether a certificate is made out to `host`: an exact address, or a DNS name with at most `*.` in front.

    Asked of the DER, not of a `Certificate`, whose names are cut short for being shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            san = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
            names = san.value.get_values_for_type(x509.DNSName)
            addresses = san.value.get_values_for_type(x509.IPAddress)
    except Exception:  # noqa: BLE001  # a certificate that cannot be read is made out to nobody
        return False
    try:
        return ipaddress.ip_address(host) in addresses
    except ValueError:
        wanted = host.lower().rstrip(".")
    parent = wanted.partition(".")[2]
    return any(
        name == wanted or (name.startswith("*.") and "." in parent and name[2:] == parent)
        for name in (name.lower().rstrip(".") for name in names)
    )


@lru_cache(maxsize=REMEMBERED)
def _read(identity: str, der: bytes) -> Certificate:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about encodings of the stranger's, of no use to our operator
            return _parse(identity, der)
    except Exception as error:  # noqa: BLE001  # whatever a parser finds, the stranger wrote it; the reason is kept
        return Certificate(
            fingerprint=identity, fault=f"it cannot be read: {clean(str(error) or type(error).__name__)}"
        )


def _parse(identity: str, der: bytes) -> Certificate:
    found = x509.load_der_x509_certificate(der)
    key = found.public_key()
    key_name, key_fault = _judge_key(key)
    role_fault = ""
    try:
        extensions = found.extensions
    except x509.DuplicateExtension as error:
        if error.oid != ROLE_OID:
            raise
        extensions, role_fault = x509.Extensions([]), "two role extensions"  # R-65; nothing else can be read then
    role = ""
    names: tuple[str, ...] = ()
    is_ca = False
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.SubjectAlternativeName):
            names = tuple(_general_name(name) for _, name in zip(range(MAX_NAMES), value, strict=False))
        elif isinstance(value, x509.BasicConstraints):
            is_ca = value.ca
        elif isinstance(value, x509.UnrecognizedExtension) and extension.oid == ROLE_OID:
            role, role_fault = _role(value.value)
    return Certificate(
        fingerprint=identity,
        subject=clean(found.subject.rfc4514_string()),
        issuer=clean(found.issuer.rfc4514_string()),
        names=names,
        serial=clean(f"{found.serial_number:x}", 40),
        not_before_s=found.not_valid_before_utc.timestamp(),
        not_after_s=found.not_valid_after_utc.timestamp(),
        key=key_name,
        key_fault=key_fault,
        key_hash=hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest(),
        signature_fault=_judge_signature(found),
        role=role,
        role_fault=role_fault,
        is_ca=is_ca,
        self_signed=found.subject == found.issuer,
    )


def _judge_key(key: object) -> tuple[str, str]:
    """The key's name, and why it is too weak."""
    if isinstance(key, rsa.RSAPublicKey):
        weak = key.key_size < MIN_RSA_BITS
        return f"RSA {key.key_size}", f"its RSA key has {key.key_size} bits, fewer than {MIN_RSA_BITS}" if weak else ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = _CURVES.get(key.curve.name)
        return f"EC {name or key.curve.name}", "" if name else f"its curve is {key.curve.name}, not P-256 or P-384"
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519", ""
    kind = type(key).__name__.removesuffix("PublicKey")
    return kind, f"its key is of the kind {kind}, not RSA, EC or Ed25519"


def _judge_signature(found: x509.Certificate) -> str:
    algorithm = found.signature_hash_algorithm
    if algorithm is None or algorithm.name in _HASHES:  # None: Ed25519 has no separate hash
        return ""
    return f"it is signed with {algorithm.name.upper()}"


def _general_name(name: x509.GeneralName) -> str:
    if isinstance(name, x509.DirectoryName):
        return clean(name.value.rfc4514_string())
    if isinstance(name, x509.OtherName):
        return clean(name.type_id.dotted_string)
    return clean(str(name.value))


def _role(encoded: bytes) -> tuple[str, str]:
    """The role, and why it is none. R-22: one UTF8String, which as a whole is the role (R-65)."""
    if len(encoded) < 2 or encoded[0] != _UTF8_STRING:
        return "", "the role is not a UTF8String"
    if encoded[1] != len(encoded) - 2 or len(encoded) > MAX_ROLE + 2:
        return "", f"the role is badly encoded or longer than {MAX_ROLE} bytes"
    try:
        role = encoded[2:].decode()
    except UnicodeDecodeError:
        return "", "the role is not UTF-8"
    if not role or role != clean(role):
        return "", "the role is empty or has characters that cannot be shown"
    return role, ""
