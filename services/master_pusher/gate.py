"""Which TLS receivers may be spoken to: the certificate manager's decisions, enforced on connections that we open.

    TCP -> handshake -> seen -> verdict -> the first byte of Modbus or HTTP | closed, nothing was said
    new decisions -> cut whoever lost his place, at once -> acknowledge

Without decisions nobody is trusted. A certificate that an authority signed also has to be made out to the host that
was asked for; the system's authorities count for hosts given by name only.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from typing import Final

from msgspec.structs import replace
from OpenSSL import SSL

from services.master_pusher.sender import UntrustedError
from shared import clock
from shared.actor import Life
from shared.bus.messages import Enforced, Seen, Trust
from shared.errors import ConfigError, PeerError
from shared.tls.certificate import names_host
from shared.tls.context import client_context
from shared.tls.decisions import NONE, Decisions, decisions_of
from shared.tls.dial import Connect, dial
from shared.tls.keys import OwnKeys, load_both
from shared.tls.peer import TlsPeer
from shared.tls.stream import TlsTransport
from shared.tls.trust import Standing, Standings, Verdict

MANAGER: Final = "certificate-manager"
LOOK_EVERY_S: Final = 1.0
MAX_CUT_TOLD: Final = 64


class _Peer:
    """Somebody that we are connected to."""

    __slots__ = ("misnamed", "peer", "standings")

    def __init__(self, peer: TlsPeer, host: str) -> None:
        self.misnamed = peer.chain_valid and not names_host(peer.der, host)
        self.peer = replace(peer, chain_valid=False, authority="") if self.misnamed else peer
        self.standings = Standings(peer.certificate, chain_valid=self.peer.chain_valid)


class Gate:
    """See module.

    Args:
        life: whose bus and log are used.
        changed: called after each change of the decisions or of our own keys.
        wall_s: seconds since 1970.
    """

    def __init__(self, life: Life, changed: Callable[[], None], wall_s: Callable[[], float] = time.time) -> None:
        self._life = life
        self._changed = changed
        self._wall_s = wall_s
        self._folder: Final = life.config.certificates.keys_dir
        self._decisions: Decisions = NONE
        self._keys: OwnKeys | None = None
        self._fault = "the certificate manager has not said yet who is accepted; see `metergate ps`"
        self._contexts: dict[bool, SSL.Context] = {}
        self._reload = asyncio.Event()
        self._open: dict[TlsTransport, _Peer] = {}
        self._closed: dict[str, int] = {}
        self._told: object = None

    async def run(self) -> None:
        """Follow the decisions; look every second whether the calendar ended somebody's place."""
        self._tell()
        self._life.bus.subscribe(MANAGER, Trust, self._decide)
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._reload.wait()
            if self._reload.is_set():
                self._reload.clear()
                await self._load()
            self._enforce()

    async def dial(
        self,
        host: str,
        port: int,
        factory: Callable[[], asyncio.Protocol],
        timeout_s: float,
        *,
        connect: Connect,
        shown: Callable[[str], None],
    ) -> None:
        """See `sender.Dialler`.

        Raises:
            UntrustedError: it must not be spoken to; nothing was said.
            PeerError: no connection, no handshake, or no decisions yet.
        """
        context = self._context(public=not _is_address(host))
        looked: list[_Peer] = []

        def look(peer: TlsPeer) -> asyncio.Protocol:
            if context not in self._contexts.values():  # its authorities may not be known any more
                raise PeerError(f"{host}: who is trusted has changed during the handshake; it is done again")
            looked.append(self._admit(peer, host))
            return factory()

        try:
            transport = await dial(context, host, port, look, timeout_s, connect=connect)
        except UntrustedError as error:
            shown(error.args[1])
            raise UntrustedError(error.args[0]) from None
        shown(looked[0].peer.certificate.fingerprint)
        self._open[transport] = looked[0]
        self._tell()

    def _admit(self, shown: TlsPeer, host: str) -> _Peer:
        peer = _Peer(shown, host)
        verdict = self._judge(peer)
        if verdict.listed:
            self._publish_seen(peer, verdict)
        if verdict.served:
            return peer
        fingerprint = shown.certificate.fingerprint
        what = f"{host}: its certificate {fingerprint}"
        if peer.misnamed:
            names = ", ".join(shown.certificate.names) or "nobody"
            what = f"{what} is made out to {names}, not to {host}"
        if verdict.standing is Standing.PENDING:
            cure = f"if it is the right one: metergate certs accept {fingerprint}"
            raise UntrustedError(f"{what} is not accepted ({verdict.reason}); {cure}", fingerprint)
        raise UntrustedError(f"{what} is refused: {verdict.reason}", fingerprint)

    def _judge(self, peer: _Peer) -> Verdict:
        return peer.standings.under(self._decisions.trust, self._wall_s())

    def _publish_seen(self, peer: _Peer, verdict: Verdict) -> None:
        bus, shown = self._life.bus, peer.peer
        bus.publish(
            Seen(
                **bus.stamp(Seen),
                t_ns=clock.now_ns(),
                fingerprint=shown.certificate.fingerprint,
                der=shown.der,
                direction="out",
                address=shown.address,
                verdict=verdict.standing.name,
                authority=shown.authority,
                protocol=shown.version,
                cipher=shown.cipher,
            )
        )

    def _decide(self, message: Trust) -> None:
        """Cut first, then tell, and only then see to the keys."""
        if message.version <= self._decisions.version:
            return
        decisions = decisions_of(message)
        gone = self._decisions.authority_fingerprints - decisions.authority_fingerprints
        self._decisions = decisions
        self._contexts.clear()
        for transport, peer in list(self._open.items()):
            # which authority a chain ended at was OpenSSL's matter: who came by one is asked to come again
            if gone and self._judge(peer).standing is Standing.CA_VALID:
                self._cut(transport, "an authority was taken away")
        self._enforce()
        self._reload.set()

    def _enforce(self) -> None:
        for transport, peer in list(self._open.items()):
            if transport.is_closing():
                del self._open[transport]
            elif not (verdict := self._judge(peer)).served:
                self._cut(transport, verdict.reason)
        self._tell()

    def _cut(self, transport: TlsTransport, reason: str) -> None:
        fingerprint = self._open.pop(transport).peer.certificate.fingerprint
        transport.abort()
        self._closed[fingerprint] = self._closed.pop(fingerprint, 0) + 1
        if len(self._closed) > MAX_CUT_TOLD:
            del self._closed[next(iter(self._closed))]
        self._life.log.info("connection cut off", fingerprint=fingerprint, reason=reason)

    def _tell(self) -> None:
        """Which decisions are in force; nothing where that was already said."""
        living = (peer for transport, peer in self._open.items() if not transport.is_closing())
        connections = dict(Counter(peer.peer.certificate.fingerprint for peer in living))
        state = (self._decisions.version, connections, dict(self._closed))
        if state == self._told:
            return
        self._told = state
        bus, (gen, seq) = self._life.bus, self._decisions.version
        bus.publish(
            Enforced(
                **bus.stamp(Enforced),
                t_ns=clock.now_ns(),
                trust_gen=gen,
                trust_seq=seq,
                closed=dict(self._closed),
                connections=connections,
            )
        )

    async def _load(self) -> None:
        """Own keys as the manager has them."""
        if self._keys is None or self._keys.version != self._decisions.own:
            try:
                keys = await asyncio.to_thread(load_both, self._folder)
            except ConfigError as error:
                keys, self._fault = None, str(error)
            else:
                self._fault = f"{self._folder} does not hold both key pairs; see `metergate certs own`"
            self._contexts.clear()
            self._keys = keys
            if keys is None:
                self._life.log.error("own keys cannot be used", reason=self._fault)
                asyncio.get_running_loop().call_later(LOOK_EVERY_S, self._reload.set)
        self._changed()

    def _context(self, *, public: bool) -> SSL.Context:
        if self._decisions is NONE or self._keys is None:
            raise PeerError(self._fault)
        if public not in self._contexts:
            self._contexts[public] = client_context(
                self._keys.ec, self._decisions.authorities, public_authorities=public
            )
        return self._contexts[public]


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
