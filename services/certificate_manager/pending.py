"""Which certificates the owner is shown that nothing was decided about. Pure; nothing of it survives a restart.

Strangers fill this list, therefore it is bounded: new entries come at a limited rate, at most 8 for an address (a /64
network of IPv6 counts as one) and 128 in all, and who was not seen for longest makes room. A device that waits to be
accepted is seen again and again, and stays. What a local CA vouches for stands in a list of its own.
"""

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from shared.bus.messages import Seen
from shared.tls.certificate import MAX_DER, Certificate, fingerprint, floor, read
from shared.tls.limits import origin_of
from shared.tls.text import clean

MAX_PENDING: Final = 128
MAX_PER_ADDRESS: Final = 8
MAX_AUTHORISED: Final = 256
MAX_ADDRESSES: Final = 4
NEW_PER_S: Final = 5.0
BURST: Final = 20.0


class Contact(msgspec.Struct, kw_only=True):
    """A certificate that proved its key, and about which nothing was decided.

    Attributes:
        certificate, der: what it says.
        direction: `in`, `out`, or `both`.
        addresses: where from, the latest first.
        group: what counts as one address.
        first_seen_s, last_seen_s: wall clock.
        authority: fingerprint of the local CA that vouches for it; empty for none.
    """

    certificate: Certificate
    der: bytes
    direction: str
    addresses: tuple[str, ...]
    group: str
    first_seen_s: float
    last_seen_s: float
    authority: str = ""


class Pending:
    """Contacts by fingerprint, in the order of when they were last seen.

    Args:
        monotonic_s: clock for the rate.

    Attributes:
        dropped: what was not listed, since the start: below the floor, malformed, or too many at once.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._now = monotonic_s
        self._pending: dict[str, Contact] = {}
        self._authorised: dict[str, Contact] = {}
        self._tokens = BURST
        self._refilled = monotonic_s()
        self.dropped = 0

    def __iter__(self) -> Iterator[Contact]:
        return iter((*self._pending.values(), *self._authorised.values()))

    def __len__(self) -> int:
        return len(self._pending) + len(self._authorised)

    def get(self, identity: str) -> Contact | None:
        """The contact of that fingerprint."""
        return self._pending.get(identity) or self._authorised.get(identity)

    def take(self, seen: Seen, wall_s: float) -> Contact | None:
        """Note that this certificate was seen; returns it where it is new on the list."""
        known = self.get(seen.fingerprint)
        if known is not None:
            self.remove(seen.fingerprint)
            known.last_seen_s = wall_s
            known.addresses = with_address(known.addresses, seen.address)
            known.direction = with_direction(known.direction, seen.direction)
            known.authority = clean(seen.authority, 64)
            self._put(known)
            return None
        certificate = self._admitted(seen)
        if certificate is None:
            self.dropped += 1
            return None
        contact = Contact(
            certificate=certificate,
            der=seen.der,
            direction=with_direction("", seen.direction),
            addresses=with_address((), seen.address),
            group=_group(seen.address),
            first_seen_s=wall_s,
            last_seen_s=wall_s,
            authority=clean(seen.authority, 64),
        )
        self._put(contact)
        return contact

    def remove(self, identity: str) -> Contact | None:
        """Take it off the list; at its next contact it is there again."""
        return self._pending.pop(identity, None) or self._authorised.pop(identity, None)

    def forget_authorities(self, gone: frozenset[str]) -> None:
        """Forget whom one of these vouched for: of the local folder; those of the system never go."""
        for identity, contact in tuple(self._authorised.items()):
            if contact.authority in gone:
                del self._authorised[identity]

    def _admitted(self, seen: Seen) -> Certificate | None:
        """What it says, where it may be listed. The cheap questions come first: strangers ask them of us."""
        now = self._now()
        self._tokens = min(BURST, self._tokens + (now - self._refilled) * NEW_PER_S)
        self._refilled = now
        if self._tokens < 1 or not 0 < len(seen.der) <= MAX_DER:
            return None
        self._tokens -= 1
        if fingerprint(seen.der) != seen.fingerprint:
            return None
        certificate = read(seen.der)
        return certificate if floor(certificate) is None else None

    def _put(self, contact: Contact) -> None:
        identity = contact.certificate.fingerprint
        if contact.authority:
            self._authorised[identity] = contact
            if len(self._authorised) > MAX_AUTHORISED:
                del self._authorised[next(iter(self._authorised))]
            return
        same = [key for key, other in self._pending.items() if other.group == contact.group]
        if len(same) >= MAX_PER_ADDRESS:
            del self._pending[same[0]]
        elif len(self._pending) >= MAX_PENDING:
            del self._pending[next(iter(self._pending))]
        self._pending[identity] = contact


def with_address(addresses: tuple[str, ...], address: str) -> tuple[str, ...]:
    """The latest first, each once, few."""
    shown = clean(address, 64)
    return (shown, *(each for each in addresses if each != shown))[:MAX_ADDRESSES]


def with_direction(known: str, direction: str) -> str:
    """`in` and `out` make `both`."""
    fresh = direction if direction in {"in", "out"} else "in"
    return fresh if known in {"", fresh} else "both"


def _group(address: str) -> str:
    """What the limits of the handshake count as one is one here too; what is no address stands for itself."""
    try:
        return clean(origin_of(address), 64)
    except ValueError:
        return clean(address, 64)
