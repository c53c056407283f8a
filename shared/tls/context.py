"""What our TLS offers and asks for. One context serves many connections and is never changed: new keys, new context.

The handshake always completes where the peer proves that it owns its key; who it is gets decided afterwards
(`trust`). Accepted certificates are never put in here: OpenSSL would take one with CA:TRUE for a CA.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL, crypto

from shared.tls.keys import OwnPair
from shared.tls.peer import ChainCheck

CIPHERS: Final = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    b"ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
CIPHERSUITES: Final = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

GROUPS: Final = b"P-256:P-384:X25519"
"""P-256 first (R-61): a client's first message names keys on the first one only, and small devices know no other.

Without P-384, TLS 1.2 refuses certificates on that curve. OpenSSL's own list goes down to finite fields of 2048 bits,
and up to a first message of a client that is too large for small devices.
"""

MESSAGES_PER_S: Final = 64
"""TLS messages other than data (key updates, requests to renegotiate) that a peer may send within a second.

OpenSSL works them off without ever returning while they come; a peer that sends nothing else held up all others.
"""

_OPTIONS: Final = SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION | SSL.OP_CIPHER_SERVER_PREFERENCE


def server_context(pairs: Sequence[OwnPair], authorities: Sequence[x509.Certificate] = ()) -> SSL.Context:
    """For connections that others open; every client has to show a certificate (R-07, R-10)."""
    context = _context(SSL.TLS_SERVER_METHOD, pairs, authorities)
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _collect)
    context.set_session_id(b"metergate")
    return context


def client_context(
    pair: OwnPair, authorities: Sequence[x509.Certificate] = (), *, public_authorities: bool = False
) -> SSL.Context:
    """For connections that we open.

    Args:
        pair: shown when the server asks (R-08).
        authorities: CAs known here.
        public_authorities: also the system's; only for targets given by a host name, which is then checked.
    """
    context = _context(SSL.TLS_CLIENT_METHOD, (pair,), authorities)
    context.set_verify(SSL.VERIFY_PEER, _collect)
    if public_authorities:
        context.set_default_verify_paths()
    return context


def _context(method: int, pairs: Sequence[OwnPair], authorities: Sequence[x509.Certificate]) -> SSL.Context:
    context = SSL.Context(method)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_cipher_list(CIPHERS)
    context.set_tls13_ciphersuites(CIPHERSUITES)
    _set_groups(context)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_info_callback(_watch)
    for pair in pairs:
        with _as_file(pair.chain) as path:
            context.use_certificate_chain_file(path)  # the only call that gives each kind of key a chain of its own
        context.use_privatekey(pair.key)
        context.check_privatekey()
    if authorities:
        with _as_file(authorities) as path:
            context.load_verify_locations(path)
    return context


def _set_groups(context: SSL.Context) -> None:
    """The one thing for which pyOpenSSL has no public call: `set_tmp_ecdh` knows a single curve."""
    if SSL._lib.SSL_CTX_set1_curves_list(context._context, GROUPS) != 1:  # type: ignore[attr-defined]  # noqa: SLF001
        raise RuntimeError("OpenSSL knows no P-256, P-384 and X25519")


@contextmanager
def _as_file(certificates: Sequence[x509.Certificate]) -> Iterator[bytes]:
    """Certificates under a file name, without a file: what OpenSSL reads is what was checked."""
    descriptor = os.memfd_create("certificates")
    try:
        os.write(descriptor, b"".join(certificate.public_bytes(Encoding.PEM) for certificate in certificates))
        yield b"/proc/self/fd/%d" % descriptor
    finally:
        os.close(descriptor)


def _collect(connection: SSL.Connection, shown: crypto.X509, error: int, depth: int, ok: int) -> bool:
    del shown, error, depth
    chain = connection.get_app_data()
    if isinstance(chain, ChainCheck):
        chain.add(ok)
    return True


def _watch(connection: SSL.Connection, where: int, value: int) -> None:
    """Count handshake messages; over the limit, let OpenSSL believe that the peer has closed."""
    del value
    if not where & SSL.SSL_CB_LOOP:
        return
    chain = connection.get_app_data()
    if not isinstance(chain, ChainCheck):
        return
    now = time.monotonic()
    if now - chain.since > 1.0:
        chain.since, chain.messages = now, 0
    chain.messages += 1
    if chain.messages > MESSAGES_PER_S:
        connection.set_shutdown(SSL.RECEIVED_SHUTDOWN)


_context(SSL.TLS_METHOD, (), ())  # OpenSSL looks up its algorithms for the first one: once for all, if before a fork
