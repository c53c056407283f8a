"""Limits before the handshake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tls.limits import Bucket, Doorkeeper, Limits, Refusal, origin_of


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.1, 20), st.floats(1, 20))
def test_a_bucket_never_gives_more_than_its_rate_and_burst(steps: list[float], rate: float, burst: float) -> None:
    bucket, now, given_out = Bucket(rate, burst, 0.0), 0.0, 0
    for step in steps:
        now += step
        given_out += bucket.take(now)
    assert given_out <= burst + rate * now + 1e-6


def test_one_origin_over_its_rate_costs_the_others_nothing() -> None:
    door = Doorkeeper(Limits(rate=1, burst=10, rate_per_origin=1, burst_per_origin=2, under_way=99, reserve=0), 0.0)
    answers = [door.begin("a", 0.0) for _ in range(50)]
    assert answers == [None, None, *[Refusal.ORIGIN_RATE] * 48]
    assert [door.begin(f"b{n}", 0.0) for n in range(9)] == [None] * 8 + [Refusal.RATE]
    assert door.begin("a", 1.0) is None


def test_a_full_house_takes_no_token_of_the_origin() -> None:
    door = Doorkeeper(Limits(rate=1, burst=1, rate_per_origin=1, burst_per_origin=1, under_way=99), 0.0)
    assert door.begin("a", 0.0) is None
    assert door.begin("b", 0.0) is Refusal.RATE
    assert door.begin("b", 1.0) is None


def test_handshakes_under_way_are_capped_in_all_and_per_origin() -> None:
    door = Doorkeeper(Limits(under_way=3, under_way_per_origin=2), 0.0)
    assert [door.begin("a", 0.0) for _ in range(3)] == [None, None, Refusal.ORIGIN_BUSY]
    assert [door.begin(origin, 0.0) for origin in ("b", "c")] == [None, Refusal.BUSY]
    door.end("a")
    assert door.begin("c", 0.0) is None
    assert door.under_way == 3


def test_strangers_leave_a_share_to_those_who_are_known() -> None:
    limits = Limits(rate=1, burst=8, rate_per_origin=9, burst_per_origin=9, under_way=99, reserve=0.25)
    door = Doorkeeper(limits, 0.0)
    assert [door.begin(f"stranger {n}", 0.0) for n in range(9)] == [None] * 6 + [Refusal.RATE] * 3
    door.welcome("client")
    assert [door.begin("client", 0.0) for _ in range(3)] == [None, None, Refusal.RATE]
    assert door.begin("stranger", 2.0) is Refusal.RATE, "what comes back is kept first"
    assert door.begin("client", 2.0) is None


def test_places_under_way_are_kept_for_those_who_are_known() -> None:
    door = Doorkeeper(Limits(under_way=8, under_way_per_origin=8, reserve=0.25), 0.0)
    assert [door.begin("stranger", 0.0) for _ in range(7)] == [None] * 6 + [Refusal.BUSY]
    door.welcome("client")
    assert [door.begin("client", 0.0) for _ in range(3)] == [None, None, Refusal.BUSY]


def test_known_origins_are_bounded_and_the_oldest_goes() -> None:
    door = Doorkeeper(Limits(rate=1, burst=4, under_way=99, reserve=0.5, known=2), 0.0)
    for origin in ("a", "b", "a", "c"):
        door.welcome(origin)
    assert [door.begin("stranger", 0.0) for _ in range(3)] == [None, None, Refusal.RATE]
    assert door.begin("b", 0.0) is Refusal.RATE, "forgotten"
    assert door.begin("a", 0.0) is None


def test_origins_are_bounded() -> None:
    door = Doorkeeper(Limits(origins=10), 0.0)
    for n in range(1000):
        if door.begin(f"o{n}", n * 1.0) is None:
            door.end(f"o{n}")
    assert len(door._origins) == 10


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_the_origin_of_an_ipv6_address_is_its_network(address: str, origin: str) -> None:
    assert origin_of(address) == origin
