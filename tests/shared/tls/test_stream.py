"""Data over an established connection: order, back-pressure, and every way to end."""

import asyncio
import ctypes
import ctypes.util
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from OpenSSL import SSL

from shared.tls import farewell, stream
from shared.tls.stream import TlsTransport
from tests.shared.tls.material import LOOPS, Echo, Service, client_settings, connect, make, run, serving
from tests.support import until

Loop = Callable[[], asyncio.AbstractEventLoop]


def client(tmp_path: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    return client_settings(make().save(tmp_path), version)


async def open_one(service: Service, settings: ssl.SSLContext) -> tuple[ssl.SSLSocket, Echo, TlsTransport]:
    peer = await asyncio.to_thread(connect, service.port, settings)
    await until(lambda: service.protocols)
    protocol = service.protocols[-1]
    assert isinstance(protocol.transport, TlsTransport)
    return peer, protocol, protocol.transport


def read_all(peer: ssl.SSLSocket) -> bytes:
    got = bytearray()
    while part := peer.recv(65536):
        got += part
    return bytes(got)


def read_exactly(peer: ssl.SSLSocket, count: int) -> bytes:
    got = bytearray()
    while len(got) < count and (part := peer.recv(65536)):
        got += part
    return bytes(got)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("size", [1, 2047, 2048, 2049, 16384, 16385, 100_000])
def test_data_of_every_size_comes_back_whole_and_in_order(size: int, loop: Loop, tmp_path: Path) -> None:
    data = bytes(n * 7 & 255 for n in range(size))

    async def story() -> None:
        async with serving() as service:
            peer, protocol, _ = await open_one(service, client(tmp_path))
            with peer:
                await asyncio.to_thread(peer.sendall, data)
                assert await asyncio.to_thread(read_exactly, peer, size) == data
            assert protocol.received == data

    run(story(), loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_peer_that_does_not_read_stops_us_and_loses_nothing(
    loop: Loop, version: ssl.TLSVersion, tmp_path: Path
) -> None:
    blocks = [bytes([n & 255]) * 4096 for n in range(200)]

    async def story() -> None:
        async with serving(send_buffer=4096) as service:
            peer, protocol, transport = await open_one(service, client(tmp_path, version))
            transport.set_write_buffer_limits(high=20_000, low=5_000)
            assert transport.get_write_buffer_limits() == (5_000, 20_000)
            sender = asyncio.create_task(asyncio.to_thread(peer.sendall, b"".join(blocks)))
            await until(lambda: not transport.is_reading())
            assert 5_000 < transport.get_write_buffer_size() <= 20_000 + 16_384
            got = await asyncio.to_thread(read_exactly, peer, 200 * 4096)
            await sender
            assert got == b"".join(blocks)
            await until(lambda: transport.get_write_buffer_size() == 0)
            assert protocol.pauses == protocol.resumes
            peer.close()

    run(story(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_reading_pauses_at_once_and_goes_on_without_loss(loop: Loop, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))
            transport.pause_reading()
            peer.sendall(b"later")
            for _ in range(20):
                await asyncio.sleep(0)
            assert not protocol.received
            assert not transport.is_reading()
            transport.resume_reading()
            assert await asyncio.to_thread(read_exactly, peer, 5) == b"later"
            peer.close()

    run(story(), loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_close_sends_what_is_written_and_says_so(loop: Loop, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(send_buffer=4096) as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))
            transport.write(b"x" * 500_000)
            transport.close()
            transport.close()
            transport.write(b"too late")
            assert transport.is_closing()
            assert protocol.lost == []
            assert (
                await asyncio.to_thread(read_all, peer) == b"x" * 500_000
            )  # its end is a close_notify, or this raises
            peer.close()
            await until(lambda: protocol.lost)
            assert protocol.lost == [None]
            transport.abort()
            with pytest.raises(RuntimeError):
                transport.get_protocol()

    run(story(), loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("state", ["idle", "busy", "never reads", "closing"])
def test_abort_cuts_a_peer_whatever_it_does(state: str, loop: Loop, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(send_buffer=4096) as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))
            if state == "busy":
                peer.sendall(b"request")
            if state in {"never reads", "closing"}:
                transport.write(b"x" * 5_000_000)
            if state == "closing":
                transport.close()
            begun = asyncio.get_running_loop().time()
            transport.abort()
            transport.abort()
            assert transport.get_write_buffer_size() == 0
            assert transport.is_closing()
            await until(lambda: protocol.lost)
            try:
                left = await asyncio.to_thread(read_all, peer)
            except (ConnectionError, ssl.SSLError):
                left = b""  # reset, or cut within a record
            assert asyncio.get_running_loop().time() - begun < 0.5
            assert len(left) < 5_000_000
            assert protocol.lost == [None]
            peer.close()

    run(story(), loop)


def test_an_idle_peer_is_sent_a_close_notify_by_abort(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, _, transport = await open_one(service, client(tmp_path))
            transport.abort()
            assert await asyncio.to_thread(peer.recv, 1) == b""  # an end without close_notify would raise
            peer.close()

    run(story())


def test_close_does_not_wait_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CLOSE_WITHIN_S", 0.1)

    async def story() -> None:
        async with serving(send_buffer=4096) as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))
            transport.write(b"x" * 5_000_000)
            transport.close()
            await until(lambda: protocol.lost)
            peer.close()

    run(story())


def test_a_farewell_is_bounded_in_bytes_and_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))
            transport.close()  # the peer neither closes nor sends
            await until(lambda: protocol.lost)
            peer.close()
            monkeypatch.setattr(farewell, "PATIENCE_S", 60.0)
            peer, protocol, transport = await open_one(service, client(tmp_path))
            transport.close()

            def flood() -> None:
                try:
                    while True:
                        peer.sendall(b"x" * 16384)
                except OSError:  # as it should: we have closed
                    return

            await asyncio.to_thread(flood)
            await until(lambda: protocol.lost)
            peer.close()

    run(story())


