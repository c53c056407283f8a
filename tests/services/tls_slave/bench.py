"""A server under test, and clients with the interpreter's own TLS."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
from structlog.testing import capture_logs

from services.tls_slave.access import PeerAccess
from services.tls_slave.server import TlsServer
from shared import clock
from shared.modbus.listen import bind
from shared.modbus.replica import Replica
from shared.tls.context import server_context
from tests.shared.modbus.samples import answer, exception, image, read, registers
from tests.shared.tls.material import GENEROUS, NOW_S, Made, client_settings, connect, own_keys
from tests.shared.tls.trusted import decided

CUT_S = 0.1
ASK, REFUSED = read(1, 2), exception(3, 1)
GIVEN = answer(registers(1, 2))


class Bench:
    """A server under test and what it told."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder = folder
        self.now_s = NOW_S
        self.later_ns = 0
        self.seen_: list[PeerAccess] = []
        self.told: list[str] = []
        self.writes: list[dict[str, Any]] = []
        self.clients: list[Client] = []
        self.replica = Replica({"house": 1})
        self.replica.take(image(t_ns=clock.now_ns()), clock.now_ns())
        self.server = TlsServer(
            self.replica,
            structlog.get_logger(),
            self,
            self.call,
            **{
                "handshakes": GENEROUS,
                "now_ns": lambda: clock.now_ns() + self.later_ns,
                "wall_s": lambda: self.now_s,
                **more,
            },
        )

    def seen(self, access: PeerAccess) -> None:
        self.seen_.append(access)

    def refused(self, access: PeerAccess, what: str) -> None:
        assert access.verdict.served
        self.told.append(what)

    async def stop(self) -> None:
        for client in self.clients:
            client.close()
        await self.server.stop(0.05)

    async def call(self, _instance: str, _verb: str, args: dict[str, Any], *_seconds: float) -> dict[str, Any]:
        self.writes.append(args)
        return {"gen": 1, "seq": 1}

    def use(self, *authorities: Made) -> None:
        self.server.use(server_context(own_keys().pairs, [made.certificate for made in authorities]))

    async def connect(self, made: Made, *chain: Made, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> "Client":
        return await self.connect_as(client_settings(made.save(self.folder, *chain), version))

    async def connect_as(self, settings: ssl.SSLContext, session: ssl.SSLSession | None = None) -> "Client":
        client = Client(await asyncio.to_thread(connect, self.server.port, settings, session))
        self.clients.append(client)
        return client


class Client:
    """A peer of the server."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock = sock
        sock.settimeout(5)

    async def ask(self, request: bytes = ASK) -> bytes:
        """The answer; empty where the connection ends instead."""
        return await asyncio.to_thread(self._ask, request)

    async def ended(self) -> float:
        """Seconds until the connection has ended."""
        begin = time.monotonic()
        await asyncio.to_thread(self._drain)
        return time.monotonic() - begin

    def _ask(self, request: bytes) -> bytes:
        try:
            self.sock.sendall(request)
            return self.sock.recv(300)
        except (ConnectionError, ssl.SSLError):
            return b""

    def _drain(self) -> None:
        try:
            while self.sock.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        self.sock.close()

    def close(self) -> None:
        self.sock.close()


@asynccontextmanager
async def serving(folder: Path, *accepted: Made, **more: Any) -> AsyncIterator[Bench]:
    bench = Bench(folder, **more)
    bench.use()
    bench.server.decide(decided(*accepted))
    with capture_logs():
        await bench.server.start([bind("127.0.0.1", 0)])
        try:
            yield bench
        finally:
            await bench.stop()
