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

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from OpenSSL import SSL

from services.master_pusher.sender import UntrustedError
from shared import clock
from shared.actor import Life
from shared.bus.messages import Enforced, Seen, Trust
from shared.errors import BusError, ConfigError, PeerError
from shared.tls.certificate import names_host
from shared.tls.context import client_context
from shared.tls.dial import Connect, dial
from shared.tls.keys import OwnKeys, load_both
from shared.tls.peer import TlsPeer
from shared.tls.roles import Grant
from shared.tls.stream import TlsTransport
from shared.tls.trust import NOBODY, Pin, Standings, TrustSet, Verdict

MANAGER: Final = "certificate-manager"
LOOK_EVERY_S: Final = 1.0
MAX_CUT_TOLD: Final = 64


class _Peer:
    """Somebody that we are connected to."""

    __slots__ = ("chain_valid", "host", "peer", "standings")

    def __init__(self, peer: TlsPeer, host: str) -> None:
        self.peer = peer
        self.host = host
        self.chain_valid = peer.chain_valid and names_host(peer.der, host)
        self.standings = Standings(peer.certificate, chain_valid=self.chain_valid)


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
        self._trust: TrustSet = NOBODY
        self._version = (0, 0)
        self._authorities: tuple[x509.Certificate, ...] = ()
        self._own = ""
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
        certificate = shown.certificate
        why = verdict.reason
        if shown.chain_valid and not peer.chain_valid:
            why = f"it is not made out to {host}, but to {', '.join(certificate.names) or 'nobody'}"
        raise UntrustedError(
            f"its certificate {certificate.fingerprint} may not be trusted: {why}; if it is the right one, "
            f"`metergate certs accept {certificate.fingerprint[:16]}`",
            certificate.fingerprint,
        )

    def _judge(self, peer: _Peer) -> Verdict:
        return peer.standings.under(self._trust, self._wall_s())

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
                authority=self._authority_of(shown.certificate.issuer) if peer.chain_valid else "",
                protocol=shown.version,
                cipher=shown.cipher,
            )
        )

    def _authority_of(self, issuer: str) -> str:
        found = (each for each in self._authorities if each.subject.rfc4514_string() == issuer)
        return next((_fingerprint(each) for each in found), "")

    def _decide(self, message: Trust) -> None:
        """Cut first, then tell, and only then see to the keys."""
        if message.version <= self._version and message.gen == self._version[0]:
            return
        self._trust, authorities = compiled(message)
        gone = {_fingerprint(each) for each in self._authorities} - {_fingerprint(each) for each in authorities}
        self._version, self._authorities = message.version, authorities
        self._contexts.clear()
        for transport, peer in list(self._open.items()):
            pinned = self._trust.pin(peer.peer.certificate.fingerprint) is not None
            # which authority a chain ended at was OpenSSL's matter: who came by one is asked to come again
            if gone and peer.chain_valid and not pinned:
                self._cut(transport, "an authority was taken away")
        self._enforce()
        self._own = message.own
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
        state = (self._version, connections, dict(self._closed))
        if state == self._told:
            return
        self._told = state
        bus, (gen, seq) = self._life.bus, self._version
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
        if self._keys is None or self._keys.version != self._own:
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
        if self._keys is None:
            raise PeerError(self._fault)
        if public not in self._contexts:
            self._contexts[public] = client_context(self._keys.ec, self._authorities, public_authorities=public)
        return self._contexts[public]


def compiled(message: Trust) -> tuple[TrustSet, tuple[x509.Certificate, ...]]:
    """What the decisions mean for targets.

    Raises:
        BusError: they cannot be understood. Whoever goes on with those before may serve somebody just deleted.
    """
    try:
        pins = [Pin(fingerprint=identity, grant=Grant(grant)) for identity, grant in message.accepted.items()]
        authorities = tuple(x509.load_pem_x509_certificates(message.authorities)) if message.authorities else ()
    except ValueError as error:
        raise BusError(f"trust/1 of {message.src}, gen {message.gen}, seq {message.seq}: {error}") from error
    return TrustSet(message.gen << 32 | message.seq, pins, message.blocked), authorities


def _fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(SHA256()).hex()


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
