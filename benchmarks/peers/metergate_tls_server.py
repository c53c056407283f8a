"""The TLS slave's server as the role runs it, with a new image every 200 ms. Prints its port, serves until killed.

`python -m benchmarks.peers.metergate_tls_server FOLDER FIRST COUNT`; the folder holds own keys and `client.pem`.
"""

import asyncio
import gc
import ssl
import sys
from pathlib import Path
from typing import Any

import structlog
import uvloop

from benchmarks.peers.metergate_server import IMAGE_PERIOD_S, image
from services.tls_slave.access import PeerAccess
from services.tls_slave.server import TlsServer
from shared import clock
from shared.bus.messages import RoleRights, Trust
from shared.modbus.listen import bind
from shared.modbus.replica import Replica
from shared.modbus.server import Limits
from shared.tls.certificate import fingerprint
from shared.tls.context import server_context
from shared.tls.decisions import decisions_of
from shared.tls.keys import Kind, load
from shared.tls.limits import Limits as HandshakeLimits

WITHOUT_LIMIT = 1_000_000


class Nobody:
    """Is told, and says nothing."""

    def seen(self, access: PeerAccess) -> None:
        """A peer came."""

    def refused(self, access: PeerAccess, what: str) -> None:
        """A peer was refused."""


async def call(*_: Any) -> dict[str, Any]:
    """There is no register store."""
    raise RuntimeError("nothing is written here")


async def serve(folder: Path, first: int, count: int) -> None:
    """Serve `count` registers from `first`."""
    replica = Replica({"house": 1})
    server = TlsServer(
        replica,
        structlog.get_logger(),
        Nobody(),
        call,
        limits=Limits(max_connections=4096, max_connections_per_address=4096),
        handshakes=HandshakeLimits(
            rate=WITHOUT_LIMIT, burst=WITHOUT_LIMIT, rate_per_origin=WITHOUT_LIMIT, burst_per_origin=WITHOUT_LIMIT
        ),
    )
    pair = load(folder, Kind.EC)
    if pair is None:
        raise RuntimeError(f"{folder} holds no keys")
    _, _, certificate = (folder / "client.pem").read_text(encoding="ascii").rpartition("-----BEGIN CERTIFICATE-----")
    client = fingerprint(ssl.PEM_cert_to_DER_cert("-----BEGIN CERTIFICATE-----" + certificate))
    everything = RoleRights("", (3, 4, 6, 16, 43), ((0, 65536),), ((0, 65536),))
    message = Trust(src="benchmark", gen=1, seq=1, t_ns=1, accepted={client: "rw"}, roles=(everything,))
    server.use(server_context((pair,)))
    server.decide(decisions_of(message))
    replica.take(image(first, count, 1), clock.now_ns())
    await server.start([bind("127.0.0.1", 0)])
    gc.freeze()
    print(server.port, flush=True)
    seq = 1
    while True:
        await asyncio.sleep(IMAGE_PERIOD_S)
        seq += 1
        replica.take(image(first, count, seq), clock.now_ns())


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
