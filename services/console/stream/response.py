"""One open stream of server-sent events: counted, watched, and dropped where its reader does not read.

What is sent here comes from somebody's iterator; this decides only how long it may last and how many there may be.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from http import HTTPStatus
from typing import Any, ClassVar, Final

from starlette.responses import Response

from services.console.api.errors import ApiError
from shared.errors import MetergateError

MOST: Final = 64
"""Open at once, in all."""
MOST_PER_SESSION: Final = 12
"""Of one session or API token."""
SLOW_S: Final = 10.0
"""Who takes nothing for so long is dropped: he reconnects, and gets what he missed."""
QUIET_S: Final = 4.0
"""A comment at least so often, so that both sides notice when the other one is gone."""
CUT_S: Final = 1.0
COMMENT: Final = b":\n\n"
DATA: Final = b"\ndata: "
END: Final = b"\n\n"
BEGIN: Final = b"retry: 2000\n\n"


class Streams:
    """How many are open, and whose."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._ends: dict[str, set[asyncio.Event]] = {}

    def __len__(self) -> int:
        return self._open.total()

    @contextlib.contextmanager
    def one(self, whose: str) -> Iterator[asyncio.Event]:
        """Count one more, for which there was room; the event is set where it has to end."""
        self._open[whose] += 1
        end = asyncio.Event()
        self._ends.setdefault(whose, set()).add(end)
        try:
            yield end
        finally:
            self._open[whose] -= 1
            self._ends[whose].discard(end)
            if not self._open[whose]:
                del self._open[whose], self._ends[whose]

    def check(self, whose: str) -> None:
        """Whether there is room for one more.

        Raises:
            ApiError: there is not.
        """
        if len(self) >= MOST or self._open[whose] >= MOST_PER_SESSION:
            raise ApiError(
                HTTPStatus.TOO_MANY_REQUESTS,
                "streams",
                f"too many event streams are open (at most {MOST_PER_SESSION} for each session, {MOST} in all)",
                headers={"retry-after": "5"},
            )

    def end(self, whose: str) -> None:
        """End all of one session."""
        for event in self._ends.get(whose, ()):
            event.set()

    def end_unless(self, stands: Callable[[str], bool]) -> None:
        """End those of sessions that do not stand any more."""
        for whose in tuple(self._ends):
            if not stands(whose):
                self.end(whose)


class EventStream(Response):
    """A response that goes on.

    Args:
        chunks: events as bytes; what it holds is let go when the stream ends.
        streams: who counts it.
        whose: hash of the session or API token.
    """

    media_type = "text/event-stream"
    begin: ClassVar[bytes] = BEGIN
    ends: ClassVar[bool] = False
    """Whether the last chunk ends the answer; a stream of events that ends is one that has to be opened again."""

    def __init__(self, chunks: AsyncGenerator[bytes, None], streams: Streams, whose: str) -> None:
        streams.check(whose)
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._streams = streams
        self._whose = whose

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send until somebody ends it."""
        if scope["method"] == "HEAD":
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body"})
            return
        with self._streams.one(self._whose) as end:
            tasks = [asyncio.ensure_future(each) for each in (self._pump(send), _gone(receive), end.wait())]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            whole = tasks[0].done() and not tasks[0].cancelled() and tasks[0].result()
        if whole and self.ends:
            await send({"type": "http.response.body"})
        else:
            scope["state"]["abort"]()
            with contextlib.suppress(
                TimeoutError
            ):  # until the server knows, which takes this for a defect of ours else
                async with asyncio.timeout(CUT_S):
                    await _gone(receive)

    async def _pump(self, send: Any) -> bool:
        """Whether all was sent."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        chunks = self._chunks
        try:
            await self._sent(send, self.begin)
            async for chunk in chunks:
                if not await self._sent(send, chunk):
                    return False
        finally:
            await chunks.aclose()
        return True

    async def _sent(self, send: Any, chunk: bytes) -> bool:
        try:
            async with asyncio.timeout(SLOW_S):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        except TimeoutError:
            return False
        return True


class Download(EventStream):
    """A file that is made while it is sent. Where it breaks off, so does the connection, and the browser says so.

    Args:
        name: of the file.
        chunks, streams, whose: as of EventStream.
    """

    media_type = "application/octet-stream"
    begin = b""
    ends = True

    def __init__(self, name: str, chunks: AsyncGenerator[bytes, None], streams: Streams, whose: str) -> None:
        super().__init__(chunks, streams, whose)
        self.headers["content-disposition"] = f'attachment; filename="{name}"'

    async def _pump(self, send: Any) -> bool:
        try:
            return await super()._pump(send)
        except MetergateError:
            return False


async def _gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def event(topic: str, data: bytes, ident: str = "") -> bytes:
    """One event; `data` is JSON, which has no line ends."""
    head = f"id: {ident}\nevent: {topic}" if ident else f"event: {topic}"
    return b"".join((head.encode(), DATA, data, END))
