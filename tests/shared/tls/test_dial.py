"""Connections that we open."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.connect import Connector
from shared.errors import PeerError, RefusedError
from shared.tls.certificate import names_host, read
from shared.tls.context import client_context
from shared.tls.dial import dial
from shared.tls.peer import TlsPeer
from tests.shared.tls.material import LOOPS, Echo, make, own_keys, run, serving
from tests.support import free_port, until


class Asker(Echo):
    """Speaks first, keeps what comes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.write(b"ping")

    def data_received(self, data: bytes) -> None:
        self.received += data


@asynccontextmanager
async def foreign_server(identity: Path, taken: list[bytes], *, ask_client: Path | None = None) -> AsyncIterator[int]:
    """The interpreter's TLS as server; keeps what it is sent, answers with it, and says when the end came."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            taken.append(data)
            writer.write(data)
        taken.append(b"<end>")
        writer.close()

    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(identity)
    if ask_client is not None:
        settings.load_verify_locations(ask_client)
        settings.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=settings)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


@pytest.mark.parametrize("loop", LOOPS)
def test_two_of_ours_know_each_other(loop: object) -> None:
    async def story() -> None:
        async with serving() as service:
            asker = Asker()
            transport = await dial(
                client_context(own_keys().rsa), Connector("localhost", service.port), lambda _: asker
            )
            await until(lambda: asker.received == b"ping")
            peer = transport.get_extra_info("tls_peer")
            assert peer.certificate == own_keys().ec.certificate
            assert names_host(peer.der, "localhost")
            assert service.peers[0].certificate == own_keys().rsa.certificate
            transport.close()
            await until(lambda: asker.lost and service.protocols[0].lost)
            assert asker.lost == service.protocols[0].lost == [None]

    run(story(), loop)  # type: ignore[arg-type]


def test_a_server_that_wants_our_certificate_gets_it(tmp_path: Path) -> None:
    own, taken = own_keys().ec, list[bytes]()
    known = tmp_path / "own.pem"
    known.write_bytes(own.export())

    async def story() -> None:
        async with foreign_server(make().save(tmp_path), taken, ask_client=known) as port:
            asker = Asker()
            transport = await dial(client_context(own), Connector("127.0.0.1", port), lambda _: asker)
            await until(lambda: asker.received == b"ping")
            transport.abort()
            await until(lambda: asker.lost)

    asyncio.run(story())


def test_an_unwanted_target_gets_not_one_byte(tmp_path: Path) -> None:
    made, taken, seen = make("target"), list[bytes](), list[TlsPeer]()

    def refuse(peer: TlsPeer) -> asyncio.Protocol:
        seen.append(peer)
        raise RefusedError("not accepted")

    async def story() -> None:
        async with foreign_server(made.save(tmp_path), taken) as port:
            with pytest.raises(RefusedError, match="not accepted"):
                await dial(client_context(own_keys().ec), Connector("127.0.0.1", port), refuse)
            await until(lambda: taken)

    run(story())
    assert taken == [b"<end>"]
    assert seen[0].certificate == read(made.der)
    assert not seen[0].chain_valid


@pytest.mark.parametrize("known", [True, False])
def test_opinion_about_a_targets_chain(known: bool, tmp_path: Path) -> None:
    root = make("root", with_key="ec-root", ca=True)
    leaf = make("leaf", issuer=root)
    verdicts: list[bool] = []

    def look(peer: TlsPeer) -> asyncio.Protocol:
        verdicts.append(peer.chain_valid)
        return Echo()

    async def story() -> None:
        async with foreign_server(leaf.save(tmp_path), []) as port:
            context = client_context(own_keys().ec, [root.certificate] if known else [], public_authorities=True)
            (await dial(context, Connector("127.0.0.1", port), look)).abort()
            await asyncio.sleep(0)

    run(story())
    assert verdicts == [known]


def dial_fails(port: int, reason: str, deadline_s: float = 5.0) -> None:
    async def story() -> None:
        with pytest.raises(PeerError, match=reason):
            await dial(client_context(own_keys().ec), Connector("127.0.0.1", port), lambda _: Echo(), deadline_s)

    run(story())


def test_nobody_there() -> None:
    dial_fails(free_port(), r"no connection to 127\.0\.0\.1:\d+: connection refused")


def test_a_target_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        dial_fails(silent.getsockname()[1], "took too long: not done after", 0.2)


def test_a_target_without_tls(tmp_path: Path) -> None:
    del tmp_path

    async def story() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            writer.write(b"\0\1\0\0\0\3\1\x83\1")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(PeerError, match="the handshake failed: "):
                await dial(client_context(own_keys().ec), Connector("127.0.0.1", port), lambda _: Echo())

    run(story())


def test_a_dial_that_is_given_up_leaves_nothing_open() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            task = asyncio.create_task(
                dial(client_context(own_keys().ec), Connector("127.0.0.1", port), lambda _: Echo())
            )
            peer, _ = await asyncio.to_thread(silent.accept)
            with peer:
                assert await asyncio.to_thread(peer.recv, 1) == b"\x16"
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                peer.settimeout(5)
                await asyncio.to_thread(lambda: list(iter(lambda: peer.recv(4096), b"")))

    run(story())
