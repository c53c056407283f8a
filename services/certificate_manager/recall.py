"""What the audit log remembers against a trust list that is older than it. Pure.

A copy was put back, or a write came to nothing. What was taken away stays away; what was accepted is only told.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from services.certificate_manager.trust_list import TrustList, decided
from shared.audit.record import Record

ACCEPT: Final = "certificate.accept"
DELETE: Final = "certificate.delete"
BLOCK: Final = "certificate.block"
UNBLOCK: Final = "certificate.unblock"
READ_ONLY: Final = "reading only"
"""How the result of an Accept begins that grants no writing."""


class Recalled(msgspec.Struct, frozen=True):
    """The list as it may be used.

    Attributes:
        trust: the list.
        taken: fingerprints that the file accepts, or lets write, and the log does not.
        missing: fingerprints that the log accepts or blocks, and the file does not know.
    """

    trust: TrustList
    taken: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def recall(trust: TrustList, later: Iterable[Record]) -> Recalled:
    """Hold a list against the lines of the log that were written after it."""
    last = {record.target: record for record in later if record.what in (ACCEPT, DELETE, BLOCK, UNBLOCK)}
    taken: list[str] = []
    missing: list[str] = []
    for fingerprint, record in last.items():
        entry = trust.get(fingerprint)
        if entry is None:
            if record.what in (ACCEPT, BLOCK):
                missing.append(fingerprint)
        elif entry.status == "accepted" and record.what in (DELETE, UNBLOCK):  # to unblock forgets, and grants nothing
            trust = trust.without(fingerprint)
            taken.append(fingerprint)
        elif entry.status == "accepted" and record.what == BLOCK:
            trust = trust.having(decided(entry, record.who.by, status="blocked", grant=""))
            taken.append(fingerprint)
        elif entry.grant == "rw" and record.what == ACCEPT and record.result.startswith(READ_ONLY):
            trust = trust.having(decided(entry, record.who.by, grant="r"))
            taken.append(fingerprint)
    return Recalled(trust, tuple(taken), tuple(missing))
