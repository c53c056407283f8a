"""Who is at the other end of a completed handshake, as OpenSSL saw it. Nothing here decides about trust."""

import msgspec
from OpenSSL import SSL, crypto

from shared.tls.certificate import MAX_DER, Certificate, fingerprint, read


class ChainCheck:
    """OpenSSL's opinion about a peer's chain, gathered call by call; the verify callback never stops a handshake.

    The last call is made with ok=1 even for a leaf whose issuer is unknown, so only "every call was ok" means valid.
    """

    __slots__ = ("calls", "messages", "since", "whole")

    def __init__(self) -> None:
        self.calls = 0
        self.whole = True
        self.messages = 0
        self.since = 0.0

    def add(self, ok: int) -> None:
        """One call of the verify callback."""
        self.calls += 1
        self.whole = self.whole and bool(ok)

    @property
    def valid(self) -> bool:
        """Whether the chain ends at a known CA, for this purpose, within all dates."""
        return self.calls > 0 and self.whole


class TlsPeer(msgspec.Struct, frozen=True, kw_only=True):
    """The other end, which has proven that it owns the certificate's key.

    Attributes:
        address, port: where it is.
        certificate: what its certificate says.
        der: the certificate; empty where it is over the size that may be listed.
        chain_valid: whether OpenSSL found a chain to a CA known here. Nothing more than that.
        authority: fingerprint of the CA at which a valid chain ends.
        version, cipher: what was negotiated.
    """

    address: str
    port: int
    certificate: Certificate
    der: bytes
    chain_valid: bool
    version: str
    cipher: str
    authority: str = ""


def peer_of(connection: SSL.Connection, address: str, port: int) -> TlsPeer | None:
    """The peer of a completed handshake; None where it showed no certificate, which our contexts do not allow."""
    shown = connection.get_peer_certificate()
    chain = connection.get_app_data()
    if shown is None or not isinstance(chain, ChainCheck):
        return None
    der = crypto.dump_certificate(crypto.FILETYPE_ASN1, shown)
    return TlsPeer(
        address=address,
        port=port,
        certificate=read(der),
        der=der if len(der) <= MAX_DER else b"",
        chain_valid=chain.valid,
        version=connection.get_protocol_version_name(),
        cipher=connection.get_cipher_name() or "",
        authority=_authority(connection) if chain.valid else "",
    )


def _authority(connection: SSL.Connection) -> str:
    chain = connection.get_verified_chain()
    return fingerprint(crypto.dump_certificate(crypto.FILETYPE_ASN1, chain[-1])) if chain else ""


def explain(error: SSL.Error) -> str:
    """What OpenSSL says about a failure, without anything of the peer's choosing."""
    if isinstance(error, SSL.SysCallError):
        return (
            "the peer closed the connection" if error.args[:1] == (-1,) else f"the connection broke: {error.args[-1]}"
        )
    queue = error.args[0] if error.args else ()
    reasons = [str(entry[2]) for entry in queue if len(entry) == 3 and entry[2]] if isinstance(queue, list) else []
    return ", ".join(reasons) or type(error).__name__
