"""What a certificate says, and whether it may be listed."""

import datetime as dt
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import RELEASED_S, wall_is_set
from shared.tls.certificate import MAX_DER, ROLE_OID, floor, names_host, read
from tests.shared.tls.material import DAY, NOW, make, openssl


def role(encoded: bytes) -> x509.UnrecognizedExtension:
    return x509.UnrecognizedExtension(ROLE_OID, encoded)


def test_everything_the_owner_wants_to_see_is_read() -> None:
    names = x509.SubjectAlternativeName([x509.DNSName("a.example"), x509.RFC822Name("b@example")])
    made = make("box", extensions=[names, role(b"\x0c\x08Operator")], begin=NOW - DAY, end=NOW + DAY, serial=0xABC)
    said = read(made.der)
    assert (said.subject, said.issuer, said.names) == ("CN=box", "CN=box", ("a.example", "b@example"))
    assert (said.serial, said.key, said.role, said.role_fault) == ("abc", "EC P-256", "Operator", "")
    assert (said.not_before_s, said.not_after_s) == ((NOW - DAY).timestamp(), (NOW + DAY).timestamp())
    assert (said.self_signed, said.is_ca, len(said.fingerprint), len(said.key_hash)) == (True, False, 64, 64)
    assert floor(said) is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("ec", None),
        ("p384", None),
        ("ed25519", None),
        ("rsa", None),
        ("rsa1024", "its RSA key has 1024 bits, fewer than 2048"),
        ("p521", "its curve is secp521r1, not P-256 or P-384"),
    ],
)
def test_floor_for_keys(kind: str, reason: str | None) -> None:
    assert floor(read(make(with_key=kind).der)) == reason


def test_a_sha1_signature_is_below_the_floor(tmp_path: Path) -> None:
    made = tmp_path / "sha1.der"
    openssl(
        *("req", "-x509", "-sha1", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "k", "-subj", "/CN=old"),
        *("-outform", "DER", "-out", made),
    )
    assert floor(read(made.read_bytes())) == "it is signed with SHA1"


def test_a_large_certificate_is_not_even_parsed() -> None:
    many = x509.SubjectAlternativeName([x509.DNSName(f"{n}.example") for n in range(1000)])
    said = read(make(extensions=[many]).der)
    assert said.subject == ""
    assert str(floor(said)).endswith(f"more than {MAX_DER}")


@pytest.mark.parametrize("text", ["\x1b[2J", "a\nb", "\u202eevil", "<script>", "x" * 3000, "\x00"])
def test_hostile_names_are_cleaned_once(text: str) -> None:
    said = read(make(text, extensions=[x509.SubjectAlternativeName([x509.DNSName("ok.example")])]).der)
    assert floor(said) is None
    assert said.subject.isprintable()
    assert len(said.subject) <= 256


@pytest.mark.parametrize(
    ("encoded", "fault"),
    [
        (b"\x13\x08Operator", "not a UTF8String"),  # PrintableString
        (b"Operator", "not a UTF8String"),
        (b"", "not a UTF8String"),
        (b"\x0c\x09Operator", "badly encoded"),
        (b"\x0c\x07Operator", "badly encoded"),
        (b"\x0c\x81\x08Operator", "badly encoded"),
        (b"\x0c\x41" + b"x" * 65, "longer than 64"),
        (b"\x0c\x00", "empty"),
        (b"\x0c\x02\xff\xfe", "not UTF-8"),
        (b"\x0c\x03a\nb", "cannot be shown"),
    ],
)
def test_a_role_that_is_no_utf8string_is_a_bad_role(encoded: bytes, fault: str) -> None:
    said = read(make(extensions=[role(encoded)]).der)
    assert said.role == ""
    assert fault in said.role_fault
    assert floor(said) is None


def test_a_role_is_never_split() -> None:
    assert read(make(extensions=[role(b"\x0c\x11Operator,Engineer")]).der).role == "Operator,Engineer"


def test_two_roles_are_a_bad_role() -> None:
    twin = x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.2")
    made = make(extensions=[role(b"\x0c\x01A"), x509.UnrecognizedExtension(twin, b"\x0c\x01A")])
    arcs = bytes.fromhex("060b2b0601040183890c862202")  # the twin as it stands in DER; only its last arc differs
    assert arcs in made.der
    said = read(made.der.replace(arcs, arcs[:-1] + b"\x01"))
    assert (said.role, said.role_fault) == ("", "two role extensions")
    assert floor(said) is None


BASE = make("fuzz", extensions=[role(b"\x0c\x01A"), x509.SubjectAlternativeName([x509.DNSName("a.example")])]).der


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(BASE) - 1), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 9)
)
def test_mutated_certificates_never_raise(changes: list[tuple[int, int]], cut: int) -> None:
    der = bytearray(BASE)
    for at, value in changes:
        der[at] = value
    said = read(bytes(der[: len(der) - cut]))
    floor(said)
    names_host(bytes(der), "a.example")
    assert len(said.fingerprint) == 64
    for text in (said.fault, said.subject, said.issuer, said.role, said.role_fault, *said.names):
        assert text.isprintable()
        assert len(text) <= 600


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_garbage_has_a_fault(der: bytes) -> None:
    assert floor(read(der))
    assert not names_host(der, "a.example")


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("a.example", True),
        ("A.Example.", True),
        ("b.wild.example", True),
        ("wild.example", False),
        ("c.b.wild.example", False),
        ("example", False),
        ("192.0.2.1", True),
        ("192.0.2.2", False),
        ("2001:db8::1", True),
    ],
)
def test_host_names(host: str, fits: bool) -> None:
    names = x509.SubjectAlternativeName(
        [
            x509.DNSName("a.example"),
            x509.DNSName("*.wild.example"),
            x509.DNSName("*"),
            x509.IPAddress(ip_address("192.0.2.1")),
            x509.IPAddress(ip_address("2001:db8::1")),
        ]
    )
    assert names_host(make(extensions=[names]).der, host) is fits


def test_a_common_name_is_no_host_name() -> None:
    assert not names_host(make("a.example").der, "a.example")


def test_a_clock_before_the_release_is_not_set() -> None:
    assert not wall_is_set(0)
    assert not wall_is_set(RELEASED_S - 1)
    assert wall_is_set(NOW.timestamp())


def test_dates_far_away_are_read() -> None:
    far = make(
        begin=dt.datetime(1950, 1, 1, tzinfo=dt.UTC),
        end=dt.datetime(9999, 12, 31, tzinfo=dt.UTC),
    )
    said = read(far.der)
    assert said.not_before_s < 0 < said.not_after_s
    assert floor(said) is None
