"""Our own key pairs, EC P-256 and RSA 2048: made, checked, kept in a folder, replaced by the owner's.

In the folder `ec.key ec.pem rsa.key rsa.pem`; a `.pem` holds the whole chain, leaf first, root last (R-46). Nothing is
renewed by itself: every peer has pinned what it accepted. No key is ever put into a text, not even into an error.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.clock import wall_is_set
from shared.durable import sync_folder, write_new
from shared.errors import ConfigError, RefusedError
from shared.tls.certificate import floor, read
from shared.tls.issue import generate, request
from shared.tls.pair import Kind, OwnKeys, OwnPair, PrivateKey

__all__ = (
    "Kind",
    "OwnKeys",
    "OwnPair",
    "generate",
    "load",
    "load_both",
    "load_or_make",
    "request",
    "store",
    "take_over",
)

MAX_CHAIN: Final = 10


def take_over(key_pem: bytes | None, chain_pem: bytes, now_s: float, known: Sequence[OwnPair] = ()) -> OwnPair:
    """The owner's pair, checked.

    Args:
        key_pem: the private key; None where `chain_pem` answers a request that was made for a key in `known`.
        chain_pem: leaf, intermediates, root.
        now_s: wall clock.
        known: the pairs in use.

    Raises:
        RefusedError: says what is wrong and what to do about it.
    """
    chain = _read_chain(chain_pem)
    leaf = chain[0]
    key = _matching_key(key_pem, leaf, known)
    if leaf.version is not x509.Version.v3:
        raise RefusedError("the certificate is not X.509 version 3 (R-03): have it issued with extensions")
    said = read(leaf.public_bytes(Encoding.DER))
    if (fault := floor(said)) is not None:
        raise RefusedError(f"the certificate cannot be used: {fault}")
    if wall_is_set(now_s) and not said.not_before_s <= now_s <= said.not_after_s:
        raise RefusedError(
            f"the certificate is valid from {leaf.not_valid_before_utc:%Y-%m-%d} to"
            f" {leaf.not_valid_after_utc:%Y-%m-%d}, not today: have it renewed, or set the clock"
        )
    for child, issuer in pairwise(chain):
        try:
            child.verify_directly_issued_by(issuer)
        except Exception as error:
            raise RefusedError(
                "the chain is not in order: each certificate has to be followed by the one of its issuer"
            ) from error
    return OwnPair(Kind.RSA if isinstance(key, rsa.RSAPrivateKey) else Kind.EC, key, chain)


def store(folder: Path, pair: OwnPair) -> None:
    """Keep a pair, durably. A crash at any moment leaves the old or the new pair for `load`.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key, chain = folder / f"{pair.kind}.key", folder / f"{pair.kind}.pem"
    new_key, new_chain = key.with_suffix(".key.new"), chain.with_suffix(".pem.new")
    write_new(new_chain, pair.export(), 0o644)
    write_new(new_key, pair.key_pem())
    sync_folder(folder)
    new_key.replace(key)  # from here on `load` finds the key's chain in the new file
    new_chain.replace(chain)
    sync_folder(folder)


def load(folder: Path, kind: Kind) -> OwnPair | None:
    """The pair kept last; None where there is none.

    Raises:
        ConfigError: the files are damaged or do not belong together.
    """
    key_path = folder / f"{kind}.key"
    fault = ""
    for _ in range(3):  # another process may be replacing the pair between two of our reads
        try:
            key_pem = key_path.read_bytes()
        except FileNotFoundError:
            return None
        for chain_path in (folder / f"{kind}.pem", folder / f"{kind}.pem.new"):
            try:
                chain = _read_chain(chain_path.read_bytes())
                return OwnPair(kind, _matching_key(key_pem, chain[0], ()), chain)
            except FileNotFoundError:
                fault = fault or f"{chain_path} is missing"
            except RefusedError as error:
                fault = fault or f"{chain_path}: {error}"
    raise ConfigError(
        f"{fault}; put the right pair back, or remove {key_path} for a new one (peers must accept it again)"
    )


def load_both(folder: Path) -> OwnKeys | None:
    """Both pairs, or None where one is missing.

    Raises:
        ConfigError: the files are damaged or do not belong together.
    """
    found_ec, found_rsa = load(folder, Kind.EC), load(folder, Kind.RSA)
    return None if found_ec is None or found_rsa is None else OwnKeys(found_ec, found_rsa)


def load_or_make(folder: Path, names: Sequence[str], now_s: float, role: str = "") -> OwnKeys:
    """Both pairs; what is missing is made and kept. For the one writer of the folder.

    Raises:
        ConfigError: the files are damaged or do not belong together.
        OSError: the folder cannot be written.
    """
    pairs: list[OwnPair] = []
    for kind in Kind:
        pair = load(folder, kind)
        if pair is None:
            pair = generate(kind, names, now_s, role)
            store(folder, pair)
        pairs.append(pair)
    return OwnKeys(*pairs)


def _read_chain(pem: bytes) -> tuple[x509.Certificate, ...]:
    try:
        chain = tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:
        raise RefusedError(f"no certificates in PEM format ({error})") from error
    if len(chain) > MAX_CHAIN:
        raise RefusedError(f"{len(chain)} certificates are more than the {MAX_CHAIN} of a chain")
    return chain


def _matching_key(key_pem: bytes | None, leaf: x509.Certificate, known: Sequence[OwnPair]) -> PrivateKey:
    try:
        public = leaf.public_key()
    except Exception as error:
        raise RefusedError("the certificate's public key cannot be read") from error
    wanted = _public_bytes(public)
    if key_pem is None:
        for pair in known:
            if _public_bytes(pair.key.public_key()) == wanted:
                return pair.key
        raise RefusedError("the certificate is for none of this meter's keys: import its private key with it")
    try:
        key = load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as error:  # the cause may show parts of the key
        raise RefusedError("the private key is not an unencrypted key in PEM format") from (
            None if isinstance(error, ValueError) else error
        )
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise RefusedError("the private key is neither EC nor RSA")
    if _public_bytes(key.public_key()) != wanted:
        raise RefusedError("the private key is not the certificate's: export both from the same place")
    return key


def _public_bytes(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey):
        raise RefusedError("the certificate's key is neither EC nor RSA")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
