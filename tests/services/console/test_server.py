"""What a stranger costs, on real sockets: connections without a request, half of one, too many, garbage."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import structlog
from starlette.responses import PlainTextResponse

from services.console import server
from services.console.server import serve
from shared.modbus.listen import bind
from tests.support import free_port, until

LOG: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(structlog.ReturnLogger())
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/broken":
        raise RuntimeError("broken")
    await PlainTextResponse("here")(scope, receive, send)


@contextlib.asynccontextmanager
async def served() -> AsyncIterator[int]:
    port = free_port()
    listening = bind("127.0.0.1", port)
    listening.listen()
    work = asyncio.create_task(serve(app, (listening,), None, LOG))
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


def test_too_many_connections_are_closed_unanswered_and_room_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_PER_ADDRESS", 4)

    async def story(port: int) -> None:
        held = [await connected(port) for _ in range(4)]
        reader, writer = await connected(port)
        with contextlib.suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        writer.close()
        held.pop()[1].close()

        found = b""
        async with asyncio.timeout(5):
            while b"200" not in found:
                with contextlib.suppress(ConnectionResetError):
                    found = await answer(port)
        for _, each in held:
            each.close()

    play(story)


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
