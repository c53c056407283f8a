import hashlib
from itertools import count

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.certificate_manager import pending as module
from services.certificate_manager.pending import (
    BURST,
    MAX_ADDRESSES,
    MAX_AUTHORISED,
    MAX_PENDING,
    MAX_PER_ADDRESS,
    Pending,
)
from shared.bus.messages import Seen
from shared.tls.certificate import Certificate, fingerprint
from tests.services.certificate_manager.made import der, seen


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pending(clock: Clock) -> Pending:
    return Pending(clock)


@pytest.fixture
def _readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any bytes are a good certificate: thousands of them are made in no time."""
    monkeypatch.setattr(module, "read", lambda data: Certificate(fingerprint=fingerprint(data)))


def stranger(number: int, address: str = "192.168.0.9", authority: str = "") -> Seen:
    data = number.to_bytes(8, "big")
    return Seen(
        src="tls-slave", gen=1, seq=number, t_ns=1, fingerprint=hashlib.sha256(data).hexdigest(), der=data,
        direction="in", address=address, verdict="PENDING", authority=authority,
    )  # fmt: skip


def test_a_certificate_is_listed_once_whoever_shows_it(pending: Pending) -> None:
    certificate = der("heat pump", role="Operator")
    contact = pending.take(seen(certificate), 1000.0)
    assert contact is not None
    assert (contact.certificate.subject, contact.certificate.role) == ("CN=heat pump", "Operator")
    for number in range(6):
        again = seen(certificate, f"192.168.0.{number}", direction="out" if number == 3 else "in")
        assert pending.take(again, 1001.0 + number) is None
    assert len(pending) == 1
    assert (contact.first_seen_s, contact.last_seen_s, contact.direction) == (1000.0, 1006.0, "both")
    assert contact.addresses == ("192.168.0.5", "192.168.0.4", "192.168.0.3", "192.168.0.2")
    assert len(contact.addresses) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "bad",
    [
        seen(der(weak=True)),
        msgspec.structs.replace(seen(der()), fingerprint="ab" * 32),
        msgspec.structs.replace(seen(der()), der=b""),
        msgspec.structs.replace(seen(der()), der=b"x" * 8193),
        seen(b"no certificate"),
    ],
)
def test_what_is_weak_or_malformed_is_counted_and_not_listed(pending: Pending, bad: Seen) -> None:
    assert pending.take(bad, 0.0) is None
    assert (len(pending), pending.dropped) == (0, 1)


@pytest.mark.usefixtures("_readable")
def test_one_address_takes_eight_places_and_a_network_of_ipv6_is_one_address(pending: Pending, clock: Clock) -> None:
    for number in range(50):
        clock.now += 1
        pending.take(stranger(number), 0.0)
        pending.take(stranger(1000 + number, f"2001:db8:1:2::{number:x}"), 0.0)
        pending.take(stranger(2000 + number, f"::ffff:192.168.0.{100 + number % 2}"), 0.0)
    groups = [contact.group for contact in pending]
    assert {group: groups.count(group) for group in groups} == dict.fromkeys(
        ("192.168.0.9", "2001:db8:1:2::/64", "192.168.0.100", "192.168.0.101"), MAX_PER_ADDRESS
    )


@pytest.mark.usefixtures("_readable")
def test_who_comes_back_stays_while_thousands_pass(pending: Pending, clock: Clock) -> None:
    patient = stranger(0, "192.168.0.9")
    pending.take(patient, 0.0)
    for number in range(1, 5000):
        clock.now += 1
        pending.take(stranger(number, f"10.{number >> 8}.{number & 255}.1"), 0.0)
        if number % 100 == 0:
            pending.take(patient, 0.0)
    assert len(pending) == MAX_PENDING
    assert pending.get(patient.fingerprint) is not None


@pytest.mark.usefixtures("_readable")
def test_new_entries_come_at_a_limited_rate_and_known_ones_at_any(pending: Pending, clock: Clock) -> None:
    numbers = count()
    assert sum(pending.take(stranger(n, f"10.0.{n}.1"), 0.0) is not None for n in range(200)) == BURST
    first = stranger(0, "10.0.0.1")
    pending.take(first, 77.0)
    contact = pending.get(first.fingerprint)
    assert contact is not None
    assert contact.last_seen_s == 77.0
    clock.now += 1
    assert sum(pending.take(stranger(500 + next(numbers), "10.9.9.9"), 0.0) is not None for _ in range(50)) == 5
    assert pending.dropped == 180 + 45


@pytest.mark.usefixtures("_readable")
def test_whom_a_ca_vouches_for_does_not_take_places_of_those_who_wait(pending: Pending, clock: Clock) -> None:
    waiting = stranger(0)
    pending.take(waiting, 0.0)
    for number in range(1, 400):
        clock.now += 1
        pending.take(stranger(number, authority="ca" * 32 if number % 2 else "cb" * 32), 0.0)
    assert sum(bool(contact.authority) for contact in pending) == MAX_AUTHORISED
    assert pending.get(waiting.fingerprint) is not None
    pending.forget_authorities(frozenset({"cb" * 32}))
    assert {contact.authority for contact in pending} == {"", "ca" * 32}
    pending.take(msgspec.structs.replace(waiting, authority="ca" * 32), 0.0)
    assert [contact.authority for contact in pending if contact.certificate.fingerprint == waiting.fingerprint] == [
        "ca" * 32
    ]


def test_dismissed_it_comes_back_with_its_next_contact(pending: Pending) -> None:
    message = seen(der())
    pending.take(message, 0.0)
    assert pending.remove(message.fingerprint) is not None
    assert pending.remove(message.fingerprint) is None
    assert len(pending) == 0
    assert pending.take(message, 0.0) is not None


@pytest.mark.parametrize("address", ["1.2.3.4\r\nforged", "2001:db8::1\r\nforged"])
def test_texts_of_strangers_are_clean(address: str) -> None:
    pending = Pending(Clock())
    contact = pending.take(
        seen(der('a\x1b[31m\n"<script>'), address=address, direction="sideways", authority="\x00"), 0.0
    )
    assert contact is not None
    texts = [contact.certificate.subject, contact.direction, contact.authority, contact.group, *contact.addresses]
    assert all(text.isprintable() for text in texts)
    assert contact.direction == "in"


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 30), st.booleans(), st.floats(0, 3)), max_size=300))
def test_it_is_bounded_and_each_certificate_is_in_it_once(steps: list[tuple[int, int, bool, float]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "read", lambda data: Certificate(fingerprint=fingerprint(data)))
        clock = Clock()
        pending = Pending(clock)
        for number, address, vouched, pause in steps:
            clock.now += pause
            pending.take(stranger(number, f"10.0.0.{address}", "ca" * 32 if vouched else ""), 0.0)
            names = [contact.certificate.fingerprint for contact in pending]
            assert len(names) == len(set(names)) == len(pending)
            waiting = [contact.group for contact in pending if not contact.authority]
            assert len(waiting) <= MAX_PENDING
            assert all(waiting.count(group) <= MAX_PER_ADDRESS for group in waiting)
