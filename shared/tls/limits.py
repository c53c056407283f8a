"""How many handshakes are begun, in all and per origin, and how many may be under way: pure, the clock comes in.

A handshake costs about a thousand times what a request costs, and anybody can ask for one. Whoever is over a limit is
closed before any of that work. A share of what there is in all is kept for known origins, those of peers that were
served: however many strangers come from however many addresses, a client of the owner's gets in again.
"""

import ipaddress
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

IPV6_PREFIX: Final = 64
"""One subscriber has at least so many bits for himself: the origin of an IPv6 address is its /64."""


class Refusal(StrEnum):
    """Why a connection got no service; keys of counters and of log lines."""

    RATE = "too many new connections"
    ORIGIN_RATE = "too many new connections from that address"
    BUSY = "too many handshakes under way"
    ORIGIN_BUSY = "too many handshakes under way from that address"
    FULL = "no room for a connection"
    DEADLINE = "the handshake took too long"
    HANDSHAKE = "the handshake failed"
    LEFT = "the peer left during the handshake"
    UNWANTED = "the certificate was refused"
    STOPPED = "the server stops"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is granted before a peer is known.

    Attributes:
        deadline_s: from TCP accept to the end of the handshake.
        under_way, under_way_per_origin: handshakes at the same time.
        rate, burst: handshakes per second in all, and how many may come together after a pause.
        rate_per_origin, burst_per_origin: the same for one origin.
        origins: origins remembered.
        reserve: share of `burst` and `under_way` that only known origins may use.
        known: known origins remembered.
    """

    deadline_s: float = 5.0
    under_way: int = 64
    under_way_per_origin: int = 32
    rate: float = 100.0
    burst: float = 256.0
    rate_per_origin: float = 10.0
    burst_per_origin: float = 128.0
    origins: int = 1024
    reserve: float = 0.25
    known: int = 256


def origin_of(address: str) -> str:
    """Who is behind an address: itself for IPv4, the network for IPv6."""
    bare = address.partition("%")[0]
    if ":" not in bare:
        return bare
    found = ipaddress.IPv6Address(bare)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found) >> (128 - IPV6_PREFIX) << (128 - IPV6_PREFIX), IPV6_PREFIX)))


class Bucket:
    """A token bucket."""

    __slots__ = ("_at", "_burst", "_rate", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._at = burst, now

    def level(self, now: float) -> float:
        """Tokens there are now."""
        self._tokens = min(self._burst, self._tokens + max(0.0, now - self._at) * self._rate)
        self._at = now
        return self._tokens

    def take(self, now: float, leave: int = 0, count: float = 1.0) -> bool:
        """Take one, or so many, if they are there and so many are left then."""
        if self.level(now) < count + leave:
            return False
        self._tokens -= count
        return True

    def give_back(self) -> None:
        """One was taken for nothing."""
        self._tokens = min(self._burst, self._tokens + 1.0)


class Doorkeeper:
    """Who may begin a handshake. `begin` and `end` come in pairs; all it remembers is bounded."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._all = Bucket(limits.rate, limits.burst, now)
        self._origins: dict[str, Bucket] = {}  # the one seen last is last
        self._under_way: Counter[str] = Counter()
        self._known: dict[str, None] = {}  # the one welcomed last is last
        self.under_way = 0

    def welcome(self, origin: str) -> None:
        """Somebody from there is served: what is kept in reserve is for him, too."""
        self._known.pop(origin, None)
        self._known[origin] = None
        if len(self._known) > self._limits.known:
            del self._known[next(iter(self._known))]

    def begin(self, origin: str, now: float) -> Refusal | None:
        """None where a handshake may begin, and then it counts as under way.

        The origin's own limits come first: one that is over them costs the others nothing.
        """
        limits = self._limits
        reserve = 0.0 if origin in self._known else limits.reserve
        if self._under_way[origin] >= limits.under_way_per_origin:
            return Refusal.ORIGIN_BUSY
        if self.under_way >= limits.under_way - int(limits.under_way * reserve):
            return Refusal.BUSY
        bucket = self._bucket(origin, now)
        if not bucket.take(now):
            return Refusal.ORIGIN_RATE
        if not self._all.take(now, int(limits.burst * reserve)):
            bucket.give_back()
            return Refusal.RATE
        self._under_way[origin] += 1
        self.under_way += 1
        return None

    def end(self, origin: str) -> None:
        """A handshake is no longer under way, however it went."""
        self.under_way -= 1
        self._under_way[origin] -= 1
        if not self._under_way[origin]:
            del self._under_way[origin]

    def _bucket(self, origin: str, now: float) -> Bucket:
        limits = self._limits
        bucket = self._origins.pop(origin, None) or Bucket(limits.rate_per_origin, limits.burst_per_origin, now)
        self._origins[origin] = bucket
        if len(self._origins) > limits.origins:
            del self._origins[next(iter(self._origins))]
        return bucket
