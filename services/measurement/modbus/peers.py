"""Which meters are spoken to over TLS: the certificate manager's word, enforced on every connection that we opened.

A meter is trusted where the owner accepted its certificate, or where a known CA issued it to the host that the settings
name: a CA of the local folder, or, for a host name, also one of the system's. Whoever loses that is cut off at once.
"""

import asyncio
import ipaddress
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from msgspec.structs import replace
from OpenSSL import SSL

from shared import clock
from shared.bus.bus import Bus
from shared.bus.messages import Enforced, Seen, Trust
from shared.errors import ConfigError, PeerError, RefusedError
from shared.modbus.master import Master
from shared.tls.certificate import names_host
from shared.tls.context import client_context
from shared.tls.decisions import NONE, Decisions, decisions_of
from shared.tls.keys import OwnPair, load_both
from shared.tls.peer import TlsPeer
from shared.tls.trust import Standing, Standings, Verdict

MANAGER: Final = "certificate-manager"
MOST_TOLD: Final = 1024
"""Fingerprints whose cut connections are remembered."""


class Vetted:
    """A connection to a meter that was trusted when it was opened.

    Attributes:
        peer: the meter.
        master: asks it.
    """

    def __init__(self, peers: "Peers", peer: TlsPeer, where: str, standings: Standings) -> None:
        self._peers = peers
        self._where = where
        self._standings = standings
        self.peer = peer
        self.master = Master(where, lambda: peers.release(self))

    def judge(self) -> Verdict:
        """How it stands now."""
        return self._peers.verdict(self._standings)

    def check(self) -> None:
        """Asked before each request.

        Raises:
            PeerError: it is not trusted any more; the connection is cut.
        """
        verdict = self.judge()
        if not verdict.served:
            self._peers.cut(self, verdict)
            raise PeerError(refusal(self._where, self.peer, verdict))

    def cut(self, verdict: Verdict) -> None:
        """End the connection now."""
        self.master.cut(refusal(self._where, self.peer, verdict))


