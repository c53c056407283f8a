import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from services.measurement.modbus.master import Master
from shared.errors import PeerError

READ = b"\3\0\0\0\1"
ANSWER = b"\3\2\0\7"


def frame(transaction: int, pdu: bytes, unit: int = 1) -> bytes:
    return transaction.to_bytes(2, "big") + b"\0\0" + (len(pdu) + 1).to_bytes(2, "big") + bytes((unit,)) + pdu


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Story = Callable[[Master], Awaitable[None]]


def play(serve: Serve, story: Story) -> None:
    async def whole() -> None:
        ended = asyncio.Event()

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer)
            writer.close()
            ended.set()

        async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            master = Master("the meter")
            await asyncio.get_running_loop().create_connection(lambda: master, "127.0.0.1", port)
            assert master.connected
            await story(master)
            master.close()
            await ended.wait()
            assert not master.connected

    asyncio.run(whole())


def test_answers_come_to_their_requests_however_the_stream_is_cut() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for transaction in (1, 2):
            assert await reader.readexactly(12) == frame(transaction, READ)
            answer = frame(transaction, bytes((3, 2, 0, transaction)))
            writer.write(answer[:9])
            await asyncio.sleep(0.01)
            writer.write(answer[9:])
        await reader.read()

    async def story(master: Master) -> None:
        assert await master.ask(1, READ, 5) == b"\3\2\0\1"
        assert await master.ask(1, READ, 5) == b"\3\2\0\2"

    play(serve, story)


def test_what_comes_too_late_answers_nothing_else() -> None:
    late = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(12)
        await late.wait()
        writer.write(frame(1, b"\3\2\0\1") + frame(7, ANSWER) + frame(2, ANSWER, unit=9))
        await reader.readexactly(12)
        writer.write(frame(2, b"\3\2\0\2"))
        await reader.read()

    async def story(master: Master) -> None:
        with pytest.raises(PeerError, match=r"the meter gave no answer within 0\.05 s"):
            await master.ask(1, READ, 0.05)
        late.set()
        assert await master.ask(1, READ, 5) == b"\3\2\0\2"

    play(serve, story)


def test_an_end_while_waiting_and_afterwards_is_told() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.readexactly(12)

    async def story(master: Master) -> None:
        for _ in range(2):
            with pytest.raises(PeerError, match="the meter closed the connection"):
                await master.ask(1, READ, 5)

    play(serve, story)


def test_what_is_not_modbus_ends_the_connection() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(12)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()

    async def story(master: Master) -> None:
        with pytest.raises(PeerError, match="something that is not Modbus"):
            await master.ask(1, READ, 5)
        assert not master.connected

    play(serve, story)


def test_more_than_was_asked_for_ends_the_connection() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(12)
        flood = frame(9, ANSWER) * 10_000
        for _ in range(100):  # 11 MB
            writer.write(flood)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
        with contextlib.suppress(ConnectionError):  # unread, it ends with a reset
            await reader.read()

    async def story(master: Master) -> None:
        with pytest.raises(PeerError, match="the meter sent more than it was asked for"):
            await master.ask(1, READ, 5)
        assert not master.connected

    play(serve, story)


def test_a_cut_is_told_to_whoever_waits() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read()

    async def story(master: Master) -> None:
        waiting = asyncio.ensure_future(master.ask(1, READ, 5))
        await asyncio.sleep(0)
        master.cut("not trusted any more")
        with pytest.raises(PeerError, match="not trusted any more"):
            await waiting
        with pytest.raises(PeerError, match="not trusted any more"):
            await master.ask(1, READ, 5)

    play(serve, story)


def test_one_request_at_a_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read()

    async def story(master: Master) -> None:
        waiting = asyncio.ensure_future(master.ask(1, READ, 5))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="one request at a time"):
            await master.ask(1, READ, 5)
        waiting.cancel()
        await asyncio.wait([waiting])

    play(serve, story)


def test_before_a_connection_there_is_none() -> None:
    async def story() -> None:
        with pytest.raises(PeerError, match="no connection to the meter"):
            await Master("the meter").ask(1, READ, 5)

    asyncio.run(story())
