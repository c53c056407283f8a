"""What a stranger costs, on real sockets: connections without a request, half of one, too many, garbage."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import structlog
from starlette.responses import PlainTextResponse

from services.console import server
from services.console.security.certificate import https
from services.console.server import serve
from services.console.stream.response import EventStream, Streams
from shared.modbus.listen import bind
from tests.support import free_port, until

LOG: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(structlog.ReturnLogger())
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/broken":
        raise RuntimeError("broken")
    if scope["path"] == "/large":
        await PlainTextResponse("x" * 4_000_000, headers={"connection": "close"})(scope, receive, send)
        return
    await PlainTextResponse("here")(scope, receive, send)


@contextlib.asynccontextmanager
async def served(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    port = free_port()
    listening = bind("127.0.0.1", port)
    listening.listen()
    work = asyncio.create_task(serve(app, (listening,), context, LOG))
    try:
        yield port
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def answer(port: int, request: bytes = REQUEST) -> bytes:
    reader, writer = await connected(port)
    writer.write(request)
    async with asyncio.timeout(5):
        data = await reader.read(4096)
    writer.close()
    return data


def play(story: Callable[[int], Awaitable[None]]) -> None:
    async def run() -> None:
        async with served() as port:
            await story(port)

    asyncio.run(run())


def test_requests_are_answered_and_the_connection_kept() -> None:
    async def story(port: int) -> None:
        reader, writer = await connected(port)
        for _ in range(3):
            writer.write(REQUEST)
            async with asyncio.timeout(5):
                assert (await reader.readuntil(b"here")).startswith(b"HTTP/1.1 200")
        writer.close()

    play(story)


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\n", REQUEST + b"GET"])
def test_who_brings_no_whole_request_in_time_is_cut_off(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.05)
    monkeypatch.setattr(server, "IDLE_S", 0.05)

    async def story(port: int) -> None:
        reader, writer = await connected(port)
        writer.write(begin)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                while await reader.read(4096):
                    pass
        writer.close()

    play(story)


def test_one_byte_at_a_time_does_not_buy_more_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_S", 0.2)

    async def story(port: int) -> None:
        reader, writer = await connected(port)

        async def drip() -> None:
            for byte in REQUEST[:-1] * 100:
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                assert await reader.read(4096) == b""
        dripping.cancel()
        writer.close()

    play(story)


def test_a_head_without_end_is_cut_off() -> None:
    async def story(port: int) -> None:
        reader, writer = await connected(port)

        async def pour() -> None:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            with contextlib.suppress(ConnectionError):
                for _ in range(10_000):
                    writer.write(b"x" * 1000)
                    await writer.drain()

        pouring = asyncio.create_task(pour())
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                assert b"400" in (await reader.read(4096) or b"400")
        await pouring
        writer.close()

    play(story)


def test_of_too_many_the_one_goes_that_has_waited_longest_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_PER_ADDRESS", 4)

    async def story(port: int) -> None:
        held = [await connected(port) for _ in range(4)]
        for number in range(2):
            assert b"200" in await answer(port), "who comes with a request is served"
            with contextlib.suppress(ConnectionResetError):
                async with asyncio.timeout(5):
                    assert await held[number][0].read() == b""
            held.append(await connected(port))
        writer = held[3][1]
        writer.write(REQUEST)
        async with asyncio.timeout(5):
            assert b"200" in await held[3][0].readuntil(b"here"), "the others stand"
        for _, each in held:
            each.close()

    play(story)


def test_who_is_within_an_answer_and_came_with_a_key_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_PER_ADDRESS", 2)
    gate, within = asyncio.Event(), asyncio.Semaphore(0)

    async def keyed(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/own":
            scope["state"]["welcome"]()
            within.release()
            await gate.wait()
        await PlainTextResponse("here")(scope, receive, send)

    async def story() -> None:
        port = free_port()
        listening = bind("127.0.0.1", port)
        listening.listen()
        work = asyncio.create_task(serve(keyed, (listening,), None, LOG))
        own = [await connected(port) for _ in range(2)]
        for _, writer in own:
            writer.write(b"GET /own HTTP/1.1\r\nHost: localhost\r\n\r\n")
            async with asyncio.timeout(5):
                await within.acquire()
        late, writer = await connected(port)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                assert await late.read() == b"", "nobody can go for a third one"
        writer.close()
        gate.set()
        for reader, writer in own:
            async with asyncio.timeout(5):
                assert b"200" in await reader.readuntil(b"here")
            writer.close()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 64 + b"\r\n\r\n", b"400"),
        (b"GET\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"GET /broken HTTP/1.1\r\nHost: x\r\n\r\n", b"500"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n", b"200"),
    ],
)
def test_garbage_costs_one_answer(request_: bytes, status: bytes) -> None:
    async def story(port: int) -> None:
        assert (await answer(port, request_)).split(b" ")[1] == status
        assert b"200" in await answer(port)

    play(story)


def test_at_the_end_open_connections_are_cut() -> None:
    async def story() -> None:
        async with served() as port:
            reader, writer = await connected(port)
            writer.write(REQUEST)
            await reader.readuntil(b"here")
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        writer.close()
        with socket.socket() as one:
            await until(lambda: one.connect_ex(("127.0.0.1", port)) != 0)

    asyncio.run(story())


def test_who_does_not_take_his_answer_is_cut_off_and_who_is_slow_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "TICK_S", 0.05)
    monkeypatch.setattr(server, "STUCK_S", 0.5)
    monkeypatch.setattr(server, "MOST_PER_ADDRESS", 2)
    large = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"

    async def slowly(reader: asyncio.StreamReader) -> int:
        """In more than the time in all, and never so long without a byte."""
        size = 0
        while data := await reader.read(200_000):
            size += len(data)
            await asyncio.sleep(0.04)
        return size

    async def story(port: int) -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", port))
            deaf.sendall(large)
            reader, writer = await connected(port)
            writer.write(large)
            async with asyncio.timeout(10):
                assert await slowly(reader) > 4_000_000
            writer.close()
            found = b""
            async with asyncio.timeout(5):
                while b"200" not in found:
                    held = await connected(port)
                    with contextlib.suppress(ConnectionResetError):
                        found = await answer(port)
                    held[1].close()

    play(story)


async def over_tls(port: int, context: ssl.SSLContext) -> bytes:
    """The answer; empty where the connection was cut."""
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
            writer.write(REQUEST)
            found = await reader.readuntil(b"here")
            writer.close()
            return found
    except (ConnectionError, asyncio.IncompleteReadError):
        return b""


def test_who_never_ends_a_handshake_takes_a_place_and_not_for_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(server, "MOST_PER_ADDRESS", 4)
    monkeypatch.setattr(server, "HEAD_S", 0.5)
    context, _ = https(tmp_path, "127.0.0.1", ())
    theirs = ssl.create_default_context(cafile=tmp_path / "ec.pem")

    async def story() -> None:
        async with served(context) as port:
            assert b"200" in await over_tls(port, theirs)
            silent = [await connected(port) for _ in range(4)]
            begun = asyncio.get_running_loop().time()
            assert b"200" in await over_tls(port, theirs), "the oldest of them had to go"
            assert asyncio.get_running_loop().time() - begun < 0.4
            for one, _ in silent:
                async with asyncio.timeout(5):
                    with contextlib.suppress(ConnectionResetError):
                        assert await one.read() == b"", "too slow"
            for _, each in silent:
                each.close()
            held, mine = await asyncio.open_connection("127.0.0.1", port, ssl=theirs, server_hostname="localhost")
            half, its = await connected(port)
        with contextlib.suppress(ConnectionResetError):
            assert await held.read() == b""
            assert await half.read() == b""
        mine.close()
        its.close()

    asyncio.run(story())


def test_a_stream_that_we_cut_is_no_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(server._ToLog, "emit", lambda _, record: told.append(record.getMessage()))
    streams = Streams()

    async def forever() -> AsyncGenerator[bytes, None]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    async def streaming(scope: Any, receive: Any, send: Any) -> None:
        await EventStream(forever(), streams, "a")(scope, receive, send)

    async def story() -> None:
        port = free_port()
        listening = bind("127.0.0.1", port)
        listening.listen()
        work = asyncio.create_task(serve(streaming, (listening,), None, LOG))
        reader, writer = await connected(port)
        writer.write(REQUEST)
        await reader.readuntil(b"x")
        streams.end("a")
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                await reader.read()
        await until(lambda: len(streams) == 0)
        writer.close()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)

    asyncio.run(story())
    assert told == []
