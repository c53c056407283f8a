"""Routes: our own certificates. A private key comes in over https, or on this host alone, and goes on as a file."""

import asyncio
import contextlib
from typing import Any, Final

import msgspec
from starlette.responses import Response

from services.console.api.certificates import away, groups
from services.console.api.errors import invalid
from services.console.api.models.certificates import Import, Own, OwnCertificate, OwnKind, Request
from services.console.api.route import Call, Route
from services.console.hear.certificates import MANAGER
from shared.tls.hand_over import hand_over

PEM: Final = "application/x-pem-file"
LARGEST: Final = 160 * 1024


async def own(call: Call) -> Own:
    """GET /own."""
    if away(call) is not None:
        return Own(certificates=(), running=False)
    return _own(await call.desk.ask(MANAGER, "own.show"))


async def export(call: Call) -> Response:
    """GET /own/export."""
    kind = call.query.kind
    made = await call.desk.ask(MANAGER, "own.export", _kind(call.query))
    name = f"metergate-{kind}.pem" if kind else "metergate.pem"
    headers = {"cache-control": "no-store", "content-disposition": f'attachment; filename="{name}"'}
    return Response(made["pem"], headers=headers, media_type=PEM)


async def renew(call: Call) -> Own:
    """POST /own/renew."""
    return _own(await call.desk.command(call.caller, MANAGER, "own.renew", _kind(call.body)))


async def request(call: Call) -> Request:
    """POST /own/csr."""
    made = await call.desk.command(call.caller, MANAGER, "own.csr", _kind(call.body))
    return Request(kind=made["kind"], pem=made["pem"])


async def take_over(call: Call) -> Own:
    """POST /own/import."""
    body: Import = call.body
    if "PRIVATE KEY" in body.chain:
        raise invalid("the chain holds a private key; give it apart, as `key`", "chain")
    if body.key is None:
        return _own(await call.desk.command(call.caller, MANAGER, "own.import", {"chain": body.chain}))
    folder = call.desk.life.config.gateway.run_dir
    name = await asyncio.to_thread(hand_over, body.key.encode(), folder)
    try:
        args = {"chain": body.chain, "key_file": name}
        return _own(await call.desk.command(call.caller, MANAGER, "own.import", args))
    finally:
        with contextlib.suppress(OSError):  # where nobody was there to take it
            (folder / name).unlink(missing_ok=True)


def _kind(asked: OwnKind) -> dict[str, Any]:
    return {} if asked.kind is None else {"kind": asked.kind}


def _own(made: dict[str, Any]) -> Own:
    rows = made["certificates"]
    return Own(
        certificates=tuple(
            msgspec.convert({**row, "groups": groups(row["fingerprint"])}, OwnCertificate) for row in rows
        )
    )


ROUTES = (
    Route(method="GET", path="/own", handler=own, answer=Own, scope="read", summary="Our own certificates"),
    Route(
        method="GET",
        path="/own/export",
        handler=export,
        query=OwnKind,
        answer=None,
        media=PEM,
        scope="read",
        summary="Our own certificates in PEM, for peers",
    ),
    Route(
        method="POST",
        path="/own/renew",
        handler=renew,
        body=OwnKind,
        answer=Own,
        scope="admin",
        summary="New keys; every peer has to accept them again",
    ),
    Route(
        method="POST",
        path="/own/csr",
        handler=request,
        body=OwnKind,
        answer=Request,
        scope="admin",
        summary="A signing request for a CA",
    ),
    Route(
        method="POST",
        path="/own/import",
        handler=take_over,
        body=Import,
        answer=Own,
        scope="admin",
        summary="Use a certificate that a CA has issued",
        largest=LARGEST,
    ),
)
