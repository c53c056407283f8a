"""The TLS slave's life: images and decisions in, Modbus/TCP Security out, and word of whom it saw and cut off.

While the certificate manager is away it goes on with the decisions it has; started anew without one it refuses all.
"""

import asyncio
from typing import Final

from services.tls_slave.report import Reporter
from services.tls_slave.server import TlsServer
from shared.actor import Actor
from shared.bus.messages import Image, Trust
from shared.config.model import Slave as Settings
from shared.errors import ConfigError
from shared.modbus.clients import Clients
from shared.modbus.intake import Intake
from shared.modbus.listen import bind_by_hand
from shared.modbus.replica import Replica
from shared.modbus.server import Limits
from shared.tls.context import server_context
from shared.tls.decisions import decisions_of
from shared.tls.keys import OwnPair, load_both
from shared.tls.limits import Limits as HandshakeLimits

STORE: Final = "register-store"
MANAGER: Final = "certificate-manager"
TELL_EVERY_S: Final = 1.0
RETRY_S: Final = 1.0
GRACE_S: Final = 1.0
"""After a start the decisions of a running certificate manager are here within milliseconds. So long nothing is
accepted, since whoever connects meanwhile need not be refused; without a manager, all are."""


class TlsSlave(Actor):
    """Serves every configured meter to accepted peers."""

    role = "tls-slave"

    async def run(self) -> None:
        """Know whom to serve before the first handshake."""
        life = self.life
        config = life.config
        self._replica = Replica({meter.id: meter.unit for meter in config.meter})
        self._intake = Intake(self._replica, life.log)
        self._reporter = Reporter(life)
        self._server = TlsServer(
            self._replica,
            life.log,
            self._reporter,
            life.bus.call,
            limits=Limits.of(config.slave),
            handshakes=handshake_limits(config.slave),
            external_control=config.wallbox.external_control,
        )
        self._decided = asyncio.Event()
        self._in_use: tuple[str, frozenset[str]] | None = None
        self._reload = asyncio.Event()
        sockets = life.listen or (bind_by_hand(config.slave.host, config.slave.tls_port, "slave", "tls_port"),)
        try:
            self._reporter.enforced(self._server)
            life.bus.subscribe(STORE, Image, self._take)
            life.bus.subscribe(MANAGER, Trust, self._decide)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_keys())
                await self._wait_for_decisions()
                await self._server.start(sockets)
                life.log.info("serving with TLS", port=self._server.port, max_connections=self._server.cap)
                clients = Clients(life, self._server)
                life.bus.serve(clients.obey)
                life.ready()
                while True:
                    self._reporter.every_second(self._server)
                    clients.tell()
                    life.status(fresh_until_ns=self._replica.fresh_until_ns)
                    await self._reporter.sync()
                    await asyncio.sleep(TELL_EVERY_S)
        finally:
            await self._server.stop()
            self._reporter.close()

    def _decide(self, message: Trust) -> None:
        """Cut first, then tell, and only then see to the keys."""
        if message.version <= self._server.decisions.version:
            return
        decisions = decisions_of(message)
        anew = message.gen != self._server.decisions.version[0]
        self._server.decide(decisions)
        self._reporter.enforced(self._server)
        if anew:
            self._reporter.introduce(self._server)
        self._reload.set()

    async def _wait_for_decisions(self) -> None:
        try:
            async with asyncio.timeout(GRACE_S):
                await self._decided.wait()
        except TimeoutError:
            self.life.log.warning(
                "nobody is served before the certificate manager says who is accepted; see `metergate ps`"
            )

    async def _keep_keys(self) -> None:
        """Own keys and known authorities as the manager has them, loaded again whenever it says so."""
        folder, told = self.life.config.certificates.keys_dir, ""
        while True:
            await self._reload.wait()
            self._reload.clear()
            decisions = self._server.decisions
            wanted = (decisions.own, decisions.authority_fingerprints)
            if wanted == self._in_use:
                continue
            fault = ""
            try:
                keys = await asyncio.to_thread(load_both, folder)
            except ConfigError as error:
                keys, fault = None, str(error)
            if keys is None:
                fault = fault or f"{folder} does not hold both key pairs"
                if fault != told:
                    self.life.log.error("own keys cannot be used", reason=fault, cure="see `metergate certs own`")
                told = fault
                asyncio.get_running_loop().call_later(RETRY_S, self._reload.set)
                continue
            self._server.use(server_context(keys.pairs, decisions.authorities))
            self._in_use, told = wanted, ""
            self.life.log.info("own certificates in use", ec=_name(keys.ec), rsa=_name(keys.rsa))
            self._decided.set()

    def _take(self, image: Image) -> None:
        if self._intake.take(image):
            self._server.image_taken()


def handshake_limits(settings: Settings) -> HandshakeLimits:
    """As the settings want them. A burst is what comes together when all clients of an address come back at once."""
    usual, rate, per_address = HandshakeLimits(), settings.handshakes_per_s, settings.handshakes_per_s_per_address
    return HandshakeLimits(
        rate=rate,
        burst=max(rate, usual.burst),
        rate_per_origin=per_address,
        burst_per_origin=max(per_address, usual.burst_per_origin),
    )


def _name(pair: OwnPair) -> str:
    return pair.certificate.fingerprint


ACTOR = TlsSlave
