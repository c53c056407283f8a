"""What the TLS slave tells: certificates seen, decisions enforced, and refusals by role in the audit log."""

from collections.abc import Callable
from typing import Final

from services.tls_slave.access import PeerAccess
from services.tls_slave.server import TlsServer
from shared import clock
from shared.actor import Life
from shared.audit.keep import Keep
from shared.audit.log import open_log
from shared.audit.record import Who
from shared.bus.messages import Event
from shared.tls.limits import Bucket
from shared.tls.told import Told
from shared.tls.trust import Standing

SEEN_EVERY_NS: Final = 1_000_000_000
SEEN_PER_S: Final = 20.0
SEEN_BURST: Final = 64.0
FOUND_NS: Final = 2_000_000_000
"""After a start the certificate manager may need so long to find this instance, and has not heard what was said before.
Whom it does not know is mentioned again then: a client that came first of all and has gone must still be listed."""
MOST_OWED: Final = 256
"""Certificates that are still to be mentioned; who comes on top of them may come again."""
REMEMBERED: Final = 1024
"""Certificates and refusals whose last mention is remembered."""
REFUSAL_EVERY_NS: Final = 60_000_000_000
REFUSALS_PER_S: Final = 1.0
REFUSAL_BURST: Final = 64.0
"""Of all peers together: one that asks for each register by itself must not push older lines out of the audit log."""
MOST_TOLD: Final = 1024
"""Fingerprints in one `enforced/1`, which has to fit into a message of the bus."""


class Reporter:
    """All messages of one TLS slave. All of them are bounded in rate, whatever peers do."""

    def __init__(self, life: Life, now_ns: Callable[[], int] = clock.now_ns) -> None:
        """Open the audit log.

        Raises:
            ConfigError: it cannot be written.
        """
        self._life = life
        self._now = now_ns
        self._audit = open_log(life.config.gateway.state_dir, life.instance)
        self._keep = Keep(self._audit, life.log.error)
        self._bucket = Bucket(SEEN_PER_S, SEEN_BURST, now_ns() / 1e9)
        self._seen = _Recent(SEEN_EVERY_NS)
        self._found_at = now_ns() + FOUND_NS
        self._owed: dict[str, PeerAccess] = {}
        self._refused = _Recent(REFUSAL_EVERY_NS)
        self._refusals = Bucket(REFUSALS_PER_S, REFUSAL_BURST, now_ns() / 1e9)
        self._untold = 0
        self._told = Told(life.bus, "in", now_ns)

    def seen(self, access: PeerAccess) -> None:
        """A certificate whose key was proven; the same one at most once a second, the last word never left out."""
        identity, now = access.peer.certificate.fingerprint, self._now()
        if not self._seen.due(identity, now) or not self._bucket.take(now / 1e9):
            self._owe(access)
            return
        self._owed.pop(identity, None)
        self._seen.note(identity, now)
        self._told.seen(access.peer, access.verdict.standing)
        if now < self._found_at and access.verdict.standing is not Standing.ACCEPTED:
            self._owe(access)

    def introduce(self, server: TlsServer) -> None:
        """A certificate manager that was started anew does not know whom an authority vouched for: soon it does."""
        for access in server.vouched():
            self._owe(access)

    def refused(self, access: PeerAccess, what: str) -> None:
        """What a role does not allow: the first time, and again at most once a minute, each kind of it."""
        peer, now = access.peer, self._now()
        certificate = peer.certificate
        if not self._refused.due(certificate.fingerprint + what, now):
            return
        if not self._refusals.take(now / 1e9):
            self._untold += 1
            return
        self._refused.note(certificate.fingerprint + what, now)
        who = Who("modbus", certificate.fingerprint, access.label, peer.address, certificate.role)
        untold, self._untold = self._untold, 0
        self._note(who, what, f"exception 01; {untold} more untold" if untold else "exception 01")
        self._life.log.warning(
            "refused by role", peer=peer.address, fingerprint=certificate.fingerprint, role=certificate.role, what=what
        )
        bus = self._life.bus
        bus.publish(
            Event(
                **bus.stamp(Event),
                t_ns=now,
                kind="refused.role",
                level="warning",
                text=f"{access.label or certificate.fingerprint[:16]} was refused: {what}",
                data={
                    "fingerprint": certificate.fingerprint,
                    "label": access.label,
                    "address": peer.address,
                    "role": certificate.role,
                    "what": what,
                },
            )
        )

    def enforced(self, server: TlsServer) -> None:
        """Which decisions are in force and what follows from them; nothing where that was already said."""
        connections = dict(server.open_by_fingerprint().most_common(MOST_TOLD))
        self._told.enforced(server.decisions.version, server.closed, connections)

    def every_second(self, server: TlsServer) -> None:
        """What is repeated: who waits in quarantine, connections."""
        now = self._now()
        for access in server.waiting():  # who is still there comes before those who have gone
            if self._seen.due(access.peer.certificate.fingerprint, now):  # else just said, and again if it stays
                self.seen(access)
        for access in tuple(self._owed.values()):
            self.seen(access)
        self.enforced(server)

    async def sync(self) -> None:
        """Make the audit log safe against power loss."""
        await self._keep.sync()

    def _note(self, who: Who, what: str, result: str) -> None:
        """A refusal stands, whether it can be written or not: it must not cost the peer more than that."""
        try:
            self._audit.append(who, "refused.role", what, result)
        except OSError as error:
            self._life.log.error("the audit log cannot be written", reason=error.strerror or str(error))  # noqa: TRY400  # no defect
        else:
            self._keep.touched = True

    def _owe(self, access: PeerAccess) -> None:
        identity = access.peer.certificate.fingerprint
        self._owed.pop(identity, None)
        if len(self._owed) < MOST_OWED:
            self._owed[identity] = access

    def close(self) -> None:
        """Close the audit log."""
        self._keep.close()


class _Recent:
    """When each thing was mentioned last, bounded; what was forgotten counts as never mentioned."""

    __slots__ = ("_at", "_every_ns")

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._at: dict[str, int] = {}

    def due(self, what: str, now: int) -> bool:
        """Whether it may be mentioned again."""
        return now - self._at.get(what, -self._every_ns) >= self._every_ns

    def note(self, what: str, now: int) -> None:
        """It was mentioned."""
        self._at.pop(what, None)
        self._at[what] = now
        if len(self._at) > REMEMBERED:
            del self._at[next(iter(self._at))]
