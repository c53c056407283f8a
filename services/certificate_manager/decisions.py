"""What the owner decides, and in which order it takes effect.

What gives somebody rights is durable before it is in force. What takes rights away is in force at once, and durable and
acknowledged by every TLS instance before it is called done; a slow disk delays the answer, never the cut.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec

from services.certificate_manager.authorities import Authorities
from services.certificate_manager.enforcement import Enforcement, Outcome
from services.certificate_manager.ledger import Ledger, Version
from services.certificate_manager.pending import Contact, Pending, with_address, with_direction
from services.certificate_manager.recall import ACCEPT, BLOCK, DELETE, READ_ONLY, UNBLOCK
from services.certificate_manager.saving import Saving, Tell, patient
from services.certificate_manager.times import iso
from services.certificate_manager.trust_list import Entry, Grant, Status, TrustList, checked_label, decided, entry_of
from services.certificate_manager.trust_store import StoreError, TrustStore
from shared.audit.log import AuditLog
from shared.audit.record import Who
from shared.bus.messages import Seen
from shared.errors import RefusedError
from shared.tls.text import clean

Change = Callable[[TrustList], TrustList]


class Decisions:
    """The one place where the trust list changes.

    Args:
        store: of the list.
        audit: every decision goes there.
        pending: what to decide about.
        ledger: what the TLS instances say.
        enforcement: waits for them.
        publish: the trust as it is now, to everybody; returns its version.
        tell: publishes an event.

    Attributes:
        trust: the list in force.
        authorities: known CAs.
        saving: how the list gets to the disk.
    """

    def __init__(
        self,
        *,
        store: TrustStore,
        audit: AuditLog,
        pending: Pending,
        ledger: Ledger,
        enforcement: Enforcement,
        publish: Callable[[], Version],
        tell: Tell,
    ) -> None:
        self._audit = audit
        self._pending = pending
        self._ledger = ledger
        self._enforcement = enforcement
        self._publish = publish
        self._tell = tell
        self.saving = Saving(store, lambda: audit.durable.seq, tell)
        self._ending: set[str] = set()
        self.trust = store.load()
        self.authorities = Authorities()

    def see(self, seen: Seen) -> Contact | None:
        """Somebody proved a key; returns the contact where it is new on the list of what to decide."""
        now_s = time.time()
        entry = self.trust.get(seen.fingerprint)
        if entry is None:
            return self._pending.take(seen, now_s)
        self._pending.remove(seen.fingerprint)
        self.trust = self.trust.having(
            msgspec.structs.replace(
                entry,
                last_seen=iso(now_s),
                first_seen=entry.first_seen or iso(now_s),
                addresses=with_address(entry.addresses, seen.address),
                direction=with_direction(entry.direction, seen.direction),
                authority=clean(seen.authority, 64),
            )
        )
        self.saving.touched = True
        return None

    async def accept(self, fingerprint: str, grant: Grant, label: str | None, who: Who) -> dict[str, Any]:
        """Serve this certificate: reading and writing, or reading only.

        Raises:
            RefusedError: unknown, or nothing to accept, or it cannot be made durable.
        """
        known = self.trust.get(fingerprint)
        contact = self._pending.get(fingerprint)
        if known is None and contact is None:
            raise _unknown(fingerprint)
        if known is not None and known.status == "blocked":
            raise RefusedError("it is blocked; unblock it first")
        if fingerprint in self._ending:
            raise RefusedError("its rights are being taken away just now; say it again once that is confirmed")
        if contact is not None and contact.authority:
            raise RefusedError("a known CA vouches for it, it is served already; `certs block` ends that")

        def accepted(trust: TrustList) -> TrustList:
            entry = trust.get(fingerprint)
            if entry is None:
                if contact is None:
                    raise _gone()
                entry = entry_of(contact, "accepted")
            elif entry.status == "blocked":
                raise _gone()
            named = None if label is None else checked_label(label)
            return trust.having(decided(entry, who.by, grant=grant, label=named))

        words = "reading and writing" if grant == "rw" else READ_ONLY
        if known is not None and known.grant == "rw" and grant == "r":
            outcome = await self._restrict(fingerprint, accepted, who, ACCEPT, words)
        else:
            await self._allow(fingerprint, accepted, who, ACCEPT, words)
            outcome = Outcome()
        self._pending.remove(fingerprint)
        return {"fingerprint": fingerprint, "grant": grant, "label": self._labelled(fingerprint), **_told(outcome)}

    async def delete(self, fingerprint: str, who: Who, *, block: bool = False) -> dict[str, Any]:
        """Serve it no more, now; what a CA vouches for is remembered as blocked, or the CA would let it in again.

        Raises:
            RefusedError: it is not served anyway; or "not confirmed", with what is missing, and the deletion stays.
        """
        entry, contact = self.trust.get(fingerprint), self._pending.get(fingerprint)
        if entry is not None and entry.status == "blocked":
            raise RefusedError("it is blocked already; `certs unblock` forgets it")
        if entry is None and contact is None:
            raise _unknown(fingerprint)
        if entry is None and contact is not None:
            if not contact.authority:
                raise RefusedError("it is not accepted, so it is not served; `certs dismiss` takes it off the list")
            entry = entry_of(contact, "blocked")
        if entry is None:
            raise _unknown(fingerprint)
        blocked = block or self._might_be_vouched_for(entry)
        gone = decided(entry, who.by, status="blocked", grant="") if blocked else None
        what, words = (BLOCK, "blocked") if blocked else (DELETE, "deleted")

        def without(trust: TrustList) -> TrustList:
            return trust.without(fingerprint) if gone is None else trust.having(gone)

        self._pending.remove(fingerprint)
        outcome = await self._restrict(fingerprint, without, who, what, words, label=entry.label)
        return {"fingerprint": fingerprint, "blocked": blocked, **_told(outcome)}

    async def unblock(self, fingerprint: str, who: Who) -> dict[str, Any]:
        """Forget that it was blocked.

        Raises:
            RefusedError: it is not, or it cannot be made durable.
        """
        self._needed(fingerprint, "blocked")

        def without(trust: TrustList) -> TrustList:
            entry = trust.get(fingerprint)
            if entry is None or entry.status != "blocked":
                raise _gone()
            return trust.without(fingerprint)

        await self._allow(fingerprint, without, who, UNBLOCK, "unblocked")
        return {"fingerprint": fingerprint}

    async def label(self, fingerprint: str, label: str, who: Who) -> dict[str, Any]:
        """Give it a name.

        Raises:
            RefusedError: it is neither accepted nor blocked, or it cannot be made durable.
        """
        self._needed(fingerprint)
        named = checked_label(label)

        def labelled(trust: TrustList) -> TrustList:
            entry = trust.get(fingerprint)
            if entry is None:
                raise _gone()
            return trust.having(msgspec.structs.replace(entry, label=named))

        await self._allow(fingerprint, labelled, who, "certificate.label", f"label {named!r}")
        return {"fingerprint": fingerprint, "label": named}

    async def dismiss(self, fingerprint: str, who: Who) -> dict[str, Any]:
        """Take it off the list of what to decide; it is there again at its next contact.

        Raises:
            RefusedError: it is not on that list.
        """
        if self._pending.remove(fingerprint) is None:
            raise RefusedError("it is not pending; `certs list` shows what is")
        await self._record(fingerprint, who, "certificate.dismiss", "dismissed", "")
        return {"fingerprint": fingerprint}

    async def save(self) -> None:
        """Write the list in force.

        Raises:
            StoreError: the disk refused; it is tried again later.
        """
        async with self.saving.turn:
            await self.saving.write(self.trust)

    async def record(self, what: str, target: str, result: str, who: Who) -> None:
        """Audit a decision that does not change the list.

        Raises:
            RefusedError: it was made, but cannot be audited.
        """
        try:
            await self._audit.decide(who, what, target, result)
        except OSError as error:
            text = f"the audit log cannot be written ({error.strerror or error})"
            self._tell("audit.failed", "error", text, "")
            raise RefusedError(f"not confirmed: it is done, but {text}") from error

    async def _allow(self, fingerprint: str, change: Change, who: Who, what: str, words: str) -> None:
        """Durable first, then in force. What is taken away meanwhile stays away: the change is made anew."""
        async with self.saving.turn:
            try:
                await self.saving.write(change(self.trust))
            except StoreError as error:
                raise RefusedError(f"nothing changed: {error}") from error
            self.trust = change(self.trust)
            self._publish()
        await self._record(fingerprint, who, what, words, self._labelled(fingerprint))

    async def _restrict(
        self, fingerprint: str, change: Change, who: Who, what: str, words: str, *, label: str = ""
    ) -> Outcome:
        """In force at once, durable and acknowledged meanwhile."""
        before = self._ledger.counts(fingerprint)
        self.trust = change(self.trust)
        version = self._publish()
        self._ending.add(fingerprint)
        try:
            saved, outcome = await asyncio.gather(
                patient(self.save(), "the trust list is not written yet"),
                self._enforcement.confirm(version, fingerprint, before),
            )
        finally:
            self._ending.discard(fingerprint)
        for instance in outcome.killed:
            self._tell("trust.killed", "error", f"{instance} did not acknowledge and was killed", fingerprint)
        faults = [*outcome.unconfirmed, *([saved] if saved else [])]
        result = f"{words}, connections closed: {outcome.closed}"
        if outcome.killed:
            result += f", killed: {' '.join(outcome.killed)}"
        if faults:
            result = f"{words}, not confirmed: {'; '.join(faults)}"
            self._tell("trust.unconfirmed", "error", result, fingerprint)
        recorded = await patient(
            self._record(fingerprint, who, what, result, label), "the audit log is not written yet"
        )
        if faults or recorded:
            raise RefusedError(
                f"not confirmed: {'; '.join([*faults, *([recorded] if recorded else [])])} (it is {words} all the same,"
                f" connections known to be closed: {outcome.closed})"
            )
        return outcome

    async def _record(self, fingerprint: str, who: Who, what: str, result: str, label: str) -> None:
        self._tell(what, "info", f"{label or fingerprint[:16]}: {result}, by {who.by}", fingerprint)
        await self.record(what, fingerprint, result, who)

    def _needed(self, fingerprint: str, status: Status | None = None) -> None:
        entry = self.trust.get(fingerprint)
        if entry is None or (status is not None and entry.status != status):
            if entry is None and self._pending.get(fingerprint) is None:
                raise _unknown(fingerprint)
            raise RefusedError(f"it is not {status or 'accepted'}; `certs list` shows how it stands")

    def _labelled(self, fingerprint: str) -> str:
        entry = self.trust.get(fingerprint)
        return "" if entry is None else entry.label

    def _might_be_vouched_for(self, entry: Entry) -> bool:
        """Whether a CA may let it in without us. In doubt it is remembered as blocked, which can be undone."""
        if entry.authority:  # also one of the system's, for a meter that is given by its name
            return True
        if not self.authorities.found:
            return False
        certificate = self.trust.certificate(entry.fingerprint) if self.trust.get(entry.fingerprint) else None
        return certificate is None or not certificate.self_signed or entry.fingerprint in self.authorities.fingerprints


def _told(outcome: Outcome) -> dict[str, Any]:
    return {"closed": outcome.closed, "killed": list(outcome.killed)}


def _unknown(fingerprint: str) -> RefusedError:
    return RefusedError(f"no certificate {fingerprint[:16]}... is known; `certs list` shows those that are")


def _gone() -> RefusedError:
    return RefusedError("somebody else decided about it meanwhile; `certs list` shows how it stands")
