"""Which TLS instance acts by which trust, as each of them says. Pure."""

import re
from collections.abc import Iterable
from typing import Final

import msgspec

from shared.bus.messages import Enforced

SLAVE: Final = "tls-slave"
ROLES: Final = (SLAVE, "measurement", "master-pusher")
"""Roles that may hold TLS connections. The slave always does; the others once they said so."""

_INSTANCE: Final = re.compile(r"(tls-slave|measurement|master-pusher)(\.\d+)?")

Version = tuple[int, int]


class Count(msgspec.Struct, frozen=True):
    """What an instance said last about one certificate.

    Attributes:
        generation: of the instance's life.
        closed: connections it cut since its start.
        connections: open.
    """

    generation: int = 0
    closed: int = 0
    connections: int = 0


class Ledger:
    """The last `enforced/1` of each instance that was heard in this life."""

    def __init__(self) -> None:
        self._heard: dict[str, Enforced] = {}

    def note(self, message: Enforced) -> None:
        """An instance says by which trust it acts."""
        known = self._heard.get(message.src)
        if known is None or message.version > known.version:
            self._heard[message.src] = message

    def heard(self) -> frozenset[str]:
        """Instances."""
        return frozenset(self._heard)

    def forget(self, instance: str) -> None:
        """It runs no more."""
        self._heard.pop(instance, None)

    def acted(self, instance: str, version: Version) -> bool:
        """Whether it acts by this trust, or a newer one."""
        message = self._heard.get(instance)
        return message is not None and (message.trust_gen, message.trust_seq) >= version

    def connected(self) -> frozenset[str]:
        """Fingerprints with open connections."""
        return frozenset(name for message in self._heard.values() for name in message.connections)

    def connections(self, fingerprint: str) -> int:
        """Open with that certificate, over all instances."""
        return sum(message.connections.get(fingerprint, 0) for message in self._heard.values())

    def counts(self, fingerprint: str) -> dict[str, Count]:
        """By instance; to be compared with later."""
        return {instance: self.count(instance, fingerprint) for instance in self._heard}

    def count(self, instance: str, fingerprint: str) -> Count:
        """What that instance said last about this certificate."""
        message = self._heard.get(instance)
        if message is None:
            return Count()
        return Count(message.gen, message.closed.get(fingerprint, 0), message.connections.get(fingerprint, 0))


def cut_since(before: Count, after: Count) -> int:
    """How many connections an instance cut between the two; all it had where another life has taken its place."""
    if before.generation and after.generation != before.generation:
        return before.connections + after.closed
    return max(0, after.closed - before.closed)


def must_acknowledge(running: Iterable[str], heard: frozenset[str]) -> list[str]:
    """Instances without whose word nothing is confirmed.

    Args:
        running: instances whose lock is held.
        heard: instances that said by which trust they act.
    """
    return sorted(
        name for name in running if name in heard or (_INSTANCE.fullmatch(name) and name.partition(".")[0] == SLAVE)
    )


def is_tls(instance: str) -> bool:
    """Whether it may hold TLS connections."""
    return _INSTANCE.fullmatch(instance) is not None
