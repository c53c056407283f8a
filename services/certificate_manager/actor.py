"""The certificate manager as an actor: hears who was seen, does what the owner decides, tells all whom to trust."""

import asyncio
import contextlib
import time
from typing import ClassVar, Final

from services.certificate_manager import authorities, listing, rights
from services.certificate_manager.commands import Commands
from services.certificate_manager.decisions import Decisions
from services.certificate_manager.enforcement import Enforcement
from services.certificate_manager.in_force import InForce
from services.certificate_manager.keyring import Keyring
from services.certificate_manager.ledger import ROLES, SLAVE, Ledger, Version, is_tls
from services.certificate_manager.office import Office
from services.certificate_manager.pending import Pending
from services.certificate_manager.recall import recall
from services.certificate_manager.trust_store import StoreError, TrustStore
from shared import clock
from shared.actor import Actor, Life
from shared.audit.check import written_after
from shared.audit.log import open_log
from shared.bus.endpoints import instances, is_held
from shared.bus.messages import Enforced, Event, Seen, Trust
from shared.config.model import Config

LOOK_S: Final = 1.0
WARN_S: Final = 86_400.0
ALARM_S: Final = 1.0


class CertificateManager(Actor):
    """Single writer of the trust list and of own keys."""

    role: ClassVar[str] = "certificate-manager"

    def __init__(self, life: Life) -> None:
        super().__init__(life)
        config = life.config
        self._settings = config.certificates
        self._remote = _remote(config)
        self._roles = rights.table(config.certificates)
        self._own = Keyring(config.certificates, config.gateway.run_dir)
        self._pending = Pending(time.monotonic)
        self._ledger = Ledger()
        self._store = TrustStore(config.gateway.state_dir)
        self._audit = open_log(config.gateway.state_dir, life.instance)
        self._force = InForce(
            store=self._store,
            audit=self._audit,
            ledger=self._ledger,
            enforcement=Enforcement(
                config.gateway.run_dir,
                self._ledger,
                life.bus.call,
                follow=self._follow,
                remote=self._remote,
                writes=config.wallbox.external_control,
            ),
            publish=self._publish,
            tell=self._tell,
        )
        self._decisions = Decisions(self._force, self._pending)
        self._office = Office(
            force=self._force,
            pending=self._pending,
            ca_dir=self._settings.ca_dir,
            instance=life.instance,
            publish=self._publish,
            tell=self._tell,
        )
        self._followed: set[str] = set()
        self._alarms: list[tuple[str, str]] = []

    async def run(self) -> None:
        """Follow whoever speaks TLS; serve commands; look after files and dates."""
        try:
            await self._begin()
            self.life.bus.serve(
                Commands(
                    decisions=self._decisions,
                    force=self._force,
                    pending=self._pending,
                    ledger=self._ledger,
                    own=self._own,
                    office=self._office,
                    warn_days=self._settings.warn_days,
                )
            )
            self.life.ready()
            async with asyncio.TaskGroup() as tasks:  # a slow disk may hold up the one, never the other
                tasks.create_task(self._discover())
                tasks.create_task(self._tend())
                tasks.create_task(self._tell_alarms())
        finally:
            self._audit.close()

    async def _begin(self) -> None:
        if self._store.fault:
            await self._alarm("trust.damaged", "trust.json", self._store.fault)
        else:
            await self._recall()
        self._own.forget_leftovers()
        await self._own.begin()
        self._force.authorities = await asyncio.to_thread(authorities.load, self._settings.ca_dir)
        for fault in self._force.authorities.faults:
            self._tell("authorities.broken", "error", fault, "")
        for name in (*ROLES, *self._workers()):
            self._follow(name)
        self._publish()

    async def _recall(self) -> None:
        """Hold the list against the audit log: one of them may be older than the other, or not be there any more."""
        store, log = self._store, self._audit.head.seq
        if log < store.log:
            text = f"the audit log goes to line {log}, and went to line {store.log}: lines are missing"
            await self._alarm("audit.short", self.life.instance, text)
        state_dir = self.life.config.gateway.state_dir
        later = await asyncio.to_thread(written_after, state_dir, self.life.instance, store.log)
        recalled = recall(self._force.trust, later)
        if recalled.missing:
            text = f"trust.json is older than the audit log; decide again about {' '.join(recalled.missing)}"
            await self._alarm("trust.incomplete", "trust.json", text)
        if recalled.taken:
            self._force.trust = recalled.trust
            text = f"trust.json is older than the audit log; it is obeyed about {' '.join(recalled.taken)}"
            await self._alarm("trust.older", "trust.json", text)
            with contextlib.suppress(StoreError):  # told by an event; tried again
                await self._force.save()

    async def _alarm(self, kind: str, target: str, text: str) -> None:
        """At the start, when nobody listens yet: in the log and the audit log now, on the bus soon, in `ps` to stay."""
        self.life.log.error(kind, text=text)
        self._alarms.append((kind, text))
        self.life.status(note="; ".join(text for _, text in self._alarms))
        await self._office.note(kind, target, text)

    async def _tell_alarms(self) -> None:
        """Once those who listened to the certificate manager before have found this one."""
        await asyncio.sleep(ALARM_S)
        for kind, text in self._alarms:
            self._publish_event(kind, "error", text, "")

    async def _discover(self) -> None:
        """Find the TLS instances that run, also those of workers that came later."""
        run_dir = self.life.config.gateway.run_dir
        while True:
            for name in instances(run_dir):
                self._follow(name)
            for name in self._ledger.heard():
                if name.partition(".")[0] not in self._remote and not is_held(run_dir, name):
                    self._ledger.forget(name)
            await asyncio.sleep(LOOK_S)

    async def _tend(self) -> None:
        """Look after files and dates."""
        saved = warned = time.monotonic()
        self._warn()
        while True:
            if authorities.mark(self._settings.ca_dir) != self._force.authorities.mark:
                await self._office.reload_authorities(None)
            now = time.monotonic()
            if self._force.saving.is_due(now - saved):
                saved = now
                with contextlib.suppress(StoreError):  # told by an event; tried again
                    await self._force.save()
            if now >= warned + WARN_S:
                warned = now
                self._warn()
            await asyncio.sleep(LOOK_S)

    def _follow(self, instance: str) -> None:
        """Hear what this instance says, if it may hold TLS connections."""
        if is_tls(instance) and instance not in self._followed:
            self._followed.add(instance)
            self.life.bus.subscribe(instance, Enforced, self._ledger.note)
            self.life.bus.subscribe(instance, Seen, self._on_seen, every=True)

    def _on_seen(self, seen: Seen) -> None:
        contact = self._decisions.see(seen)
        if contact is not None:
            said = contact.certificate
            text = f"{said.subject or said.fingerprint[:16]} from {contact.addresses[0]}"
            kind = "certificate.vouched" if contact.authority else "certificate.seen"
            self._tell(kind, "info", text, said.fingerprint)

    def _publish(self) -> Version:
        trust = self._force.trust
        message = Trust(
            **self.life.bus.stamp(Trust),
            t_ns=clock.now_ns(),
            accepted=trust.accepted(),
            blocked=trust.blocked(),
            authorities=self._force.authorities.pem,
            roles=self._roles,
            own=self._own.version,
            labels=trust.labels(),
        )
        self.life.bus.publish(message)
        return message.version

    def _warn(self) -> None:
        """Of certificates that end soon: nothing is renewed by itself, since peers have pinned what they accepted."""
        now_s, days = time.time(), self._settings.warn_days
        for certificate, ends in listing.expiring(self._own.certificates(), now_s, days):
            text = f"own {certificate.key} certificate {ends}; `metergate certs own --renew` makes a new one"
            self._tell("own.expires", "warning", text, certificate.fingerprint)
        trust = self._force.trust
        accepted = [trust.certificate(fingerprint) for fingerprint in trust.accepted()]
        for certificate, ends in listing.expiring(accepted, now_s, days):
            entry = trust.get(certificate.fingerprint)
            name = (entry.label if entry else "") or certificate.subject or certificate.fingerprint[:16]
            self._tell("certificate.expires", "warning", f"accepted {name} {ends}", certificate.fingerprint)

    def _workers(self) -> tuple[str, ...]:
        """On another host they cannot be found by their locks, but the settings say how many there are."""
        if SLAVE not in self._remote:
            return ()
        return tuple(f"{SLAVE}.{number}" for number in range(2, self.life.config.slave.workers + 1))

    def _tell(self, kind: str, level: str, text: str, fingerprint: str) -> None:
        log = {"info": self.life.log.info, "warning": self.life.log.warning, "error": self.life.log.error}[level]
        log(kind, text=text, fingerprint=fingerprint)
        self._publish_event(kind, level, text, fingerprint)

    def _publish_event(self, kind: str, level: str, text: str, fingerprint: str) -> None:
        data: dict[str, str | int | float | bool] = {"fingerprint": fingerprint} if fingerprint else {}
        event = Event(**self.life.bus.stamp(Event), t_ns=clock.now_ns(), kind=kind, level=level, text=text, data=data)
        self.life.bus.publish(event)


def _remote(config: Config) -> frozenset[str]:
    """Roles with TLS that run on another host."""
    if config.bus.transport == "ipc":
        return frozenset()
    here = {role for host in config.bus.host if host.name == config.bus.this for role in host.roles}
    return frozenset(ROLES) - here


ACTOR = CertificateManager
