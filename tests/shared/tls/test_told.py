"""What TLS instances tell: bounded, and nothing twice."""

from typing import TYPE_CHECKING, cast

from shared.tls.told import MOST_CUT, CutCount, Told
from shared.tls.trust import Standing
from tests.shared.tls.manager import HeardBus
from tests.shared.tls.material import make
from tests.shared.tls.trusted import peer

if TYPE_CHECKING:
    from shared.bus.bus import Bus


def test_cut_connections_are_counted_for_those_cut_last() -> None:
    count = CutCount()
    for number in range(MOST_CUT + 10):
        count.add(f"{number}")
        count.add("often")
    assert len(count) == MOST_CUT
    assert count["often"] == MOST_CUT + 10
    assert "0" not in count


def test_what_is_in_force_is_told_once() -> None:
    bus = HeardBus()
    told = Told(cast("Bus", bus), "in", lambda: 5)
    closed = CutCount()
    told.enforced((1, 2), closed, {"a": 1})
    told.enforced((1, 2), closed, {"a": 1})
    assert len(bus.heard) == 1
    closed.add("a")
    told.enforced((1, 2), closed, {})
    assert len(bus.heard) == 2
    assert (bus.enforced.trust_gen, bus.enforced.trust_seq) == (1, 2)
    assert (bus.enforced.closed, bus.enforced.connections, bus.enforced.t_ns) == ({"a": 1}, {}, 5)


def test_who_was_seen_is_told_as_it_stands() -> None:
    bus, made = HeardBus(), make("one")
    Told(cast("Bus", bus), "in", lambda: 5).seen(peer(made), Standing.PENDING)
    (seen,) = bus.seen
    assert (seen.der, seen.direction, seen.address, seen.verdict) == (made.der, "in", "192.0.2.1", "PENDING")
