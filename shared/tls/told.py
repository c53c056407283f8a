"""What every TLS instance tells the certificate manager: whose key was proven, and by which decisions it acts."""

from collections.abc import Callable, Mapping
from typing import Final

from shared import clock
from shared.bus.bus import Bus
from shared.bus.messages import Enforced, Seen
from shared.tls.peer import TlsPeer
from shared.tls.trust import Standing

MOST_CUT: Final = 256
"""Fingerprints whose cut connections are still counted; they travel in each `enforced/1`."""


class CutCount(dict[str, int]):
    """Fingerprint -> connections cut since the start, for those cut last."""

    def add(self, fingerprint: str) -> None:
        """One more was cut."""
        self[fingerprint] = self.pop(fingerprint, 0) + 1
        if len(self) > MOST_CUT:
            del self[next(iter(self))]


class Told:
    """See module.

    Args:
        bus: the instance's.
        direction: `in` for who connects to us, `out` for whom we connect to.
        now_ns: CLOCK_BOOTTIME.
    """

    def __init__(self, bus: Bus, direction: str, now_ns: Callable[[], int] = clock.now_ns) -> None:
        self._bus = bus
        self._direction = direction
        self._now = now_ns
        self._enforced: tuple[object, ...] = ()

    def seen(self, peer: TlsPeer, standing: Standing) -> None:
        """A peer has proven its key."""
        self._bus.publish(
            Seen(
                **self._bus.stamp(Seen),
                t_ns=self._now(),
                fingerprint=peer.certificate.fingerprint,
                der=peer.der,
                direction=self._direction,
                address=peer.address,
                verdict=standing.name,
                authority=peer.authority,
                protocol=peer.version,
                cipher=peer.cipher,
            )
        )

    def enforced(self, version: tuple[int, int], closed: Mapping[str, int], connections: Mapping[str, int]) -> None:
        """Which decisions are in force and what follows from them; nothing where that was already said."""
        state = (version, dict(closed), dict(connections))
        if state == self._enforced:
            return
        self._enforced = state
        self._bus.publish(
            Enforced(
                **self._bus.stamp(Enforced),
                t_ns=self._now(),
                trust_gen=version[0],
                trust_seq=version[1],
                closed=dict(closed),
                connections=dict(connections),
            )
        )
