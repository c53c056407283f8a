"""What the owner changes besides the decisions: own certificates, and the folder of known CAs."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from services.certificate_manager import authorities, ca_folder
from services.certificate_manager.authorities import Authorities
from services.certificate_manager.enforcement import Outcome
from services.certificate_manager.in_force import AUDIT_LATE, InForce, unconfirmed
from services.certificate_manager.ledger import Version
from services.certificate_manager.pending import Pending
from services.certificate_manager.saving import Tell, patient
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

    async def reload_authorities(self, who: Who | None) -> Outcome:
        """Read the folder of CAs; `who` asked for it, or nobody did and it changed.

        Raises:
            RefusedError: "not confirmed" to who asked, where it is not certain that whom a lost CA vouched for is cut,
                or where it cannot be audited; it is in force.
        """
        outcome, words, faults = await self._take(await asyncio.to_thread(authorities.load, self._folder), who)
        if who is not None and faults:
            raise unconfirmed("removed" if words else "loaded", faults, outcome)
        return outcome

    async def add_authority(self, name: str, pem: str, who: Who) -> None:
        """Put a CA into the folder: durable and audited before it is in force; audited too where it comes to nothing.

        Raises:
            RefusedError: why not; or "not confirmed", as of `reload_authorities`, and it is in force.
        """
        subjects = ", ".join(each.subject for each in ca_folder.judged(pem, len(self._force.authorities.pem)))
        beside = await asyncio.to_thread(ca_folder.prepare, self._folder, name, pem)
        try:
            await self._force.record("authority.add", f"{name}.pem", subjects, who, done=False)
            await asyncio.to_thread(ca_folder.place, beside, name)
        except RefusedError as error:
            await self._undone("authority.add", f"{name}.pem", str(error), who)
            raise
        finally:
            await asyncio.to_thread(ca_folder.drop, beside)
        await self.reload_authorities(who)

    async def remove_authority(self, file: str, who: Who) -> Outcome:
        """Take a file out of the folder: whom it vouched for is refused at once, also where the disk is slow.

        Raises:
            RefusedError: there is no such file; or it stays, and so does what it vouches for; or "not confirmed", with
                what is missing, and it is removed.
        """
        path = ca_folder.known(self._folder, file)
        without = await asyncio.to_thread(authorities.load, self._folder, path.name)
        (outcome, words, faults), stays = await asyncio.gather(self._take(without, who), _taken_out(path))
        if stays is not None:
            await self._take(await asyncio.to_thread(authorities.load, self._folder), who)
            error = RefusedError(f"{path} cannot be removed ({stays.strerror}): it is in force; remove it by hand")
            await self._undone("authority.remove", path.name, str(error), who)
            raise error from stays
        late = await patient(self._force.record("authority.remove", path.name, words or "removed", who), AUDIT_LATE)
        if late and late not in faults:
            faults.append(late)
        if faults:
            raise unconfirmed("removed", faults, outcome)
        return outcome

    async def _take(self, loaded: Authorities, who: Who | None) -> tuple[Outcome, str, list[str]]:
        """Authorities as they are from now on: in force first, then audited, so that no log holds up a cut.

        Returns how the TLS instances took it that some are gone, also in words, which are empty where none is; and what
        of all this is not certain.
        """
        before = self._force.authorities
        gone = before.fingerprints - loaded.fingerprints
        outcome, words = Outcome(), ""
        self._pending.forget_authorities(gone)
        if gone:
            outcome, words = await self._force.withdraw(loaded)
        else:
            self._force.authorities = loaded
            if loaded.pem != before.pem:
                self._publish()
        for fault in loaded.faults:
            if who is not None or fault not in before.faults:
                self._tell("authorities.broken", "error", fault, "")
        faults = list(outcome.unconfirmed)
        if loaded.fingerprints != before.fingerprints:
            names = ", ".join(each.certificate.subject for each in loaded.found) or "none"
            self._tell("authorities.changed", "warning", f"known CAs: {names}", "")
            noted = self._force.record("authorities.changed", names, words or "loaded", who or Who(self._instance))
            if late := await patient(noted, AUDIT_LATE):
                faults.append(late)
        return outcome, words, faults

    async def _undone(self, what: str, target: str, reason: str, who: Who) -> None:
        """Audit that it came to nothing; where that cannot be, the event that says so must do, and the refusal."""
        await patient(self._force.record(what, target, f"not done after all: {reason}", who), AUDIT_LATE)

    async def note(self, what: str, target: str, result: str) -> None:
        """Audit what nobody asked for: nobody is there to be refused, and where it fails the event must do."""
        with contextlib.suppress(RefusedError):
            await self._force.record(what, target, result, Who(self._instance))


async def _taken_out(path: Path) -> OSError | None:
    """Why a file cannot be taken out of the folder; None where it is."""
    try:
        await asyncio.to_thread(ca_folder.take_out, path)
    except OSError as error:
        return error
    return None
