"""What the owner changes besides the decisions: own certificates, and the folder of known CAs."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from services.certificate_manager import authorities, ca_folder
from services.certificate_manager.authorities import Authorities
from services.certificate_manager.in_force import InForce
from services.certificate_manager.ledger import Version
from services.certificate_manager.pending import Pending
from services.certificate_manager.saving import Tell
from shared.audit.record import Who
from shared.errors import RefusedError


class Office:
    """Publishes such a change, tells it, audits it.

    Args:
        force: where known CAs are in force.
        pending: contacts that a CA may vouch for.
        ca_dir: folder of known CAs.
        instance: whom the audit log names where nobody asked for a change.
        publish: the trust as it is now, to everybody.
        tell: publishes an event.
    """

    def __init__(
        self,
        *,
        force: InForce,
        pending: Pending,
        ca_dir: Path,
        instance: str,
        publish: Callable[[], Version],
        tell: Tell,
    ) -> None:
        self._force = force
        self._pending = pending
        self._folder = ca_dir
        self._instance = instance
        self._publish = publish
        self._tell = tell

    async def own_changed(self, what: str, result: str, who: Who) -> None:
        """Publish that own certificates are others now, and audit it."""
        self._publish()
        self._tell(what, "warning", f"own certificate is now {result[:16]}: peers may have to accept it", result)
        await self._force.record(what, "own", result, who)

    async def reload_authorities(self, who: Who | None) -> None:
        """Read the folder of CAs; `who` asked for it, or nobody did and it changed."""
        await self._take(await asyncio.to_thread(authorities.load, self._folder), who)

    async def add_authority(self, name: str, pem: str, who: Who) -> None:
        """Put a CA into the folder: durable and audited before it is in force.

        Raises:
            RefusedError: why not.
        """
        subjects = ", ".join(each.subject for each in ca_folder.judged(pem, len(self._force.authorities.pem)))
        beside = await asyncio.to_thread(ca_folder.prepare, self._folder, name, pem)
        try:
            await self._force.record("authority.add", f"{name}.pem", subjects, who)
            await asyncio.to_thread(ca_folder.place, beside, name)
        finally:
            await asyncio.to_thread(ca_folder.drop, beside)
        await self.reload_authorities(who)

    async def remove_authority(self, file: str, who: Who) -> None:
        """Take a file out of the folder: whom it vouched for is refused at once, also where the disk is slow.

        Raises:
            RefusedError: there is no such file; or it stays, and so does what it vouches for.
        """
        path = ca_folder.known(self._folder, file)
        await self._take(await asyncio.to_thread(authorities.load, self._folder, path.name), who)
        try:
            await asyncio.to_thread(ca_folder.take_out, path)
        except OSError as error:
            await self.reload_authorities(who)
            raise RefusedError(
                f"{path} cannot be removed ({error.strerror}): it is in force; remove it by hand"
            ) from error
        await self._force.record("authority.remove", path.name, "removed", who)
        await self.reload_authorities(who)

    async def _take(self, loaded: Authorities, who: Who | None) -> None:
        """Authorities as they are from now on: fewer are told to all before it is audited, more after it."""
        before, self._force.authorities = self._force.authorities, loaded
        fewer = loaded.fingerprints < before.fingerprints
        if fewer:
            self._publish()
        for fault in loaded.faults:
            if who is not None or fault not in before.faults:
                self._tell("authorities.broken", "error", fault, "")
        if loaded.fingerprints != before.fingerprints:
            self._pending.forget_authorities(before.fingerprints - loaded.fingerprints)
            names = ", ".join(each.certificate.subject for each in loaded.found) or "none"
            self._tell("authorities.changed", "warning", f"known CAs: {names}", "")
            await self.note("authorities.changed", names, "loaded", who)
        if loaded.pem != before.pem and not fewer:
            self._publish()

    async def note(self, what: str, target: str, result: str, who: Who | None) -> None:
        """Audit what happened; where nobody asked for it, nobody is there to be refused, and the event must do."""
        try:
            await self._force.record(what, target, result, who or Who(self._instance))
        except RefusedError:
            if who is not None:
                raise
