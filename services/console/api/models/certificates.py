"""Certificates of others, our own, and authorities. Every text of a certificate is only ever to be shown as text."""

from typing import Annotated, Literal

from msgspec import Meta

from services.console.api.models.common import Answer, Ask, Words

Grant = Literal["rw", "r"]
Label = Annotated[str, Meta(max_length=64)]
KeyKind = Literal["ec", "rsa"]
Pem = Annotated[str, Meta(min_length=1, max_length=100_000)]


class Certificate(Answer, frozen=True, kw_only=True):
    """A certificate that was seen, and what the owner decided.

    Attributes:
        fingerprint: SHA-256, hex: its identity.
        groups: the same in groups of four, for comparing by eye.
        status: `pending`, `accepted`, `ca` (an authority vouches for it), `blocked`.
        grant: `rw` reads and writes, `r` reads only; empty where nothing is granted.
        label: the owner's name for it.
        subject, role, key: what it says; `key` such as `EC P-256`.
        not_before, not_after: validity.
        direction: `in` a client of ours, `out` a meter or slave that we connect to, `both`, or empty.
        first_seen, last_seen: times; empty for never.
        addresses: from where, the latest first.
        authority: fingerprint of the local CA that vouches for it.
        reason: why it has this status, in words.
        decided_at, decided_by: of the last decision.
        connections: open now.
        flags: what to look at, in words: expired, bad role, is a CA.
    """

    fingerprint: str
    groups: tuple[str, ...]
    status: Literal["pending", "accepted", "ca", "blocked"]
    grant: Literal["rw", "r", ""] = ""
    label: str = ""
    subject: str = ""
    role: str = ""
    key: str = ""
    not_before: str = ""
    not_after: str = ""
    direction: str = ""
    first_seen: str = ""
    last_seen: str = ""
    addresses: tuple[str, ...] = ()
    authority: str = ""
    reason: Words = ""
    decided_at: str = ""
    decided_by: str = ""
    connections: int = 0
    flags: tuple[Words, ...] = ()


class Certificates(Answer, frozen=True, kw_only=True):
    """GET /certificates: pending first, then accepted, vouched for, blocked.

    Attributes:
        certificates: the list.
        running: whether the certificate manager runs; without TLS anywhere it does not, and the list is empty.
        trouble: why the list may be out of date, in words.
    """

    certificates: tuple[Certificate, ...]
    running: bool = True
    trouble: Words = ""


class CertificateInFull(Certificate, frozen=True, kw_only=True):
    """GET /certificates/{fingerprint}: all that it says, and the certificate itself."""

    issuer: str = ""
    names: tuple[str, ...] = ()
    serial: str = ""
    key_hash: str = ""
    is_ca: bool = False
    self_signed: bool = False
    pem: str = ""


class Accept(Ask, frozen=True, kw_only=True):
    """POST /certificates/{fingerprint}/accept: serve it from now on; again to change what it may do.

    Attributes:
        grant: `rw` reads and writes, `r` reads only.
        label: a name for it; absent: as it is.
    """

    grant: Grant
    label: Label | None = None


class LabelChange(Ask, frozen=True, kw_only=True):
    """POST /certificates/{fingerprint}/label."""

    label: Label


class Decided(Answer, frozen=True, kw_only=True):
    """The answer to a decision: the certificate as it is now, where it is still listed."""

    certificate: Certificate | None = None


class Closed(Answer, frozen=True, kw_only=True):
    """The answer of DELETE and block, once its connections are cut.

    Attributes:
        closed: connections that were cut.
        confirmed: whether every process with TLS confirmed it.
        text: in words.
    """

    closed: int
    confirmed: bool = True
    text: Words = ""


class OwnCertificate(Answer, frozen=True, kw_only=True):
    """One of our own two."""

    kind: KeyKind
    fingerprint: str
    groups: tuple[str, ...]
    subject: str = ""
    issuer: str = ""
    names: tuple[str, ...] = ()
    key: str = ""
    role: str = ""
    not_before: str = ""
    not_after: str = ""
    self_signed: bool = True
    chain: int = 1


class Own(Answer, frozen=True, kw_only=True):
    """GET /own; also the answer of renew and import, which hold those that changed.

    Attributes:
        certificates: an EC and an RSA one; empty while the certificate manager does not run.
        running: whether it does.
    """

    certificates: tuple[OwnCertificate, ...]
    running: bool = True


class OwnKind(Ask, frozen=True, kw_only=True):
    """POST /own/renew and /own/csr, GET /own/export?kind=: which; all that are self-signed (renew) or both without."""

    kind: KeyKind | None = None


class Request(Answer, frozen=True, kw_only=True):
    """The answer of POST /own/csr: a certificate signing request in PEM."""

    kind: KeyKind
    pem: str


class Import(Ask, frozen=True, kw_only=True):
    """POST /own/import.

    Attributes:
        chain: certificates in PEM, leaf first.
        key: the private key in PEM, without a password; absent where the certificate answers a request (CSR).
    """

    chain: Pem
    key: Annotated[str, Meta(max_length=20_000)] | None = None


class Authority(Answer, frozen=True, kw_only=True):
    """A CA of the folder, for whose certificates clients are served without being accepted one by one."""

    fingerprint: str
    groups: tuple[str, ...]
    subject: str
    not_before: str
    not_after: str
    key: str
    file: str


class Authorities(Answer, frozen=True, kw_only=True):
    """GET /authorities, and the answer to each change.

    Attributes:
        authorities: in force.
        faults: files that cannot be used, in words.
        folder: path of the folder.
        running: whether the certificate manager runs.
        cut: after DELETE and reload, whom that cut off; null otherwise.
    """

    authorities: tuple[Authority, ...]
    faults: tuple[Words, ...] = ()
    folder: str = ""
    running: bool = True
    cut: Closed | None = None


class NewAuthority(Ask, frozen=True, kw_only=True):
    """POST /authorities: put a CA certificate into the folder, and read the folder.

    Attributes:
        pem: one certificate or more.
        name: of the file, without folder and `.pem`.
    """

    pem: Pem
    name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
