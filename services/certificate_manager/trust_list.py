"""What the owner decided about certificates, as a value: a decision makes a new list from the old one. Pure."""

import time
from collections.abc import Iterable, Iterator
from typing import Annotated, Final, Literal

import msgspec
from msgspec.structs import replace

from services.certificate_manager.pending import Contact
from services.certificate_manager.times import iso
from shared.errors import RefusedError
from shared.tls.certificate import Certificate, read
from shared.tls.text import clean

MAX_ACCEPTED: Final = 500
MAX_BLOCKED: Final = 500
"""Together with labels, authorities and roles they have to fit into one message."""
MAX_LABEL: Final = 64

Status = Literal["accepted", "blocked"]
Grant = Literal["rw", "r", ""]
Fingerprint = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, as it stands in the file.

    Attributes:
        fingerprint: SHA-256 of `der`.
        status: `accepted`, or `blocked` for one that a CA would let in.
        grant: reading and writing, or reading; empty where blocked.
        label: the owner's name for it.
        subject, key, role, not_before, not_after: as the certificate says, for whoever reads the file.
        direction: `in`, `out`, `both`.
        authority: fingerprint of the CA that vouched for it when it was seen last.
        addresses: where it was seen, the latest first.
        first_seen, last_seen, decided_at: ISO 8601, UTC.
        decided_by: `cli`, `console`, ...
        der: the certificate.
    """

    fingerprint: Fingerprint
    status: Status
    grant: Grant = ""
    label: str = ""
    subject: str = ""
    key: str = ""
    role: str = ""
    not_before: str = ""
    not_after: str = ""
    direction: str = ""
    authority: str = ""
    addresses: tuple[str, ...] = ()
    first_seen: str = ""
    last_seen: str = ""
    decided_at: str = ""
    decided_by: str = ""
    der: bytes = b""


class TrustList:
    """All decisions. Never changed: `having` and `without` return another."""

    __slots__ = ("_certificates", "_entries")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: dict[str, Entry] = {entry.fingerprint: entry for entry in entries}
        self._certificates: dict[str, Certificate] = {}

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, fingerprint: str) -> Entry | None:
        """The decision about that certificate."""
        return self._entries.get(fingerprint)

    def certificate(self, fingerprint: str) -> Certificate:
        """What that certificate says; read once."""
        if fingerprint not in self._certificates:
            self._certificates[fingerprint] = read(self._entries[fingerprint].der)
        return self._certificates[fingerprint]

    def having(self, entry: Entry) -> "TrustList":
        """With this decision, in place of an earlier one about the same certificate.

        Raises:
            RefusedError: there are too many.
        """
        limit = MAX_ACCEPTED if entry.status == "accepted" else MAX_BLOCKED
        others = sum(each.status == entry.status for each in self if each.fingerprint != entry.fingerprint)
        if others >= limit:
            raise RefusedError(f"{limit} certificates are {entry.status} already; delete or unblock some first")
        return self._changed({**self._entries, entry.fingerprint: entry})

    def without(self, fingerprint: str) -> "TrustList":
        """With no decision about that certificate."""
        return self._changed({key: entry for key, entry in self._entries.items() if key != fingerprint})

    def accepted(self) -> dict[str, str]:
        """Fingerprint -> grant."""
        return {entry.fingerprint: entry.grant for entry in self if entry.status == "accepted"}

    def blocked(self) -> tuple[str, ...]:
        """Fingerprints."""
        return tuple(entry.fingerprint for entry in self if entry.status == "blocked")

    def labels(self) -> dict[str, str]:
        """Fingerprint -> label, where an accepted one has a label."""
        return {entry.fingerprint: entry.label for entry in self if entry.label and entry.status == "accepted"}

    def same_key(self, certificate: Certificate) -> Entry | None:
        """An accepted certificate other than this one, for the same key."""
        if not certificate.key_hash:
            return None
        return next(
            (
                entry
                for entry in self
                if entry.status == "accepted"
                and entry.fingerprint != certificate.fingerprint
                and self.certificate(entry.fingerprint).key_hash == certificate.key_hash
            ),
            None,
        )

    def _changed(self, entries: dict[str, Entry]) -> "TrustList":
        changed = TrustList(entries.values())
        changed._certificates = {key: read_ for key, read_ in self._certificates.items() if key in entries}
        return changed


def entry_of(contact: Contact, status: Status) -> Entry:
    """A decision about a contact, without a grant as yet."""
    certificate = contact.certificate
    return Entry(
        fingerprint=certificate.fingerprint,
        status=status,
        subject=certificate.subject,
        key=certificate.key,
        role=certificate.role,
        not_before=iso(certificate.not_before_s),
        not_after=iso(certificate.not_after_s),
        direction=contact.direction,
        authority=contact.authority,
        addresses=contact.addresses,
        first_seen=iso(contact.first_seen_s),
        last_seen=iso(contact.last_seen_s),
        der=contact.der,
    )


def decided(entry: Entry, by: str, *, status: Status = "accepted", grant: Grant, label: str | None = None) -> Entry:
    """With this decision, made now."""
    named = entry.label if label is None else label
    return replace(entry, status=status, grant=grant, label=named, decided_at=iso(time.time()), decided_by=by)


def checked_label(label: str) -> str:
    """The label.

    Raises:
        RefusedError: it is too long, or has characters that cannot be shown.
    """
    if clean(label, MAX_LABEL + 1) != label or len(label.encode()) > MAX_LABEL:
        raise RefusedError(f"a label has at most {MAX_LABEL} bytes in UTF-8, all printable")
    return label
