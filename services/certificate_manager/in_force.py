"""In which order a decision takes effect: on disk, in force, acknowledged, audited.

What gives somebody rights is durable before it is in force. What takes rights away is in force at once, and durable and
acknowledged by every TLS instance before it is called done; a slow disk delays the answer, never the cut.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from services.certificate_manager.authorities import Authorities
from services.certificate_manager.enforcement import Enforcement, Outcome
from services.certificate_manager.ledger import Ledger, Version
from services.certificate_manager.saving import Saving, Tell, patient
from services.certificate_manager.trust_list import TrustList
from services.certificate_manager.trust_store import StoreError, TrustStore
from shared.audit.log import AuditLog
from shared.audit.record import Who
from shared.errors import RefusedError

AUDIT_LATE: Final = "the audit log is not written yet"

Change = Callable[[TrustList], TrustList]


class InForce:
    """The one place where the trust list changes.

    Args:
        store: of the list.
        audit: every decision goes there.
        ledger: what the TLS instances say.
        enforcement: waits for them.
        publish: the trust as it is now, to everybody; returns its version.
        tell: publishes an event.

    Attributes:
        trust: the list in force.
        authorities: known CAs.
        saving: how the list gets to the disk.
        ending: fingerprint -> by how many decisions its rights are being taken away just now.
    """

    def __init__(
        self,
        *,
        store: TrustStore,
        audit: AuditLog,
        ledger: Ledger,
        enforcement: Enforcement,
        publish: Callable[[], Version],
        tell: Tell,
    ) -> None:
        self._audit = audit
        self._ledger = ledger
        self._enforcement = enforcement
        self._publish = publish
        self._tell = tell
        self.saving = Saving(store, lambda: audit.durable.seq, tell)
        self.ending = Counter[str]()
        self.trust = store.load()
        self.authorities = Authorities()

    async def allow(self, fingerprint: str, change: Change, who: Who, what: str, words: str) -> None:
        """Durable first, then in force. What is taken away meanwhile stays away: the change is made anew.

        Raises:
            RefusedError: of `change`; or the list cannot be written, and nothing changed; or as of `record`.
        """
        async with self.saving.turn:
            try:
                await self.saving.write(change(self.trust))
            except StoreError as error:
                raise RefusedError(f"nothing changed: {error}") from error
            self.trust = change(self.trust)
            self._publish()
        await self.note(fingerprint, who, what, words, self.label_of(fingerprint))

    async def restrict(
        self, fingerprint: str, change: Change, who: Who, what: str, words: str, *, label: str = ""
    ) -> Outcome:
        """In force at once, durable and acknowledged meanwhile.

        Raises:
            RefusedError: not confirmed, with what is missing; the change stays.
        """
        before = {fingerprint: self._ledger.counts(fingerprint)}
        self.trust = change(self.trust)
        version = self._publish()
        self.ending[fingerprint] += 1
        try:
            saved, outcome = await asyncio.gather(
                patient(self.save(), "the trust list is not written yet"),
                self._enforcement.confirm(version, before),
            )
        finally:
            self.ending -= Counter((fingerprint,))  # what is at nothing goes
        faults = [*outcome.unconfirmed, *([saved] if saved else [])]
        result = self._told(words, outcome, faults, fingerprint)
        recorded = await patient(self.note(fingerprint, who, what, result, label), AUDIT_LATE)
        if faults or recorded:
            raise unconfirmed(words, [*faults, *([recorded] if recorded else [])], outcome)
        return outcome

    async def withdraw(self, authorities: Authorities) -> tuple[Outcome, str]:
        """Some CAs are known no more: in force at once; how the TLS instances took it, also in words for the audit log.

        Counted are connections of certificates about which nobody has decided: those that a CA may have vouched for.
        """
        before = {each: self._ledger.counts(each) for each in self._ledger.connected() if self.trust.get(each) is None}
        self.authorities = authorities
        outcome = await self._enforcement.confirm(self._publish(), before)
        return outcome, self._told("removed", outcome, outcome.unconfirmed, "")

    def _told(self, words: str, outcome: Outcome, faults: Sequence[str], fingerprint: str) -> str:
        """What came of it, in words; whatever did not obey is told to all."""
        for instance in outcome.killed:
            self._tell("trust.killed", "error", f"{instance} did not acknowledge and was killed", fingerprint)
        if faults:
            result = f"{words}, not confirmed: {'; '.join(faults)}"
            self._tell("trust.unconfirmed", "error", result, fingerprint)
            return result
        killed = f", killed: {' '.join(outcome.killed)}" if outcome.killed else ""
        return f"{words}, connections closed: {outcome.closed}{killed}"

    async def save(self) -> None:
        """Write the list in force.

        Raises:
            StoreError: the disk refused; it is tried again later.
        """
        async with self.saving.turn:
            await self.saving.write(self.trust)

    async def record(self, what: str, target: str, result: str, who: Who, *, done: bool = True) -> None:
        """Audit a decision that does not change the list; where not `done`, one that is made only if this returns.

        Raises:
            RefusedError: it cannot be audited; "not confirmed" where it is done.
        """
        try:
            await self._audit.decide(who, what, target, result)
        except OSError as error:
            reason = error.strerror or error
            text = f"the audit log cannot be written ({reason})"
            self._tell("audit.failed", "error", text, "")
            if not done:
                raise RefusedError(f"the audit log cannot be written ({reason}); nothing was changed") from error
            raise RefusedError(f"not confirmed: it is done, but {text}") from error

    async def note(self, fingerprint: str, who: Who, what: str, result: str, label: str = "") -> None:
        """Tell and audit a decision about a certificate; errors as of `record`."""
        self._tell(what, "info", f"{label or fingerprint[:16]}: {result}, by {who.by}", fingerprint)
        await self.record(what, fingerprint, result, who)

    def label_of(self, fingerprint: str) -> str:
        """The name that the owner gave it; empty where he gave none."""
        entry = self.trust.get(fingerprint)
        return "" if entry is None else entry.label


def unconfirmed(words: str, faults: Sequence[str], outcome: Outcome) -> RefusedError:
    """To raise where a cut is made, and something of it is not certain."""
    return RefusedError(
        f"not confirmed: {'; '.join(faults)} (it is {words} all the same,"
        f" connections known to be closed: {outcome.closed})"
    )
