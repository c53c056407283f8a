"""One HTTP connection: answers of every form, and whatever is none."""

import asyncio
from collections.abc import Callable

import pytest

from services.master_pusher.http import MAX_ANSWER, MAX_HEAD, MAX_PARTS, Answer, Exchange
from shared.errors import PeerError

HEADERS = [("Host", "h")]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class FakeTransport(asyncio.Transport):
    """Answers each request."""

    def __init__(self, answer: Callable[[], None]) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False
        self._answer = answer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)
        asyncio.get_running_loop().call_soon(self._answer)

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


async def posted(*pieces: bytes, end: bool = False, exchange: Exchange | None = None) -> tuple[Answer, Exchange, bytes]:
    exchange = exchange or Exchange("service")

    def answer() -> None:
        for piece in pieces:
            exchange.data_received(piece)
        if end:
            exchange.connection_lost(None)

    transport = FakeTransport(answer)
    exchange.connection_made(transport)
    got = await exchange.post("/in?a=1", HEADERS, b"{}", 0.1)
    return got, exchange, transport.written


def test_a_request_and_its_answer() -> None:
    async def story() -> None:
        got, exchange, written = await posted(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX-Y: z\r\n\r\nyes")
        assert got == Answer(200, "yes", {"content-length": "3", "x-y": "z"})
        assert written.startswith(b"POST /in?a=1 HTTP/1.1\r\n")
        assert written.endswith(b"Content-Length: 2\r\n\r\n{}")
        assert exchange.usable, "the connection is kept"

    asyncio.run(story())


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nye\r\n1\r\ns\r\n0\r\n\r\n",),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\n\r\n", b"yes"),
        (b"HTTP", b"/1.1 201 Created\r\nContent-Le", b"ngth: 3\r\n\r\ny", b"es"),
    ],
)
def test_every_form_of_an_answer(pieces: tuple[bytes, ...]) -> None:
    got, exchange, _ = asyncio.run(posted(*pieces))
    assert (got.status, got.text) == (201, "yes")
    assert exchange.usable


def test_an_answer_may_end_with_the_connection() -> None:
    got, exchange, _ = asyncio.run(posted(b"HTTP/1.0 200 OK\r\n\r\nye", b"s", end=True))
    assert (got.status, got.text) == (200, "yes")
    assert not exchange.usable


def test_what_is_shown_of_an_answer_is_harmless() -> None:
    got, *_ = asyncio.run(posted(b"HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\na\x1b[31m\n\xffb"))
    assert got.text == "a [31m \ufffdb"


@pytest.mark.parametrize(
    ("piece", "end", "said"),
    [
        (b"\x15\x03\x01\0\2", False, "is no HTTP"),
        (b"", False, "no answer within 0.1 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", False, "no answer within 0.1 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", True, "is no HTTP|closed the connection"),
        (b"", True, "closed the connection|is no HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MAX_ANSWER + 1), False, "longer than 65536"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD + 9), False, "is no HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_PARTS + 1), False, "in more than 500 parts"),
        (CHUNKED + b"1\r\nx\r\n" * (MAX_PARTS + 1) + b"0\r\n\r\n", False, "in more than 500 parts"),
    ],
)
def test_anything_else_ends_the_connection(piece: bytes, end: bool, said: str) -> None:
    exchange = Exchange("service")
    with pytest.raises(PeerError, match=f"service: .*({said})"):
        asyncio.run(posted(*([piece] if piece else []), end=end, exchange=exchange))
    assert not exchange.usable


def test_something_nobody_asked_for_ends_it() -> None:
    async def story() -> None:
        _, exchange, _ = await posted(b"HTTP/1.1 204 No\r\n\r\n")
        exchange.data_received(b"HTTP/1.1 204 No\r\n\r\n")
        assert not exchange.usable

    asyncio.run(story())
