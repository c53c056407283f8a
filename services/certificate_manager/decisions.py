"""What the owner decides about a certificate: what is possible as it stands, and what the list says after it."""

import time
from typing import Any

import msgspec

from services.certificate_manager.enforcement import Outcome
from services.certificate_manager.in_force import InForce
from services.certificate_manager.pending import Contact, Pending, with_address, with_direction
from services.certificate_manager.recall import ACCEPT, BLOCK, DELETE, READ_ONLY, UNBLOCK
from services.certificate_manager.times import iso
from services.certificate_manager.trust_list import Entry, Grant, Status, TrustList, checked_label, decided, entry_of
from shared.audit.record import Who
from shared.bus.messages import Seen
from shared.errors import RefusedError
from shared.tls.text import clean


class Decisions:
    """Decides.

    Args:
        force: the list in force, and how a change of it takes effect.
        pending: what to decide about.
    """

    def __init__(self, force: InForce, pending: Pending) -> None:
        self._force = force
        self._pending = pending

    def see(self, seen: Seen) -> Contact | None:
        """Somebody proved a key; returns the contact where it is new on the list of what to decide."""
        now_s = time.time()
        entry = self._force.trust.get(seen.fingerprint)
        if entry is None:
            return self._pending.take(seen, now_s)
        self._pending.remove(seen.fingerprint)
        self._force.trust = self._force.trust.having(
            msgspec.structs.replace(
                entry,
                last_seen=iso(now_s),
                first_seen=entry.first_seen or iso(now_s),
                addresses=with_address(entry.addresses, seen.address),
                direction=with_direction(entry.direction, seen.direction),
                authority=clean(seen.authority, 64),
            )
        )
        self._force.saving.touched = True
        return None

    async def accept(self, fingerprint: str, grant: Grant, label: str | None, who: Who) -> dict[str, Any]:
        """Serve this certificate: reading and writing, or reading only.

        Raises:
            RefusedError: unknown, or nothing to accept, or it cannot be made durable.
        """
        known = self._force.trust.get(fingerprint)
        contact = self._pending.get(fingerprint)
        if known is None and contact is None:
            raise _unknown(fingerprint)
        if known is not None and known.status == "blocked":
            raise RefusedError("it is blocked; unblock it first")
        if fingerprint in self._force.ending:
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
            outcome = await self._force.restrict(fingerprint, accepted, who, ACCEPT, words)
        else:
            await self._force.allow(fingerprint, accepted, who, ACCEPT, words)
            outcome = Outcome()
        self._pending.remove(fingerprint)
        named = self._force.label_of(fingerprint)
        return {"fingerprint": fingerprint, "grant": grant, "label": named, **outcome.told()}

    async def delete(self, fingerprint: str, who: Who, *, block: bool = False) -> dict[str, Any]:
        """Serve it no more, now; what a CA vouches for is remembered as blocked, or the CA would let it in again.

        Raises:
            RefusedError: it is not served anyway; or "not confirmed", with what is missing, and the deletion stays.
        """
        entry, contact = self._force.trust.get(fingerprint), self._pending.get(fingerprint)
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
        outcome = await self._force.restrict(fingerprint, without, who, what, words, label=entry.label)
        return {"fingerprint": fingerprint, "blocked": blocked, **outcome.told()}

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

        await self._force.allow(fingerprint, without, who, UNBLOCK, "unblocked")
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

        await self._force.allow(fingerprint, labelled, who, "certificate.label", f"label {named!r}")
        return {"fingerprint": fingerprint, "label": named}

    async def dismiss(self, fingerprint: str, who: Who) -> dict[str, Any]:
        """Take it off the list of what to decide; it is there again at its next contact.

        Raises:
            RefusedError: it is not on that list.
        """
        if self._pending.remove(fingerprint) is None:
            raise RefusedError("it is not pending; `certs list` shows what is")
        await self._force.note(fingerprint, who, "certificate.dismiss", "dismissed")
        return {"fingerprint": fingerprint}

    def _needed(self, fingerprint: str, status: Status | None = None) -> None:
        entry = self._force.trust.get(fingerprint)
        if entry is None or (status is not None and entry.status != status):
            if entry is None and self._pending.get(fingerprint) is None:
                raise _unknown(fingerprint)
            raise RefusedError(f"it is not {status or 'accepted'}; `certs list` shows how it stands")

    def _might_be_vouched_for(self, entry: Entry) -> bool:
        """Whether a CA may let it in without us. In doubt it is remembered as blocked, which can be undone."""
        if entry.authority:  # also one of the system's, for a meter that is given by its name
            return True
        trust, authorities = self._force.trust, self._force.authorities
        if not authorities.found:
            return False
        certificate = trust.certificate(entry.fingerprint) if trust.get(entry.fingerprint) else None
        return certificate is None or not certificate.self_signed or entry.fingerprint in authorities.fingerprints


def _unknown(fingerprint: str) -> RefusedError:
    return RefusedError(f"no certificate {fingerprint[:16]}... is known; `certs list` shows those that are")


def _gone() -> RefusedError:
    return RefusedError("somebody else decided about it meanwhile; `certs list` shows how it stands")
