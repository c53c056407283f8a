"""Changes of the folder of authorities that the owner makes by command: what may go in, and that it is durable."""

import os
import re
import tempfile
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from services.certificate_manager.authorities import LARGEST_BYTES, SUFFIXES
from shared.durable import sync_folder
from shared.errors import RefusedError
from shared.tls.certificate import Certificate, floor, read
from shared.tls.text import clean

NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""Of a file that is put there, without its suffix."""


def judged(pem: str, known_bytes: int) -> tuple[Certificate, ...]:
    """The certificates of a text, each of which may be an authority.

    Args:
        pem: one certificate or more.
        known_bytes: of all authorities that there are already.

    Raises:
        RefusedError: what is wrong.
    """
    if "PRIVATE KEY" in pem:
        raise RefusedError("there is a private key in it; an authority needs its certificate only")
    try:
        found = x509.load_pem_x509_certificates(pem.encode("ascii"))
    except ValueError as error:
        raise RefusedError(f"no certificate in PEM can be read from it ({clean(str(error), 120)})") from None
    size = known_bytes
    judged = []
    for certificate in found:
        said = read(certificate.public_bytes(Encoding.DER))
        size += len(certificate.public_bytes(Encoding.PEM))
        if not said.is_ca:
            raise RefusedError(f"{_name(said)} is no CA certificate (basicConstraints CA:TRUE): it vouches for nobody")
        if fault := floor(said):
            raise RefusedError(f"{_name(said)} cannot be used: {fault}")
        judged.append(said)
    if size > LARGEST_BYTES:
        raise RefusedError(f"all authorities together would have more than {LARGEST_BYTES} bytes; remove one first")
    return tuple(judged)


def prepare(folder: Path, name: str, pem: str) -> Path:
    """Write a new file beside its place, durably; nobody reads it there. `place` puts it in, `drop` takes it away.

    Raises:
        RefusedError: the name is none, or there is such a file, or the folder cannot be written.
    """
    if not NAME.fullmatch(name):
        raise RefusedError(f"{clean(name, 64)!r} is no name: give letters, digits, - and _, at most 64, without .pem")
    if (folder / f"{name}.pem").exists():
        raise _taken(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(prefix=f".{name}.", suffix=".new", dir=folder)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(pem.encode("ascii"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RefusedError(
            f"nothing changed: {folder} cannot be written ({error.strerror}); put {name}.pem there by hand"
        ) from error
    return Path(beside)


def place(beside: Path, name: str) -> None:
    """Put a prepared file in its place, durably.

    Raises:
        RefusedError: there is such a file meanwhile, or the folder cannot be written.
    """
    path = beside.with_name(f"{name}.pem")
    try:
        os.link(beside, path)  # unlike a rename it replaces nothing
        try:
            sync_folder(beside.parent)
        except OSError:
            path.unlink()
            raise
    except FileExistsError:
        raise _taken(name) from None
    except OSError as error:
        raise RefusedError(f"nothing changed: {beside.parent} cannot be written ({error.strerror})") from error


def drop(beside: Path) -> None:
    """Take a prepared file away."""
    beside.unlink(missing_ok=True)


def known(folder: Path, file: str) -> Path:
    """The file of that name in the folder.

    Raises:
        RefusedError: there is none.
    """
    path = folder / file
    if Path(file).name != file or path.suffix.lower() not in SUFFIXES or not path.exists():
        raise RefusedError(f"{folder} has no file {clean(file, 64)!r}; `certs ca` shows those that it has")
    return path


def take_out(path: Path) -> None:
    """Remove a file, durably.

    Raises:
        OSError: it cannot be removed.
    """
    path.unlink()
    sync_folder(path.parent)


def _name(certificate: Certificate) -> str:
    return certificate.subject or certificate.fingerprint[:16]


def _taken(name: str) -> RefusedError:
    return RefusedError(f"there is a file {name}.pem already; give another name, or remove that one first")
