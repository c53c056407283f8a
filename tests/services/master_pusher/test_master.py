"""Our side of a connection: one in flight, deadlines, answers that belong to it, and nothing else counts."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.master_pusher.batch import Layout, write
from services.master_pusher.master import Master, Outcome, Request
from shared import clock
from shared.errors import PeerError
from tests.services.master_pusher.samples import SECOND

FOREVER = 2**63 - 1
REQUESTS = tuple(write(Layout(), start, bytes(4), tag) for start, tag in ((0, "a"), (40, "b"), (42, "b"), (512, "c")))


class FakeTransport(asyncio.Transport):
    """Hands what is written to `on_write`."""

    def __init__(self, on_write: Callable[[bytes], None]) -> None:
        super().__init__()
        self.on_write = on_write
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))
        asyncio.get_running_loop().call_soon(self.on_write, bytes(data))

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


def answered(answer: Callable[[bytes, Request], bytes], requests: tuple[Request, ...] = REQUESTS) -> "Story":
    """A slave that answers each request with what `answer` makes of it and its right answer."""
    return Story(answer, requests)


class Story:
    """One list of requests, sent once."""

    def __init__(self, answer: Callable[[bytes, Request], bytes], requests: tuple[Request, ...]) -> None:
        self._answer = answer
        self._requests = requests
        self._by_address = {request.address: request for request in requests}
        self.transport: FakeTransport
        self.in_flight = self.most = 0

    def run(self, timeout_s: float = 5.0, until_ns: int = FOREVER) -> Outcome:
        return asyncio.run(self._run(timeout_s, until_ns))

    async def _run(self, timeout_s: float, until_ns: int) -> Outcome:
        master = Master("slave")

        def on_write(data: bytes) -> None:
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            request = self._by_address[int.from_bytes(data[8:10], "big")]
            for piece in self._pieces(self._answer(data[:2], request)):
                self.in_flight = 0
                master.data_received(piece)

        self.transport = FakeTransport(on_write)
        master.connection_made(self.transport)
        return await master.send(self._requests, timeout_s, until_ns)

    def _pieces(self, answer: bytes) -> list[bytes]:
        return [answer] if answer else []


def right(transaction: bytes, request: Request) -> bytes:
    return transaction + request.answer


def exception(transaction: bytes, request: Request, code: int) -> bytes:
    return transaction + b"\0\0\0\3" + request.answer[4:5] + bytes((request.answer[5] | 0x80, code))


def test_all_are_sent_one_after_the_other() -> None:
    story = answered(right)
    assert story.run() == Outcome()
    assert [data[2:] for data in story.transport.written] == [request.frame for request in REQUESTS]
    assert len({data[:2] for data in story.transport.written}) == len(REQUESTS)
    assert story.most == 1


@settings(deadline=None)
@given(st.lists(st.integers(1, 11), max_size=4))
def test_an_answer_may_come_in_pieces(cuts: list[int]) -> None:
    borders = [0, *sorted(cuts), None]

    class Slow(Story):
        def _pieces(self, answer: bytes) -> list[bytes]:
            found = [answer[first:end] for first, end in pairwise(borders)]
            return [piece for piece in found if piece]

    assert Slow(right, REQUESTS).run() == Outcome()


def test_a_refused_request_takes_the_rest_of_its_group_with_it() -> None:
    story = answered(lambda t, r: exception(t, r, 2) if r.address == 40 else right(t, r))
    outcome = story.run()
    assert [(each.request.address, each.code) for each in outcome.refused] == [(40, 2)]
    assert [data[8:10] for data in story.transport.written] == [b"\0\0", b"\0\x28", b"\2\0"]


def test_a_gateway_may_answer_with_its_own_unit() -> None:
    assert answered(lambda t, r: t + r.answer[:4] + b"\xff" + r.answer[5:]).run() == Outcome()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda _, r: b"\xff\xff" + r.answer, "another transaction"),
        (lambda t, r: t + r.answer[:6] + b"\0\1" + r.answer[8:], "the slave answered 10 00 01"),
        (lambda t, r: t + r.answer + b"\0", "more than it was asked for"),
        (lambda _, __: b"HTTP/1.1 400 Bad Request\r\n", "no Modbus TCP"),
        (lambda t, _: t + b"\0\0\0\2\1\x90", "the slave answered 90"),
        (lambda _, __: b"", "no answer within 0.02 s to the registers 0-1"),
        (lambda t, r: (t + r.answer)[:11], "no answer within 0.02 s to the registers 0-1"),
    ],
)
def test_anything_else_ends_the_connection(answer: Callable[[bytes, Request], bytes], said: str) -> None:
    story = answered(answer)
    with pytest.raises(PeerError, match=said):
        story.run(timeout_s=0.02)
    assert story.transport.aborted
    assert len(story.transport.written) == 1


def test_nothing_is_sent_once_the_values_are_stale() -> None:
    story = answered(right)
    assert story.run(until_ns=clock.now_ns() - 1) == Outcome(expired=True)
    assert story.transport.written == []


def test_it_stops_in_the_middle_where_the_values_grow_stale() -> None:
    until = clock.now_ns() + SECOND // 20

    def slow(transaction: bytes, request: Request) -> bytes:
        while request.address == 40 and clock.now_ns() <= until:
            pass
        return right(transaction, request)

    story = answered(slow)
    assert story.run(until_ns=until) == Outcome(expired=True)
    assert len(story.transport.written) == 2
    assert not story.transport.aborted


def played(story: Callable[[Master, FakeTransport], Awaitable[None]]) -> None:
    async def play() -> None:
        master = Master("slave")
        transport = FakeTransport(lambda _: None)
        master.connection_made(transport)
        await story(master, transport)

    asyncio.run(play())


def test_something_nobody_asked_for_ends_it() -> None:
    async def story(master: Master, transport: FakeTransport) -> None:
        master.data_received(b"\0\1\0\0\0\6\1\x10\0\0\0\2")
        assert transport.aborted
        assert not master.usable
        with pytest.raises(PeerError, match="not asked for"):
            await master.send(REQUESTS, 1, FOREVER)

    played(story)


def test_a_connection_that_ends_says_why() -> None:
    async def story(master: Master, _: FakeTransport) -> None:
        sending = asyncio.create_task(master.send(REQUESTS, 1, FOREVER))
        await asyncio.sleep(0)
        master.connection_lost(ConnectionResetError(104, "Connection reset by peer"))
        with pytest.raises(PeerError, match="slave: Connection reset by peer to the registers 0-1"):
            await sending

    played(story)


def test_who_gives_up_leaves_no_answer_behind() -> None:
    async def story(master: Master, transport: FakeTransport) -> None:
        sending = asyncio.create_task(master.send(REQUESTS, 1, FOREVER))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        assert transport.aborted

    played(story)


def test_many_requests_share_one_timer() -> None:
    async def story(master: Master, transport: FakeTransport) -> None:
        transport.on_write = lambda data: master.data_received(right(data[:2], REQUESTS[0]))
        for _ in range(50):
            assert await master.send(REQUESTS[:1], 0.05, FOREVER) == Outcome()
            await asyncio.sleep(0.004)  # in all four times the deadline: it belongs to each request
        assert not transport.aborted

    played(story)