@pytest.mark.parametrize("loop", LOOPS)
def test_a_broken_record_ends_in_an_alert(loop: Loop, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, protocol, _ = await open_one(service, client(tmp_path))
            raw = socket.socket(fileno=peer.detach())
            raw.settimeout(5)
            raw.sendall(b"\x17\x03\x03\x00\x20" + b"\0" * 32 + b"\x17\x03\x03\x40\x00" + b"more of it" * 500)
            got = await asyncio.to_thread(lambda: b"".join(iter(lambda: raw.recv(4096), b"")))
            assert got[-24:-19] == b"\x17\x03\x03\x00\x13"  # an alert in TLS 1.3 has 2 + 1 + 16 bytes
            raw.close()
            await until(lambda: protocol.lost)
            assert "bad record mac" in str(protocol.lost[0])

    run(story(), loop)


def test_a_reset_is_told_as_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            peer.close()
            await until(lambda: protocol.lost)
            assert isinstance(protocol.lost[0], ConnectionError)
            transport.write(b"nobody hears")
            transport.close()
            transport.abort()

    run(story())


def test_who_writes_round_the_transport_finds_no_socket(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, _, transport = await open_one(service, client(tmp_path))
            assert transport.get_extra_info("socket") is None
            assert transport.get_extra_info("peername") == peer.getsockname()
            assert transport.get_extra_info("tls_peer") is service.peers[0]
            assert not transport.can_write_eof()
            peer.close()

    run(story())


def test_a_defect_in_a_protocol_ends_its_connection_and_is_not_hidden(tmp_path: Path) -> None:
    faults: list[dict[str, Any]] = []

    async def story() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        async with serving() as service:
            peer, protocol, transport = await open_one(service, client(tmp_path))

            def fail(data: bytes) -> None:
                raise LookupError(data)

            protocol.data_received = fail  # type: ignore[method-assign]
            transport.set_protocol(protocol)
            peer.sendall(b"x")
            await until(lambda: protocol.lost)
            peer.close()

    asyncio.run(story())
    assert [type(context["exception"]) for context in faults] == [LookupError]


class Fake:
    """An OpenSSL connection that says what it wants in which order; what is not scripted works."""

    def __init__(self, *script: object) -> None:
        self.script = list(script)
        self.sent: list[bytes] = []
        self.offered: list[bytes] = []

    def send(self, data: bytes) -> int:
        self.offered.append(bytes(data))
        taken = self.script.pop(0) if self.script else len(data)
        if isinstance(taken, Exception):
            raise taken
        assert isinstance(taken, int)
        self.sent.append(bytes(data[:taken]))
        return taken


def test_a_write_is_repeated_unchanged_whatever_openssl_waited_for(tmp_path: Path) -> None:
    """SSL_write(3): after WANT_READ or WANT_WRITE the same bytes, before any others."""

    async def story() -> None:
        async with serving() as service:
            peer, _, transport = await open_one(service, client(tmp_path))
            fake = Fake(SSL.WantReadError(), SSL.WantWriteError(), 2)
            transport._send = fake.send  # type: ignore[assignment]
            transport.write(b"first")
            transport.write(b"second")
            assert fake.offered == [b"first"]  # it waits for the socket to be readable
            peer.sendall(b"now")
            await until(lambda: b"".join(fake.sent) == b"firstsecondnow")
            assert fake.offered[:4] == [b"first", b"first", b"first", b"rst"]
            assert transport.get_write_buffer_size() == 0
            peer.close()

    run(story())


def test_a_read_that_waits_for_room_to_write_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving() as service:
            peer, _, transport = await open_one(service, client(tmp_path))
            real, waits = transport._recv, [SSL.WantWriteError()]

            def recv(bufsiz: int, flags: int | None = None) -> bytes:
                if waits:
                    raise waits.pop()
                return real(bufsiz, flags)

            transport._recv = recv
            peer.sendall(b"x")
            assert await asyncio.to_thread(read_exactly, peer, 1) == b"x"
            assert not waits
            peer.close()

    run(story())


def libssl() -> Any:
    """OpenSSL by its C interface: no Python one lets a client update its keys."""
    name = ctypes.util.find_library("ssl")
    if name is None:
        pytest.skip("no libssl")
    library = ctypes.CDLL(name)
    pointer = ctypes.c_void_p
    for function, result, *arguments in (
        ("TLS_client_method", pointer),
        ("SSL_CTX_new", pointer, pointer),
        ("SSL_new", pointer, pointer),
        ("SSL_free", None, pointer),
        ("SSL_CTX_free", None, pointer),
        ("SSL_CTX_use_certificate_file", ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_int),
        ("SSL_CTX_use_PrivateKey_file", ctypes.c_int, pointer, ctypes.c_char_p, ctypes.c_int),
        ("SSL_set_fd", ctypes.c_int, pointer, ctypes.c_int),
        ("SSL_connect", ctypes.c_int, pointer),
        ("SSL_key_update", ctypes.c_int, pointer, ctypes.c_int),
        ("SSL_do_handshake", ctypes.c_int, pointer),
    ):
        found = getattr(library, str(function))
        found.restype, found.argtypes = result, arguments
    return library


def test_a_flood_of_key_updates_is_broken_off(tmp_path: Path) -> None:
    """OpenSSL works them off without returning; nobody else would be served."""
    library = libssl()
    identity = str(make().save(tmp_path)).encode()

    def flood(port: int) -> int:
        context = library.SSL_CTX_new(library.TLS_client_method())
        assert library.SSL_CTX_use_certificate_file(context, identity, 1) == 1
        assert library.SSL_CTX_use_PrivateKey_file(context, identity, 1) == 1
        ours = library.SSL_new(context)
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.settimeout(None)
            library.SSL_set_fd(ours, sock.fileno())
            assert library.SSL_connect(ours) == 1
            sent = 0
            while sent < 200_000 and library.SSL_key_update(ours, 0) == 1:
                if library.SSL_do_handshake(ours) != 1:
                    break
                sent += 1
        library.SSL_free(ours)
        library.SSL_CTX_free(context)
        return sent

    async def story() -> None:
        async with serving() as service:
            sent = await asyncio.to_thread(flood, service.port)
            assert sent < 200_000
            await until(lambda: service.protocols[0].lost)
            assert len(service.peers) == 1

    run(story())
