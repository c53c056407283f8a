import json
from datetime import timedelta

from services.certificate_manager.listing import DAY_S, expiring, flags, in_full, of_contact, of_entry
from services.certificate_manager.pending import Contact
from services.certificate_manager.times import iso
from services.certificate_manager.trust_list import TrustList, decided, entry_of
from shared.clock import RELEASED_S
from shared.tls.certificate import Certificate, read
from tests.services.certificate_manager.made import DAY, der

NOW = RELEASED_S + 100 * DAY_S


def certificate(begins: float = -DAY_S, ends: float = 400 * DAY_S, role_fault: str = "") -> Certificate:
    return Certificate(fingerprint="ab" * 32, not_before_s=NOW + begins, not_after_s=NOW + ends, role_fault=role_fault)


def contact(data: bytes, authority: str = "") -> Contact:
    return Contact(
        certificate=read(data), der=data, direction="in", addresses=("10.0.0.7",), group="10.0.0.7",
        first_seen_s=NOW, last_seen_s=NOW + 1, authority=authority,
    )  # fmt: skip


def test_what_the_owner_should_look_at() -> None:
    assert flags(certificate(), NOW, 30) == []
    assert flags(certificate(ends=29.5 * DAY_S), NOW, 30) == ["expires in 29 days"]
    assert flags(certificate(ends=29.5 * DAY_S), NOW, 20) == []
    assert flags(certificate(ends=-1), NOW, 30) == ["expired: refused"]
    assert flags(certificate(begins=1), NOW, 30) == ["not yet valid: refused"]
    assert flags(certificate(ends=-1), RELEASED_S - 1, 30) == [], "a clock that is not set knows no dates"
    assert flags(certificate(role_fault="two role extensions"), NOW, 30) == ["bad role, no rights: two role extensions"]


def test_who_ends_soon() -> None:
    soon, late = certificate(ends=5 * DAY_S), certificate(ends=-5 * DAY_S)
    assert expiring([certificate(), soon, late], NOW, 30) == [
        (soon, f"ends on {iso(soon.not_after_s)[:10]}"),
        (late, f"ended on {iso(late.not_after_s)[:10]}"),
    ]
    assert expiring([late], RELEASED_S - 1, 30) == []


def test_rows_have_the_same_keys_and_go_into_json() -> None:
    data, other = der("pump", key_number=3), der("pump", key_number=3, ends=timedelta(days=800))
    entry = decided(entry_of(contact(data), "accepted"), "cli", grant="r", label="Heat pump")
    trust = TrustList([entry])
    accepted = of_entry(entry, trust.certificate(entry.fingerprint), NOW, 30, 2)
    rows = [
        accepted,
        of_contact(contact(other), trust, authorities={}, now_s=NOW, warn_days=30, connections=0),
        of_contact(contact(other, "ca" * 32), trust, authorities={"ca" * 32: "CN=Our CA"}, now_s=NOW, warn_days=30,
                   connections=1),
        of_contact(contact(der("new")), trust, authorities={}, now_s=NOW, warn_days=30, connections=0),
    ]  # fmt: skip
    assert len({tuple(sorted(row)) for row in rows}) == 1
    json.dumps(rows)
    assert [(row["status"], row["grant"], row["connections"]) for row in rows] == [
        ("accepted", "r", 2), ("pending", "", 0), ("ca", "rw", 1), ("pending", "", 0),
    ]  # fmt: skip
    short = entry.fingerprint[:16]
    assert [row["reason"] for row in rows] == [
        "",
        f"same key as accepted Heat pump ({short}), in a new certificate",
        "vouched for by CN=Our CA",
        "not accepted yet",
    ]
    full = in_full(accepted, trust.certificate(entry.fingerprint), entry.der)
    assert full["pem"].startswith("-----BEGIN CERTIFICATE-----")
    assert (full["self_signed"], full["issuer"]) == (True, "CN=pump")


def test_times() -> None:
    assert iso(0) == "1970-01-01T00:00:00Z"
    assert iso(1e300) == ""
    assert timedelta(seconds=DAY_S) == DAY
