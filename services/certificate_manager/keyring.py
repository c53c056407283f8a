"""Our own keys and certificates: made at the first start, replaced only because the owner asked, warned about in time.

A private key never leaves its folder, not even in a message: an imported one is put into that folder as a file by the
command line, and the message names the file.
"""

import asyncio
import socket
import time
from pathlib import Path
from typing import Any

from msgspec import UNSET

from services.certificate_manager.times import iso
from shared.config.model import Certificates
from shared.errors import ConfigError, RefusedError, UnavailableError
from shared.folder import names_in
from shared.tls import keys
from shared.tls.certificate import Certificate
from shared.tls.hand_over import NAME
from shared.tls.keys import Kind, OwnKeys, OwnPair


class Keyring:
    """The one writer of the folder of keys.

    Args:
        settings: `[certificates]`.
        run_dir: where a role without access to the folder of keys hands one over.
    """

    def __init__(self, settings: Certificates, run_dir: Path) -> None:
        self._folder = settings.keys_dir
        self._places = (settings.keys_dir, run_dir)
        self._names = settings.names or (socket.gethostname(),)
        self._role = settings.own_role
        self._keys: OwnKeys

    async def begin(self) -> None:
        """Load the pairs, or make them.

        Raises:
            UnavailableError: the folder cannot be used.
            ConfigError: what is in it is damaged.
        """
        try:
            self._keys = await asyncio.to_thread(keys.load_or_make, self._folder, self._names, time.time(), self._role)
        except OSError as error:
            raise UnavailableError(
                f"certificates.keys_dir: {self._folder} cannot be used ({error.strerror}); "
                "give a folder that belongs to the user who runs metergate, or set METERGATE_KEYS_DIR"
            ) from error
        except RefusedError as error:
            raise ConfigError(f"certificates.names, certificates.own_role: {error}") from error

    @property
    def version(self) -> str:
        """Changes with any of the certificates."""
        return self._keys.version

    def certificates(self) -> tuple[Certificate, ...]:
        """Both leaves."""
        return tuple(pair.certificate for pair in self._keys.pairs)

    def pair(self, kind: Kind) -> OwnPair:
        """One of the two."""
        return self._keys.ec if kind is Kind.EC else self._keys.rsa

    def export(self, kind: Kind | None) -> bytes:
        """Certificates in PEM, with their chains: what a peer needs to accept us."""
        return b"".join(pair.export() for pair in self._keys.pairs if kind in {None, pair.kind})

    def request(self, kind: Kind) -> bytes:
        """A certificate signing request in PEM."""
        return keys.request(self.pair(kind), self._names, self._role)

    async def renew(self, kind: Kind | None) -> list[OwnPair]:
        """New keys and certificates signed by themselves; peers have to accept them again.

        Raises:
            RefusedError: they were issued by a CA, and it was not said which to give up; or they cannot be written.
        """
        wanted = [
            pair.kind
            for pair in self._keys.pairs
            if kind is pair.kind or (kind is None and pair.certificate.self_signed)
        ]
        if not wanted:
            raise RefusedError(
                "own certificates are issued by a CA: have them renewed there (--csr, then --import), "
                "or name with --kind which to replace by one signed by itself"
            )
        made = []
        for each in wanted:
            pair = await asyncio.to_thread(keys.generate, each, self._names, time.time(), self._role)
            await self._replace(pair)
            made.append(pair)
        return made

    async def take_over(self, key_file: str, chain: bytes) -> OwnPair:
        """The owner's own pair.

        Args:
            key_file: name of a file that was handed over, which is removed; empty for the key that we have already.
            chain: certificates in PEM, leaf first.

        Raises:
            RefusedError: what is wrong with it.
        """
        key = self._handed_over(key_file) if key_file else None
        pair = keys.take_over(key, chain, time.time(), self._keys.pairs)
        await self._replace(pair)
        return pair

    def row(self, pair: OwnPair) -> dict[str, Any]:
        """As a result of a command."""
        certificate = pair.certificate
        return {
            "kind": str(pair.kind),
            "fingerprint": certificate.fingerprint,
            "subject": certificate.subject,
            "issuer": certificate.issuer,
            "names": list(certificate.names),
            "key": certificate.key,
            "role": certificate.role,
            "not_before": iso(certificate.not_before_s),
            "not_after": iso(certificate.not_after_s),
            "self_signed": certificate.self_signed,
            "chain": len(pair.chain),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Both."""
        return [self.row(pair) for pair in self._keys.pairs]

    async def _replace(self, pair: OwnPair) -> None:
        try:
            await asyncio.to_thread(keys.store, self._folder, pair)
        except OSError as error:
            raise RefusedError(f"nothing changed: {self._folder} cannot be written ({error.strerror})") from error
        ec, rsa = self._keys.pairs
        self._keys = OwnKeys(pair, rsa) if pair.kind is Kind.EC else OwnKeys(ec, pair)

    def _handed_over(self, name: str) -> bytes:
        if not NAME.fullmatch(name):
            raise RefusedError(f"{name!r} is no name of a key file handed over; `metergate certs own --import` does it")
        path = next((each / name for each in self._places if (each / name).exists()), self._folder / name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise RefusedError(f"{path} cannot be read ({error.strerror}); import where keys_dir is the same") from None
        finally:
            path.unlink(missing_ok=True)

    def forget_leftovers(self) -> None:
        """Remove private keys that were handed over when nobody was there to take them."""
        for folder in self._places:
            for name in names_in(folder):
                if NAME.fullmatch(name):
                    (folder / name).unlink(missing_ok=True)


def kind_of(value: object) -> Kind | None:
    """`ec`, `rsa`, or neither said.

    Raises:
        RefusedError: something else.
    """
    if value in {None, "", UNSET}:
        return None
    try:
        return Kind(str(value))
    except ValueError:
        raise RefusedError(f"{str(value)[:20]!r} is no kind of key; there are: ec rsa") from None
