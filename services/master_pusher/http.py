"""One HTTP/1.1 connection to a web service: POSTs one after the other. h11 knows the grammar, this moves the bytes."""

import asyncio
from typing import Final, cast

import h11
from msgspec import Struct

from shared.errors import PeerError

MAX_ANSWER: Final = 65_536
"""Of an answer nothing but its beginning is of use; a longer one ends the connection."""
MAX_HEAD: Final = 16_384
MAX_PARTS: Final = 500
"""Chunks and interim answers: each takes a moment, in which nobody else is pushed to."""
SHOWN: Final = 200


class Answer(Struct, frozen=True):
    """What a web service said.

    Attributes:
        status: of the answer.
        text: the first of its body, printable.
        headers: names in lower case.
    """

    status: int
    text: str
    headers: dict[str, str]


class Exchange(asyncio.Protocol):
    """See module. A connection that has failed once is of no use any more."""

    def __init__(self, where: str) -> None:
        """`where` is the service's name in messages."""
        self._where = where
        self._transport: asyncio.Transport | None = None
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._failure: PeerError | None = None
        self._done: asyncio.Future[Answer] | None = None
        self._head: h11.Response | None = None
        self._body = bytearray()
        self._parts = 0

    @property
    def usable(self) -> bool:
        """Whether a request can be sent, as far as this side knows."""
        return (
            self._transport is not None
            and not self._transport.is_closing()
            and self._failure is None
            and self._http.our_state is h11.IDLE
        )

    async def post(self, path: str, headers: list[tuple[str, str]], body: bytes, timeout_s: float) -> Answer:
        """Send a POST and wait for its whole answer.

        Raises:
            PeerError: none in time, or none that is HTTP; the connection is closed then.
        """
        if not self.usable or self._transport is None:
            raise self._failure or PeerError(f"{self._where}: the connection has ended")
        self._head, self._body, self._parts = None, bytearray(), 0
        self._done = asyncio.get_running_loop().create_future()
        request = h11.Request(method="POST", target=path, headers=[*headers, ("Content-Length", str(len(body)))])
        parts = [self._http.send(event) for event in (request, h11.Data(data=body), h11.EndOfMessage())]
        try:
            self._transport.write(b"".join(part for part in parts if part))
            async with asyncio.timeout(timeout_s):
                return await self._done
        except TimeoutError:
            self._fail(f"no answer within {timeout_s:g} s")
            raise cast("PeerError", self._failure) from None
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._done = None

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if self._done is not None and not self._done.done() and exc is None:
            self._feed(b"")  # an answer without a length ends with the connection
        why = getattr(exc, "strerror", None) or str(exc or "the service closed the connection")
        self._fail(why)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if self._done is None or self._done.done():
            self._fail("the service sent something that it was not asked for")
        else:
            self._feed(data)

    def _feed(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
            while self._failure is None:
                event = self._http.next_event()
                if event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                    return
                self._take(cast("h11.Event", event))
                if isinstance(event, h11.EndOfMessage):
                    return
        except h11.RemoteProtocolError as error:
            self._fail(f"the service's answer is no HTTP ({error}); is there something else on this port?")

    def _take(self, event: h11.Event) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            self._fail(f"the service's answer comes in more than {MAX_PARTS} parts")
        elif isinstance(event, h11.Response):
            self._head = event
        elif isinstance(event, h11.Data):
            self._body += event.data
            if len(self._body) > MAX_ANSWER:
                self._fail(f"the service's answer is longer than {MAX_ANSWER} bytes")
        elif isinstance(event, h11.EndOfMessage) and self._head is not None:
            self._finish(self._head)

    def _finish(self, head: h11.Response) -> None:
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            self.close()
        text = bytes(self._body[:SHOWN]).decode("utf-8", "replace")
        shown = " ".join("".join(each if each.isprintable() else " " for each in text).split())
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in head.headers}
        if self._done is not None and not self._done.done():
            self._done.set_result(Answer(head.status_code, shown, headers))

    def _fail(self, reason: str) -> None:
        if self._failure is None:
            self._failure = PeerError(f"{self._where}: {reason}")
        done = self._done
        self.close()
        if done is not None and not done.done():
            done.set_exception(self._failure)
