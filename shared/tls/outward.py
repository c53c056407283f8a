"""Whom we speak to over TLS, a meter or a receiver: the owner's decisions, enforced on connections that we open.

    TCP -> handshake -> seen -> verdict -> the first byte of data | closed, nothing was said
    new decisions -> cut whoever lost his place, at once -> acknowledge

Trusted is a certificate that the owner accepted, or that a known authority made out to the host of the settings: one of
the local folder or, where that host is a name, also one of the system's. Without decisions nobody is.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace
from OpenSSL import SSL
from structlog.typing import FilteringBoundLogger

from shared import clock
from shared.bus.bus import Bus
from shared.bus.messages import Trust
from shared.connect import Connector
from shared.errors import ConfigError, PeerError, UntrustedError
from shared.tls.certificate import names_host
from shared.tls.context import client_context
from shared.tls.decisions import NONE, Decisions, decisions_of
from shared.tls.dial import dial
from shared.tls.fingerprint import beginning
from shared.tls.keys import OwnKeys, load_both
from shared.tls.peer import TlsPeer
from shared.tls.stream import TlsTransport
from shared.tls.told import CutCount, Told
from shared.tls.trust import Standing, Standings, Verdict

MANAGER: Final = "certificate-manager"
LOOK_EVERY_S: Final = 1.0


class Vetted:
    """Somebody that we are connected to, trusted when the connection was opened.

    Attributes:
        peer: the other side; `chain_valid` only where its certificate is made out to the host of the settings.
    """

    def __init__(self, outward: "Outward", to: Connector, shown: TlsPeer) -> None:
        self._outward = outward
        self._to = to
        self._misnamed = shown.chain_valid and not names_host(shown.der, to.host)
        self.peer = replace(shown, chain_valid=False, authority="") if self._misnamed else shown
        self._standings = Standings(shown.certificate, chain_valid=self.peer.chain_valid)

    def verdict(self) -> Verdict:
        """How it stands now."""
        return self._standings.under(self._outward.decisions.trust, self._outward.wall_s())

    def check(self) -> None:
        """Asked before anything is said to it.

        Raises:
            UntrustedError: why it is not trusted, or not any more, and what to do.
        """
        verdict = self.verdict()
        if verdict.served:
            return
        certificate = self.peer.certificate
        what = f"{self._to.place}: its certificate {beginning(certificate.fingerprint)} ..."
        if self._misnamed:
            what += f", made out to {', '.join(certificate.names) or 'nobody'} and not to {self._to.host},"
        if verdict.standing is Standing.PENDING:
            alike = "" if verdict.reason == "not accepted yet" else f" ({verdict.reason})"
            what += f" is not accepted yet{alike}: metergate certs accept {certificate.fingerprint}"
        else:
            what += f" is refused: {verdict.reason}"
        raise UntrustedError(what, certificate.fingerprint)


class Outward:
    """See module.

    Args:
        bus: on which the certificate manager speaks.
        keys_dir: of own keys.
        log: for what was cut off.
        changed: called after each change of the decisions.
        wall_s: seconds since 1970.
        now_ns: CLOCK_BOOTTIME.

    Attributes:
        decisions: in force.
        own_fingerprint: of the certificate that we show; empty before the first connection.
    """

    def __init__(
        self,
        bus: Bus,
        keys_dir: Path,
        log: FilteringBoundLogger,
        *,
        changed: Callable[[], None] = lambda: None,
        wall_s: Callable[[], float] = time.time,
        now_ns: Callable[[], int] = clock.now_ns,
    ) -> None:
        self._bus = bus
        self._keys_dir = keys_dir
        self._log = log
        self._changed = changed
        self._told = Told(bus, "out", now_ns)
        self._keys: OwnKeys | None = None
        self._contexts: dict[bool, SSL.Context] = {}
        self._open: dict[TlsTransport, Vetted] = {}
        self._closed = CutCount()
        self._newer = asyncio.Event()
        self._introduce = False
        self.wall_s: Final = wall_s
        self.decisions: Decisions = NONE

    @property
    def own_fingerprint(self) -> str:
        """See class."""
        return "" if self._keys is None else self._keys.ec.certificate.fingerprint

    async def run(self) -> None:
        """Hear the certificate manager; look every second whether the calendar ended somebody's place. For ever."""
        self._tell()
        self._bus.subscribe(MANAGER, Trust, self._decide)
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._enforce()
            if self._introduce:
                self._introduce = False
                self._introduce_vouched()

    async def newer_than(self, decisions: Decisions) -> None:
        """Return once other decisions than these are in force."""
        while self.decisions is decisions:
            await self._newer.wait()

    async def dial(self, to: Connector, factory: Callable[[], asyncio.Protocol], timeout_s: float) -> Vetted:
        """Connect; `factory` makes the protocol once the other side is trusted.

        Raises:
            UntrustedError: it must not be spoken to; nothing was said.
            PeerError: no connection, no handshake, or no decisions yet.
        """
        context = await self._context(to)
        known = self.decisions.authority_fingerprints
        looked: list[Vetted] = []

        def look(peer: TlsPeer) -> asyncio.Protocol:
            if peer.chain_valid and self.decisions.authority_fingerprints != known:
                raise PeerError(
                    f"{to.place}: the known authorities have changed during the handshake; it is done again"
                )
            looked.append(self._vet(peer, to))
            return factory()

        transport = await dial(context, to, look, timeout_s)
        self._open[transport] = looked[0]
        self._tell()
        return looked[0]

    def _vet(self, peer: TlsPeer, to: Connector) -> Vetted:
        """It has proven its key, and nothing was said to it yet."""
        vetted = Vetted(self, to, peer)
        verdict = vetted.verdict()
        if verdict.listed:
            self._told.seen(vetted.peer, verdict.standing)
        vetted.check()
        return vetted

    async def _context(self, to: Connector) -> SSL.Context:
        """With own keys as the manager has them, read again where they are others now."""
        if self.decisions is NONE:
            raise PeerError(f"{to.place}: nobody has said yet whom to trust; see `metergate ps` for {MANAGER}")
        if self._keys is None or self._keys.version != self.decisions.own:
            try:
                keys = await asyncio.to_thread(load_both, self._keys_dir)
            except (ConfigError, OSError) as error:
                raise PeerError(f"{to.place}: own keys cannot be used: {error}") from error
            if keys is None:
                raise PeerError(
                    f"{to.place}: {self._keys_dir} does not hold both key pairs; {MANAGER} makes them, "
                    "see `metergate certs own`"
                )
            self._keys = keys
            self._contexts.clear()
        public = to.named
        if public not in self._contexts:
            self._contexts[public] = client_context(
                self._keys.ec, self.decisions.authorities, public_authorities=public
            )
        return self._contexts[public]

    def _decide(self, message: Trust) -> None:
        """Cut first, then tell."""
        if message.version <= self.decisions.version:
            return
        decisions = decisions_of(message)
        before, self.decisions = self.decisions, decisions
        self._contexts.clear()
        if before.authority_fingerprints - decisions.authority_fingerprints:
            for transport, vetted in list(self._open.items()):
                # at which authority a chain ended was OpenSSL's matter: who came by one is asked to come again
                if vetted.verdict().standing is Standing.CA_VALID:
                    self._cut(transport, "an authority was taken away")
        self._enforce()
        self._introduce = self._introduce or message.gen != before.version[0]
        newer, self._newer = self._newer, asyncio.Event()
        newer.set()
        self._changed()

    def _enforce(self) -> None:
        for transport, vetted in list(self._open.items()):
            if transport.is_closing():
                del self._open[transport]
            elif not (verdict := vetted.verdict()).served:
                self._cut(transport, verdict.reason)
        self._tell()

    def _introduce_vouched(self) -> None:
        """A certificate manager that was started anew does not know whom an authority vouched for."""
        for vetted in self._open.values():
            verdict = vetted.verdict()
            if verdict.standing is Standing.CA_VALID:
                self._told.seen(vetted.peer, verdict.standing)

    def _cut(self, transport: TlsTransport, reason: str) -> None:
        peer = self._open.pop(transport).peer
        transport.abort()
        self._closed.add(peer.certificate.fingerprint)
        self._log.info("connection cut off", peer=peer.address, fingerprint=peer.certificate.fingerprint, reason=reason)

    def _tell(self) -> None:
        connections = Counter(vetted.peer.certificate.fingerprint for vetted in self._open.values())
        self._told.enforced(self.decisions.version, self._closed, connections)
