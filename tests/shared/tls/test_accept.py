"""Listening: how long a handshake may take, who is turned away before it, how it ends, which keys are shown."""

import asyncio
import socket
from pathlib import Path

import pytest

from shared.tls.certificate import read
from shared.tls.context import server_context
from shared.tls.limits import Limits, Refusal
from tests.shared.tls.material import (
    GENEROUS,
    LOOPS,
    ask,
    client_settings,
    connect,
    make,
    openssl,
    own_keys,
    run,
    serving,
)
from tests.support import until


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize(
    "said", [b"", b"\x16\x03\x01\x02\x00\x01", b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3f\xfc" + b"\0" * 64]
)
def test_a_silent_handshake_ends_at_its_deadline(said: bytes, loop: object) -> None:
    async def story() -> None:
        async with serving(limits=Limits(deadline_s=0.2)) as service:
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            begun = asyncio.get_running_loop().time()
            writer.write(said)
            assert await reader.read() == b""
            assert 0.1 < asyncio.get_running_loop().time() - begun < 2
            assert service.told == [("127.0.0.1", Refusal.DEADLINE, "not done after 0.2 s")]
            writer.close()
            await until(lambda: service.ended == 1)

    run(story(), loop)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said",
    [b"GET / HTTP/1.1\r\n\r\n", b"\0\1\0\0\0\6\1\3\0\0\0\1", b"\x80" * 100, b"\x16\x03\x01\xff\xff" + b"a" * 900],
)
def test_garbage_ends_at_once(said: bytes) -> None:
    async def story() -> None:
        async with serving() as service:
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            writer.write(said)
            alert = await reader.read()
            assert alert[:1] in {b"\x15", b""}  # an alert's record, where TLS was spoken at all
            writer.close()
            await until(lambda: service.ended == 1)
            assert service.told[0][1] is Refusal.HANDSHAKE

    run(story())


def test_who_leaves_during_the_handshake_is_counted_as_such() -> None:
    async def story() -> None:
        async with serving() as service:
            _, writer = await asyncio.open_connection("127.0.0.1", service.port)
            await until(lambda: service.begun == 1)
            writer.close()
            await until(lambda: service.ended == 1)
            assert service.acceptor.refused == {Refusal.LEFT: 1}

    run(story())


async def turned_away(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await reader.read() == b""
    writer.close()


def test_limits_hold_before_any_handshake(tmp_path: Path) -> None:
    settings = client_settings(make().save(tmp_path))

    async def story() -> None:
        limits = Limits(deadline_s=0.3, under_way=4, under_way_per_origin=2)
        async with serving(limits=limits) as service:
            silent = [await asyncio.open_connection("127.0.0.1", service.port) for _ in range(5)]
            assert all([await reader.read() == b"" for reader, _ in silent])
            assert service.acceptor.refused == {Refusal.ORIGIN_BUSY: 3, Refusal.DEADLINE: 2}
            for _, writer in silent:
                writer.close()
            await until(lambda: service.ended == 2)
            assert await asyncio.to_thread(ask, service.port, settings) == b"ping"
        async with serving(limits=Limits(burst_per_origin=1, rate_per_origin=0.001)) as service:
            assert await asyncio.to_thread(ask, service.port, settings) == b"ping"
            await turned_away(service.port)
            assert service.acceptor.refused == {Refusal.ORIGIN_RATE: 1}
        async with serving(room=lambda address: address != "127.0.0.1") as service:
            await turned_away(service.port)
            assert service.acceptor.refused == {Refusal.FULL: 1}

    run(story())


def test_stopping_ends_handshakes_under_way() -> None:
    async def story() -> None:
        async with serving(limits=GENEROUS) as service:
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            await until(lambda: service.begun == 1)
            service.acceptor.stop()
            assert service.ended == 1
            assert await reader.read() == b""
            writer.close()
            assert service.port == 0

    run(story())


def test_ipv6(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6")
    identity = make().save(tmp_path)

    async def story() -> None:
        async with serving(host="::1") as service:
            said = await asyncio.to_thread(
                openssl, "s_client", "-connect", f"[::1]:{service.port}", "-cert", identity, "-key", identity
            )
            assert "CONNECTED" in said
            await until(lambda: service.peers)
            assert service.peers[0].address == "::1"

    run(story())


def test_new_keys_are_used_from_the_next_handshake_on(tmp_path: Path) -> None:
    settings = client_settings(make().save(tmp_path))

    def shown(port: int) -> bytes | None:
        with connect(port, settings) as peer:
            return peer.getpeercert(binary_form=True)

    async def story() -> None:
        keys = own_keys()
        async with serving(server_context([keys.ec])) as service:
            before = await asyncio.to_thread(shown, service.port)
            service.acceptor.context = server_context([keys.rsa])
            after = await asyncio.to_thread(shown, service.port)
            assert [read(der or b"").key for der in (before, after)] == ["EC P-256", "RSA 2048"]

    run(story())
