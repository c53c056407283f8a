"""The owner's certificate authorities: PEM files of one folder. Whom they vouch for is served without being accepted.

Only what is a CA counts: a leaf put here by mistake would be a pin that no Delete shows.
"""

from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from shared.tls.certificate import Certificate, floor, read
from shared.tls.text import clean

SUFFIXES: Final = frozenset((".pem", ".crt", ".cer"))
LARGEST_BYTES: Final = 64 * 1024
"""Of all together: they travel in one message."""

Mark = tuple[tuple[str, int, int], ...]
"""Name, time of change and size of each file: whether there is something to read."""


class Authority(msgspec.Struct, frozen=True):
    """One CA certificate: what it says, and in which file it stands."""

    certificate: Certificate
    file: str


class Authorities(msgspec.Struct, frozen=True):
    """The folder as it was read.

    Attributes:
        pem: all usable ones.
        found: the same, described.
        faults: what could not be used, by file.
        mark: of the files.
    """

    pem: bytes = b""
    found: tuple[Authority, ...] = ()
    faults: tuple[str, ...] = ()
    mark: Mark = ()

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of all usable ones."""
        return frozenset(each.certificate.fingerprint for each in self.found)


def mark(folder: Path) -> Mark:
    """What `Authorities.mark` would be if the folder were read now."""
    marks = []
    for path in _files(folder):
        try:
            stat = path.stat()
        except OSError:
            marks.append((path.name, 0, 0))
        else:
            marks.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(marks)


def load(folder: Path, without: str = "") -> Authorities:
    """Read every file but `without`; one that is broken does not keep the others out."""
    before = mark(folder)
    pem = b""
    found: dict[str, Authority] = {}
    faults: list[str] = []
    for path in _files(folder):
        if path.name == without:
            continue
        try:
            certificates = x509.load_pem_x509_certificates(_content(path))
        except (OSError, ValueError) as error:
            faults.append(f"{clean(path.name)}: no certificates can be read from it ({clean(str(error), 120)})")
            continue
        for certificate in certificates:
            said = read(certificate.public_bytes(Encoding.DER))
            fault = floor(said) or ("" if said.is_ca else "it is no CA certificate (basicConstraints CA:TRUE)")
            text = certificate.public_bytes(Encoding.PEM)
            if not fault and len(pem) + len(text) > LARGEST_BYTES:
                fault = f"all authorities together have more than {LARGEST_BYTES} bytes"
            if fault:
                faults.append(f"{clean(path.name)}: {said.subject or said.fingerprint[:16]} is not used: {fault}")
            elif said.fingerprint not in found:
                found[said.fingerprint] = Authority(said, clean(path.name))
                pem += text
    return Authorities(pem, tuple(found.values()), tuple(faults), before)


def _content(path: Path) -> bytes:
    if not path.is_file() or path.stat().st_size > LARGEST_BYTES:  # a pipe would never end, nor would a device
        raise ValueError(f"it is no file of at most {LARGEST_BYTES} bytes")
    return path.read_bytes()


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except (FileNotFoundError, NotADirectoryError):
        return []
