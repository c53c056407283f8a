"""Listening in on the bus for one reader: in a thread of its own, so that neither waits for the other.

A page that takes less than comes misses some, and is told how many. A recording with a hole would be taken for the
truth later: it breaks off instead, which every browser shows as a failed download.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Iterable, Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import msgspec

from services.console.api.errors import ApiError
from services.console.api.models.processes import TapMessage
from services.console.stream.response import COMMENT, QUIET_S, event
from services.console.times import wall_of
from shared.clock import BOOT_ID
from shared.tap.follow import Follower, Received
from shared.tap.recording import beginning, packed
from shared.tap.view import View, plain

if TYPE_CHECKING:
    from shared.bus.endpoints import Endpoints
    from shared.tap.filters import Filter

MOST: Final = 4
"""Open at once: each is a thread."""
TURN_S: Final = 0.2
MOST_A_TURN: Final = 50
"""Messages that a page is shown in one turn, the newest."""
WAITING_BYTES: Final = 4 * 1024 * 1024
"""What may wait for a slow reader."""
LONGEST_TOPIC: Final = 64

_encode = msgspec.json.Encoder().encode


class Ears:
    """How many listen.

    Args:
        endpoints: where instances are found.
        elsewhere: names of instances on other hosts.
    """

    def __init__(self, endpoints: "Endpoints", elsewhere: Iterable[str] = ()) -> None:
        self._endpoints = endpoints
        self._elsewhere = tuple(elsewhere)
        self._open = 0

    def __len__(self) -> int:
        return self._open

    def check(self) -> None:
        """Whether there is room for one more.

        Raises:
            ApiError: there is not.
        """
        if self._open >= MOST:
            text = f"{MOST} listen to the bus already; end one of them"
            raise ApiError(HTTPStatus.TOO_MANY_REQUESTS, "taps", text, headers={"retry-after": "5"})

    @contextlib.contextmanager
    def one(self, wanted: "Filter") -> Iterator["Ear"]:
        """Listen until the end of the block.

        Raises:
            ApiError: there are too many.
        """
        self.check()
        ear = Ear(self._endpoints, wanted, self._elsewhere)
        self._open += 1
        try:
            yield ear
        finally:
            ear.close()
            self._open -= 1


class Ear:
    """One listener. Belongs to the event loop in which it is made.

    Args:
        endpoints: where instances are found.
        wanted: which instances and topics.
        elsewhere: names of instances on other hosts.
    """

    def __init__(self, endpoints: "Endpoints", wanted: "Filter", elsewhere: Iterable[str] = ()) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = threading.Event()
        self._come = asyncio.Event()
        self._waiting: list[Received] = []
        self._bytes = 0
        self._missed = 0
        self._broken: Exception | None = None
        self._thread = threading.Thread(
            target=self._listen, args=(endpoints, wanted, tuple(elsewhere)), name="tap", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Listen no more; the thread ends within a turn."""
        self._end.set()

    async def take(self, timeout_s: float) -> tuple[list[Received], int]:
        """What has come and how many were left out; both empty where nothing comes in time.

        Raises:
            Exception: what ended the listening.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._come.wait()
        if self._broken is not None:
            raise self._broken
        come, missed = self._waiting, self._missed
        self._waiting, self._bytes, self._missed = [], 0, 0
        self._come.clear()
        return come, missed

    def _listen(self, endpoints: "Endpoints", wanted: "Filter", elsewhere: tuple[str, ...]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, so that nobody is there to be told
            try:
                with Follower(endpoints, wanted, elsewhere) as follower:
                    while not self._end.is_set():
                        if come := list(follower.poll(TURN_S)):
                            self._loop.call_soon_threadsafe(self._hear, come)
            except Exception as error:  # noqa: BLE001  # handed to the reader
                self._loop.call_soon_threadsafe(self._break, error)

    def _hear(self, come: list[Received]) -> None:
        for received in come:
            size = len(received.entry.topic) + len(received.entry.payload)
            if self._bytes + size > WAITING_BYTES:
                self._missed += 1
            else:
                self._waiting.append(received)
                self._bytes += size
        self._come.set()

    def _break(self, error: Exception) -> None:
        self._broken = error
        self._come.set()


async def shown(ears: Ears, wanted: "Filter") -> AsyncGenerator[bytes, None]:
    """Events `message`, each a TapMessage."""
    view = View(BOOT_ID)
    with ears.one(wanted) as ear:
        while True:
            come, missed = await ear.take(QUIET_S)
            newest = come[-MOST_A_TURN:]
            missed += len(come) - len(newest)
            if newest:
                first = _message(view, newest[0], missed)
                yield b"".join((first, *(_message(view, each) for each in newest[1:])))
            else:
                yield COMMENT
            await asyncio.sleep(TURN_S)


async def recorded(ears: Ears, wanted: "Filter", seconds: float) -> AsyncGenerator[bytes, None]:
    """A recording, piece by piece.

    Raises:
        ApiError: the reader took too little; what he has got so far has no hole.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    with ears.one(wanted) as ear:
        yield beginning()
        while (left := end - loop.time()) > 0:
            come, missed = await ear.take(left)
            if missed:
                text = "the recording is not taken as fast as messages come"
                raise ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "too_slow", text)
            yield b"".join(packed(each.entry) for each in come)


def _message(view: View, received: Received, missed: int = 0) -> bytes:
    message, text = view.content(received.entry)
    entry, kind, number = received.entry, message.get("type"), message.get("seq")
    made = TapMessage(
        time_ms=wall_of(entry.t_ns),
        topic=plain(entry.topic.decode("utf-8", "backslashreplace"), LONGEST_TOPIC),
        kind=plain(kind, LONGEST_TOPIC) if isinstance(kind, str) else "",
        instance=received.instance,
        seq=number if isinstance(number, int) and 0 <= number < 1 << 53 else 0,
        size=len(entry.payload),
        text=text,
        missed=missed,
    )
    return event("message", _encode(made))
