"""The conversation about certificates: who may connect, who was seen, and who acts by it already."""

import msgspec
from msgspec import field

from shared.bus.message import Message


class RoleRights(msgspec.Struct, frozen=True, gc=False):
    """A row of the rights table: what a role in a certificate may do (Modbus/TCP Security R-18 to R-31).

    Attributes:
        name: the whole role text of the certificate; "" is the row for certificates without a role.
        functions: Modbus function codes.
        read, write: [first, end) address ranges.
    """

    name: str
    functions: tuple[int, ...]
    read: tuple[tuple[int, int], ...]
    write: tuple[tuple[int, int], ...] = ()


class Trust(Message, frozen=True, kw_only=True, tag="trust/1", gc=False):
    """Who may connect, whole. Written by certificate-manager at each change. A TLS instance without one refuses all.

    Attributes:
        accepted: SHA-256 of the certificate (hex) -> `rw` or `r`.
        blocked: fingerprints of CA-issued certificates that are not served all the same.
        authorities: PEM certificates of the local CA folder; never an accepted certificate.
        roles: the rights table.
        own: version of the gateway's own keys and certificates; a change means: load them again.
        labels: fingerprint -> the owner's name for an accepted certificate, where it has one.
    """

    accepted: dict[str, str] = field(default_factory=dict)
    blocked: tuple[str, ...] = ()
    authorities: bytes = b""
    roles: tuple[RoleRights, ...] = ()
    own: str = ""
    labels: dict[str, str] = field(default_factory=dict)


class Seen(Message, frozen=True, kw_only=True, tag="seen/1", gc=False):
    """A certificate whose key was proven in a handshake. Written by every TLS instance.

    Written again every second while its connection waits in quarantine; not kept for those who subscribe later.

    Attributes:
        fingerprint: SHA-256 of `der`, hex.
        der: the leaf certificate, at most 8192 bytes.
        direction: `in` a client of ours, `out` a meter or slave that we connect to.
        address: of the peer, without port.
        verdict: name of the trust verdict, e.g. `PENDING`.
        authority: fingerprint of the local CA that it chains to, where it is CA-valid.
        protocol, cipher: negotiated, e.g. `TLSv1.3`.
    """

    fingerprint: str
    der: bytes
    direction: str
    address: str
    verdict: str
    authority: str = ""
    protocol: str = ""
    cipher: str = ""


class Enforced(Message, frozen=True, kw_only=True, tag="enforced/1", gc=False):
    """Which trust an instance acts by now: the acknowledgement of a `trust/1`. Written by every TLS instance.

    Attributes:
        trust_gen, trust_seq: of the `trust/1`; (0, 0) before the first.
        closed: fingerprint -> connections that were cut since the instance started, for those cut last.
        connections: fingerprint -> open connections now.
    """

    trust_gen: int
    trust_seq: int
    closed: dict[str, int] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)
