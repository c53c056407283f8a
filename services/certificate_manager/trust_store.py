"""`state_dir/trust.json`: what survives of the trust list. Written whole and durably, or not at all.

Write beside, fsync, rename, fsync the folder; only then is a decision acknowledged. A file that is damaged means that
nothing is accepted: it is kept aside for its owner to look at, and never is an older copy used in its place, since that
would bring deleted certificates back. The checksum is over the text of the list as it stands in the file, and over
`log`: how far the audit log was on disk when it was written, by which `recall` knows an older copy that was put back.
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from services.certificate_manager.trust_list import Entry, TrustList
from shared import durable
from shared.errors import MetergateError, UnavailableError
from shared.tls.certificate import fingerprint

FORMAT: Final = 1


class StoreError(MetergateError):
    """The trust list cannot be written; the text says why."""


class _File(msgspec.Struct):
    format: int
    certificates: msgspec.Raw
    sha256: str
    log: int = 0


class Content(msgspec.Struct, frozen=True):
    """What the file holds.

    Attributes:
        entries: the list.
        log: last line of the audit log that was on disk when the list was written; 0 where that was not noted.
    """

    entries: tuple[Entry, ...] = ()
    log: int = 0


class TrustStore:
    """The file.

    Args:
        state_dir: of the settings.

    Attributes:
        fault: why the file could not be used at the start; empty where it could, or there was none.
        log: see `Content`; of the file that was loaded.
    """

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "trust.json"
        self._stuck = ""
        self.fault = ""
        self.log = 0

    def load(self) -> TrustList:
        """The list as written last; empty where there is none, or where it is damaged, see `fault`.

        Raises:
            UnavailableError: it cannot be read, which says nothing of what is in it.
        """
        try:
            content = decode(self._path.read_bytes())
        except FileNotFoundError:
            return TrustList()
        except OSError as error:
            raise UnavailableError(
                f"gateway.state_dir: {error.filename or self._path} cannot be used ({error.strerror}); "
                "give a folder that belongs to the user who runs metergate, or set METERGATE_STATE_DIR"
            ) from error
        except ValueError as error:
            self.fault = f"{self._path} cannot be used ({error}); nothing is accepted any more"
            self._put_aside()
            return TrustList()
        self.log = content.log
        return TrustList(content.entries)

    def write(self, entries: Iterable[Entry], log: int = 0) -> None:
        """Replace the list; durable when this returns. Blocks.

        Args:
            entries: the list.
            log: see `Content`.

        Raises:
            StoreError: the disk refused; the file may hold this list or the one before.
        """
        if self._stuck:
            raise StoreError(self._stuck)
        try:
            durable.replace(self._path, encode(entries, log))
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
            durable.sync_folder(aside.parent)
        except OSError as error:
            self._stuck = f"{self._path} is damaged and cannot be put aside ({error.strerror}); move it, then restart"
            self.fault += f"; {self._stuck}"
        else:
            self.fault += f"; it is kept as {aside.name}"


def encode(entries: Iterable[Entry], log: int = 0) -> bytes:
    """The file's content."""
    listed = msgspec.json.format(msgspec.json.encode(list(entries)), indent=2)
    return b'{"format": %d, "certificates": %s, "log": %d, "sha256": "%s"}\n' % (
        FORMAT,
        listed,
        log,
        _checksum(listed, log).encode(),
    )


def decode(content: bytes) -> Content:
    """What the file holds.

    Raises:
        ValueError: it is damaged.
    """
    file = msgspec.json.decode(content, type=_File)  # its error is a ValueError
    if file.format != FORMAT:
        raise ValueError(f"its format is {file.format}, not {FORMAT}")
    listed = bytes(file.certificates)
    if _checksum(listed, file.log) != file.sha256:
        raise ValueError("its checksum is wrong")
    entries = msgspec.json.decode(listed, type=tuple[Entry, ...])
    for entry in entries:
        if fingerprint(entry.der) != entry.fingerprint:
            raise ValueError(f"the certificate at {entry.fingerprint} is another one")
        if (entry.status == "accepted") is (entry.grant == ""):
            raise ValueError(f"the certificate at {entry.fingerprint} is {entry.status} with grant {entry.grant!r}")
    return Content(entries, file.log)


def _checksum(listed: bytes, log: int) -> str:
    return hashlib.sha256(listed + (b"%d" % log if log else b"")).hexdigest()
