"""Who is trusted: pure. A set of decisions, replaced as a whole, and a peer's standing under it.

Identity is the fingerprint, nothing else. An accepted certificate is a pin and never a CA. A verdict belongs to the set
it was made from: a connection asks for every request, and the answer is remembered until set or calendar change.
"""

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from shared.clock import RELEASED_S, wall_is_set
from shared.tls.certificate import Certificate, floor
from shared.tls.roles import Grant
from shared.tls.text import clean


class Standing(StrEnum):
    """Of a peer."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    CA_VALID = "ca"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    WEAK = "weak"


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted certificate.

    Attributes:
        fingerprint: SHA-256 of the DER in hex.
        grant: reading and writing, or reading only.
        key_hash, subject, serial: to tell when another certificate resembles it.
        label: the owner's name for it.
    """

    fingerprint: str
    grant: Grant = Grant.READ_WRITE
    key_hash: str = ""
    subject: str = ""
    serial: str = ""
    label: str = ""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """About one peer, under one set.

    Attributes:
        standing: what it is.
        grant: what Accept granted; None where it is not served.
        reason: for the owner's eyes.
        epoch: of the set.
        since_s, until_s: the wall clock times between which it holds.
    """

    standing: Standing
    grant: Grant | None
    reason: str
    epoch: int
    since_s: float = -math.inf
    until_s: float = math.inf

    @property
    def served(self) -> bool:
        """Whether its requests are answered with data."""
        return self.grant is not None

    @property
    def listed(self) -> bool:
        """Whether the owner is shown it. What is below the floor is not: whoever refuses it says why."""
        return self.standing is not Standing.WEAK


class TrustSet:
    """All decisions at one moment. Never changed: a new one takes its place.

    Attributes:
        epoch: rises with each decision.
    """

    __slots__ = ("_blocked", "_by_key", "_by_name", "_pins", "epoch")

    def __init__(self, epoch: int, pins: Iterable[Pin] = (), blocked: Iterable[str] = ()) -> None:
        self.epoch = epoch
        self._pins: Mapping[str, Pin] = MappingProxyType({pin.fingerprint: pin for pin in pins})
        self._blocked = frozenset(blocked)
        self._by_key = {pin.key_hash: pin for pin in self._pins.values() if pin.key_hash}
        self._by_name = {(pin.subject, pin.serial): pin for pin in self._pins.values() if pin.serial}

    def verdict(self, certificate: Certificate, *, chain_valid: bool, now_s: float) -> Verdict:
        """How a peer stands that has proven its key.

        Args:
            certificate: of the peer.
            chain_valid: OpenSSL found a chain to a CA known here.
            now_s: wall clock, seconds since 1970.
        """
        identity = certificate.fingerprint
        if identity in self._blocked:
            return self._refusal(Standing.BLOCKED, "blocked by the owner")
        if (weakness := floor(certificate)) is not None:
            return self._refusal(Standing.WEAK, weakness)
        pin = self._pins.get(identity)
        if pin is None and not chain_valid:
            return self._refusal(Standing.PENDING, self._resemblance(certificate) or "not accepted yet")
        standing, grant = (Standing.ACCEPTED, pin.grant) if pin is not None else (Standing.CA_VALID, Grant.READ_WRITE)
        if not wall_is_set(now_s):
            return Verdict(
                standing=standing,
                grant=grant,
                reason="the clock is not set: dates were not looked at",
                epoch=self.epoch,
                until_s=math.nextafter(RELEASED_S, 0.0),
            )
        if now_s < certificate.not_before_s:
            return Verdict(
                standing=Standing.NOT_YET_VALID,
                grant=None,
                reason="its validity has not begun: is the clock right?",
                epoch=self.epoch,
                until_s=certificate.not_before_s,
            )
        if now_s > certificate.not_after_s:
            return Verdict(
                standing=Standing.EXPIRED,
                grant=None,
                reason="its validity has ended: renew it, then accept the new one",
                epoch=self.epoch,
                since_s=certificate.not_after_s,
            )
        return Verdict(
            standing=standing,
            grant=grant,
            reason="",
            epoch=self.epoch,
            since_s=certificate.not_before_s,
            until_s=certificate.not_after_s,
        )

    def _refusal(self, standing: Standing, reason: str) -> Verdict:
        return Verdict(standing=standing, grant=None, reason=reason, epoch=self.epoch)

    def _resemblance(self, certificate: Certificate) -> str:
        """What an unknown certificate has in common with an accepted one; both are worth a second look."""
        same_key = self._by_key.get(certificate.key_hash)
        if same_key is not None:
            return f"a new certificate for the same key as accepted {_called(same_key)}"
        same_name = self._by_name.get((certificate.subject, certificate.serial))
        if same_name is not None:
            return f"subject and serial number of accepted {_called(same_name)}, but another key"
        return ""


NOBODY: Final = TrustSet(0)
"""Before the first set is known, nobody is accepted."""


class Standings:
    """One connection's verdict, remembered. Asked for every request: two comparisons while nothing has changed."""

    __slots__ = ("_certificate", "_chain_valid", "_set", "_verdict")

    _verdict: Verdict

    def __init__(self, certificate: Certificate, *, chain_valid: bool) -> None:
        """Of a peer whose handshake is complete."""
        self._certificate = certificate
        self._chain_valid = chain_valid
        self._set: TrustSet | None = None

    def under(self, trust: TrustSet, now_s: float) -> Verdict:
        """The verdict under the set in force, at this time."""
        if trust is self._set and self._verdict.since_s <= now_s <= self._verdict.until_s:
            return self._verdict
        self._set = trust
        self._verdict = trust.verdict(self._certificate, chain_valid=self._chain_valid, now_s=now_s)
        return self._verdict


def _called(pin: Pin) -> str:
    short = pin.fingerprint[:16]
    return f"{clean(pin.label, 64)} ({short}…)" if pin.label else f"{short}…"
