"""Routes: the audit log, which says who did what."""

import asyncio
from typing import TYPE_CHECKING, Final

from services.console.api.models.events import Audit, AuditRange, AuditRecord
from services.console.api.route import Call, Route
from services.console.security.pace import DEAR
from shared.audit.check import load, merged, owners, verify
from shared.errors import RefusedError

if TYPE_CHECKING:
    from pathlib import Path

    from shared.audit.record import Record

FILES: Final = 2
"""Of each owner, 1 MiB at most: some thousand lines."""


async def audit(call: Call) -> Audit:
    """GET /audit."""
    try:
        return await asyncio.to_thread(_read, call.desk.life.config.gateway.state_dir, call.query)
    except OSError as error:
        raise RefusedError(
            f"{error.filename}: cannot be read ({error.strerror}); check path and permissions"
        ) from error


def _read(state_dir: "Path", asked: AuditRange) -> Audit:
    """The newest lines of every owner; the older ones of a long log, and its whole chain, are `metergate audit`'s."""
    chains, faults = [], []
    for owner in owners(state_dir):
        if asked.owner in {"", owner}:
            records, broken = verify(load(state_dir, owner, FILES), whole=False)
            chains.append([record for record in records if record.what.startswith(asked.what)])
            if broken is not None:
                faults.append(f"the audit log is not whole: {broken}")
    found = merged(chains)[-asked.limit :]
    return Audit(records=tuple(map(_record, reversed(found))), faults=tuple(faults))


def _record(record: "Record") -> AuditRecord:
    who = record.who
    return AuditRecord(
        owner=record.owner,
        seq=record.seq,
        time=record.time,
        by=who.by,
        what=record.what,
        target=record.target,
        result=record.result,
        fingerprint=who.fingerprint,
        label=who.label,
        address=who.address,
        role=who.role,
    )


ROUTES = (
    Route(
        method="GET",
        path="/audit",
        cost=DEAR,
        handler=audit,
        query=AuditRange,
        answer=Audit,
        scope="read",
        summary="Who did what, newest first",
    ),
)
