"""`state_dir/trust.json`: what survives of the trust list. Written whole and durably, or not at all.

Write beside, fsync, rename, fsync the folder; only then is a decision acknowledged. A file that is damaged means that
nothing is accepted: it is kept aside for its owner to look at, and never is an older copy used in its place, since that
would bring deleted certificates back. The checksum is over the text of the list as it stands in the file.
"""

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from services.certificate_manager.trust_list import Entry, TrustList
from shared.durable import sync_folder
from shared.errors import MetergateError
from shared.tls.certificate import fingerprint

FORMAT: Final = 1


class StoreError(MetergateError):
    """The trust list cannot be written; the text says why."""


class _File(msgspec.Struct):
    format: int
    certificates: msgspec.Raw
    sha256: str


class TrustStore:
    """The file.

    Args:
        state_dir: of the settings.

    Attributes:
        fault: why the file could not be used at the start; empty where it could, or there was none.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "trust.json"
        self._beside = state_dir / "trust.json.new"
        self._stuck = ""
        self.fault = ""

    def load(self) -> TrustList:
        """The list as written last; empty where there is none, or where it is damaged, see `fault`."""
        try:
            entries = decode(self._path.read_bytes())
        except FileNotFoundError:
            return TrustList()
        except (OSError, ValueError) as error:
            self.fault = f"{self._path} cannot be used ({error}); nothing is accepted any more"
            self._put_aside()
            return TrustList()
        return TrustList(entries)

    def write(self, entries: Iterable[Entry]) -> None:
        """Replace the list; durable when this returns. Blocks.

        Raises:
            StoreError: the disk refused; the file may hold this list or the one before.
        """
        if self._stuck:
            raise StoreError(self._stuck)
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(encode(entries))
                file.flush()
                os.fsync(file.fileno())
            self._beside.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as error:
            raise StoreError(f"cannot write {self._path}: {error.strerror or error}") from error

    def _put_aside(self) -> None:
        stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        number, aside = 0, self._path.with_name(f"trust.json.damaged-{stamp}")
        while aside.exists():
            number += 1
            aside = self._path.with_name(f"trust.json.damaged-{stamp}-{number}")
        try:
            self._path.rename(aside)
            sync_folder(aside.parent)
        except OSError as error:
            self._stuck = f"{self._path} is damaged and cannot be put aside ({error.strerror}); move it, then restart"
            self.fault += f"; {self._stuck}"
        else:
            self.fault += f"; it is kept as {aside.name}"


def encode(entries: Iterable[Entry]) -> bytes:
    """The file's content."""
    listed = msgspec.json.format(msgspec.json.encode(list(entries)), indent=2)
    checksum = hashlib.sha256(listed).hexdigest()
    return b'{"format": %d, "certificates": %s, "sha256": "%s"}\n' % (FORMAT, listed, checksum.encode())


def decode(content: bytes) -> list[Entry]:
    """What the file holds.

    Raises:
        ValueError: it is damaged.
    """
    file = msgspec.json.decode(content, type=_File)  # its error is a ValueError
    if file.format != FORMAT:
        raise ValueError(f"its format is {file.format}, not {FORMAT}")
    listed = bytes(file.certificates)
    if hashlib.sha256(listed).hexdigest() != file.sha256:
        raise ValueError("its checksum is wrong")
    entries = msgspec.json.decode(listed, type=list[Entry])
    for entry in entries:
        if fingerprint(entry.der) != entry.fingerprint:
            raise ValueError(f"the certificate at {entry.fingerprint} is another one")
        if (entry.status == "accepted") is (entry.grant == ""):
            raise ValueError(f"the certificate at {entry.fingerprint} is {entry.status} with grant {entry.grant!r}")
    return entries