class Peers:
    """All meters with TLS.

    Args:
        bus: on which the certificate manager speaks.
        keys_dir: of own keys.
        log: for what was cut off.
        wall_s, now_ns: clocks.

    Attributes:
        decisions: in force.
    """

    def __init__(
        self,
        bus: Bus,
        keys_dir: Path,
        log: structlog.typing.FilteringBoundLogger,
        wall_s: Callable[[], float] = time.time,
        now_ns: Callable[[], int] = clock.now_ns,
    ) -> None:
        self._bus = bus
        self._keys_dir = keys_dir
        self._log = log
        self._wall_s = wall_s
        self._now = now_ns
        self._held: list[Vetted] = []
        self._closed: Counter[str] = Counter()
        self._changed = asyncio.Event()
        self._pair: tuple[str, OwnPair] | None = None
        self._told: tuple[object, ...] = ()
        self.decisions: Decisions = NONE

    def start(self) -> None:
        """Hear the certificate manager. Until it has spoken no meter is trusted."""
        self._tell()
        self._bus.subscribe(MANAGER, Trust, self.decide)

    def decide(self, message: Trust) -> None:
        """Act by new decisions: cut first, then tell."""
        if message.version <= self.decisions.version:
            return
        decisions = decisions_of(message)
        gone = self.decisions.authority_fingerprints - decisions.authority_fingerprints
        self.decisions = decisions
        for vetted in tuple(self._held):
            verdict = vetted.judge()
            if not verdict.served or (gone and verdict.standing is Standing.CA_VALID):
                self.cut(vetted, verdict)
        self._tell()
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def newer_than(self, decisions: Decisions) -> None:
        """Return once other decisions than these are in force."""
        while self.decisions is decisions:
            await self._changed.wait()

    async def context(self, host: str) -> SSL.Context:
        """To connect to `host` with.

        Raises:
            PeerError: nothing is known yet about whom to trust, or there are no own keys.
        """
        decisions = self.decisions
        if decisions is NONE:
            raise PeerError("nobody has said yet whom to trust; does certificate-manager run? See `metergate ps`")
        pair = await self._own_pair(decisions)
        return client_context(pair, decisions.authorities, public_authorities=not _is_address(host))

    @property
    def own_fingerprint(self) -> str:
        """What a meter sees of us; empty before the first connection."""
        return "" if self._pair is None else self._pair[1].certificate.fingerprint

    def vet(self, peer: TlsPeer, host: str, where: str) -> Vetted:
        """A meter has proven its key, and nothing was said to it yet.

        Raises:
            RefusedError: it is not trusted.
        """
        by_authority = peer.chain_valid and names_host(peer.der, host)
        if not by_authority:
            peer = replace(peer, chain_valid=False, authority="")
        standings = Standings(peer.certificate, chain_valid=by_authority)
        verdict = self.verdict(standings)
        if verdict.listed:
            self._publish_seen(peer, verdict)
        if not verdict.served:
            raise RefusedError(refusal(where, peer, verdict))
        vetted = Vetted(self, peer, where, standings)
        self._held.append(vetted)
        self._tell()
        return vetted

    def verdict(self, standings: Standings) -> Verdict:
        """Under the decisions in force, now."""
        return standings.under(self.decisions.trust, self._wall_s())

    def cut(self, vetted: Vetted, verdict: Verdict) -> None:
        """End a connection now, if it has not ended before."""
        if vetted not in self._held:
            return
        self._held.remove(vetted)
        fingerprint = vetted.peer.certificate.fingerprint
        vetted.cut(verdict)
        self._closed[fingerprint] = self._closed.pop(fingerprint, 0) + 1
        if len(self._closed) > MOST_TOLD:
            del self._closed[next(iter(self._closed))]
        self._log.info(
            "connection cut off",
            peer=vetted.peer.address,
            fingerprint=fingerprint,
            standing=verdict.standing.value,
            reason=verdict.reason,
        )

    def release(self, vetted: Vetted) -> None:
        """The connection has ended."""
        if vetted in self._held:
            self._held.remove(vetted)
            self._tell()

    async def _own_pair(self, decisions: Decisions) -> OwnPair:
        if self._pair is not None and self._pair[0] == decisions.own:
            return self._pair[1]
        try:
            keys = await asyncio.to_thread(load_both, self._keys_dir)
        except (ConfigError, OSError) as error:
            raise PeerError(f"own keys cannot be used: {error}") from error
        if keys is None:
            raise PeerError(f"{self._keys_dir} does not hold both key pairs; certificate-manager makes them")
        self._pair = (keys.version, keys.ec)
        return keys.ec

    def _publish_seen(self, peer: TlsPeer, verdict: Verdict) -> None:
        self._bus.publish(
            Seen(
                **self._bus.stamp(Seen),
                t_ns=self._now(),
                fingerprint=peer.certificate.fingerprint,
                der=peer.der,
                direction="out",
                address=peer.address,
                verdict=verdict.standing.name,
                authority=peer.authority,
                protocol=peer.version,
                cipher=peer.cipher,
            )
        )

    def _tell(self) -> None:
        """Which decisions are in force and what follows from them; nothing where that was already said."""
        gen, seq = self.decisions.version
        connections = dict(Counter(vetted.peer.certificate.fingerprint for vetted in self._held))
        state = (gen, seq, connections, dict(self._closed))
        if state == self._told:
            return
        self._told = state
        self._bus.publish(
            Enforced(
                **self._bus.stamp(Enforced),
                t_ns=self._now(),
                trust_gen=gen,
                trust_seq=seq,
                closed=dict(self._closed),
                connections=connections,
            )
        )


def refusal(where: str, peer: TlsPeer, verdict: Verdict) -> str:
    """Why a meter is not spoken to, and what to do."""
    fingerprint = peer.certificate.fingerprint
    what = f"{where}: the meter's certificate {grouped(fingerprint)} ..."
    if verdict.standing is Standing.PENDING:
        return f"{what} is not accepted yet: metergate certs accept {fingerprint}"
    return f"{what} is refused: {verdict.reason}"


def grouped(fingerprint: str) -> str:
    """Its first half of a line, as one compares it."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, 16, 4))


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
