"""A certificate as the owner is shown it: one row for the list, more for a single one. Pure."""

from collections.abc import Iterable
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from services.certificate_manager.pending import Contact
from services.certificate_manager.times import iso
from services.certificate_manager.trust_list import Entry, TrustList
from shared.clock import wall_is_set
from shared.tls.certificate import Certificate

DAY_S: Final = 86_400

Row = dict[str, Any]


def of_entry(entry: Entry, certificate: Certificate, now_s: float, warn_days: int, connections: int) -> Row:
    """A decision."""
    return {
        **_said(certificate),
        "status": entry.status,
        "grant": entry.grant,
        "label": entry.label,
        "direction": entry.direction,
        "first_seen": entry.first_seen,
        "last_seen": entry.last_seen,
        "addresses": list(entry.addresses),
        "authority": entry.authority,
        "reason": "blocked by the owner" if entry.status == "blocked" else "",
        "decided_at": entry.decided_at,
        "decided_by": entry.decided_by,
        "connections": connections,
        "flags": flags(certificate, now_s, warn_days),
    }


def of_contact(
    contact: Contact, trust: TrustList, *, authorities: dict[str, str], now_s: float, warn_days: int, connections: int
) -> Row:
    """What nothing was decided about."""
    certificate = contact.certificate
    reason = "not accepted yet"
    if contact.authority:
        reason = f"vouched for by {authorities.get(contact.authority) or contact.authority[:16]}"
    elif (same := trust.same_key(certificate)) is not None:
        reason = f"same key as accepted {same.label or same.subject} ({same.fingerprint[:16]}), in a new certificate"
    return {
        **_said(certificate),
        "status": "ca" if contact.authority else "pending",
        "grant": "rw" if contact.authority else "",
        "label": "",
        "direction": contact.direction,
        "first_seen": iso(contact.first_seen_s),
        "last_seen": iso(contact.last_seen_s),
        "addresses": list(contact.addresses),
        "authority": contact.authority,
        "reason": reason,
        "decided_at": "",
        "decided_by": "",
        "connections": connections,
        "flags": flags(certificate, now_s, warn_days),
    }


def in_full(row: Row, certificate: Certificate, der: bytes) -> Row:
    """A row with all that the certificate says, and the certificate itself."""
    return {
        **row,
        "issuer": certificate.issuer,
        "names": list(certificate.names),
        "serial": certificate.serial,
        "key_hash": certificate.key_hash,
        "is_ca": certificate.is_ca,
        "self_signed": certificate.self_signed,
        "pem": load_der_x509_certificate(der).public_bytes(Encoding.PEM).decode(),
    }


def flags(certificate: Certificate, now_s: float, warn_days: int) -> list[str]:
    """What the owner should look at."""
    found = []
    if wall_is_set(now_s):
        left = certificate.not_after_s - now_s
        if left < 0:
            found.append("expired: refused")
        elif left < warn_days * DAY_S:
            found.append(f"expires in {int(left // DAY_S)} days")
        if now_s < certificate.not_before_s:
            found.append("not yet valid: refused")
    if certificate.role_fault:
        found.append(f"bad role, no rights: {certificate.role_fault}")
    if certificate.is_ca:
        found.append("is a CA: what it signs is not accepted with it")
    return found


def expiring(certificates: Iterable[Certificate], now_s: float, warn_days: int) -> list[tuple[Certificate, str]]:
    """Those that end soon or have ended, and when."""
    if not wall_is_set(now_s):
        return []
    return [
        (each, f"{'ended' if each.not_after_s < now_s else 'ends'} on {iso(each.not_after_s)[:10]}")
        for each in certificates
        if each.not_after_s - now_s < warn_days * DAY_S
    ]


def _said(certificate: Certificate) -> Row:
    return {
        "fingerprint": certificate.fingerprint,
        "subject": certificate.subject,
        "role": certificate.role,
        "not_before": iso(certificate.not_before_s),
        "not_after": iso(certificate.not_after_s),
        "key": certificate.key,
    }
