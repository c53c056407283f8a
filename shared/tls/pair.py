"""An own key pair: a private key and the certificates that go with it. No key is ever put into a text, nor an error."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.tls.certificate import Certificate, read

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


class Kind(StrEnum):
    """The two pairs; the value is the name of the files."""

    EC = "ec"
    RSA = "rsa"


@dataclass(frozen=True, slots=True)
class OwnPair:
    """A private key and the certificates that go with it.

    Attributes:
        kind: which of the two pairs.
        key: private.
        chain: leaf first.
    """

    kind: Kind
    key: PrivateKey
    chain: tuple[x509.Certificate, ...]

    def __repr__(self) -> str:
        """Without the key."""
        return f"OwnPair({self.kind}, {self.certificate.fingerprint})"

    @property
    def certificate(self) -> Certificate:
        """What the leaf says."""
        return read(self.chain[0].public_bytes(Encoding.DER))

    def export(self) -> bytes:
        """The chain as PEM: what a peer needs to accept us."""
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in self.chain)

    def key_pem(self) -> bytes:
        """The private key, for its file only."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class OwnKeys:
    """Both pairs."""

    ec: OwnPair
    rsa: OwnPair

    @property
    def pairs(self) -> tuple[OwnPair, OwnPair]:
        """For a server: OpenSSL shows the one that the client knows."""
        return self.ec, self.rsa

    @property
    def version(self) -> str:
        """Changes with any of the certificates."""
        return hashlib.sha256(self.ec.export() + self.rsa.export()).hexdigest()
