"""How values get to a receiver: what `Target` needs of it, and the sender to Modbus slaves."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from services.master_pusher.batch import Batch, Layout
from services.master_pusher.master import Master
from services.master_pusher.words import LASTING, refusal
from shared.config.master import GroupName, Target
from shared.connect import Connector
from shared.errors import PeerError, UntrustedError

if TYPE_CHECKING:
    from shared.tls.outward import Outward, Vetted


class BusyError(PeerError):
    """The receiver asked to be left alone for so many seconds.

    Attributes:
        pause_s: from now on.
    """

    def __init__(self, text: str, pause_s: float) -> None:
        super().__init__(text)
        self.pause_s = pause_s


class Refusal(Struct, frozen=True):
    """Why a group was not taken.

    Attributes:
        code: Modbus exception, or status of a web service.
        words: what it means, and what to do.
        lasting: whether it is of no use to try again soon.
    """

    code: int
    words: str
    lasting: bool


class Sent(Struct, frozen=True):
    """What became of a batch. Everything else was confirmed by the receiver.

    Attributes:
        refused: by group.
        expired: it grew stale on the way; the rest was not sent.
    """

    refused: dict[GroupName, Refusal] = {}
    expired: bool = False


class Sender(Protocol):
    """A way to one receiver. All that goes wrong is a PeerError, or an UntrustedError, in words."""

    @property
    def connected(self) -> bool:
        """Whether something can be sent, as far as this side knows."""
        ...

    @property
    def fingerprint(self) -> str:
        """Of the certificate that it showed last."""
        ...

    async def connect(self) -> None:
        """Open a connection; over TLS, decide whether the other side may be spoken to."""
        ...

    async def send(self, batch: Batch, names: tuple[GroupName, ...]) -> Sent:
        """Send these groups; returns once the receiver has confirmed them."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Line:
    """Connections to a receiver, plain or over TLS.

    Attributes:
        fingerprint: of the certificate that it showed last.
    """

    def __init__(self, settings: Target, outward: "Outward | None") -> None:
        self.receiver: Final = settings.receiver
        self.timeout_s: Final = settings.timeout_s
        self.fingerprint = ""
        self._outward = outward
        self._connector = Connector(self.receiver.host, self.receiver.port, self.receiver.place)
        self._vetted: Vetted | None = None

    async def open(self, factory: Callable[[], asyncio.Protocol]) -> None:
        """Connect, with a protocol of the factory.

        Raises:
            PeerError: no connection.
            UntrustedError: its certificate is not trusted.
        """
        self._vetted = None
        if not self.receiver.tls:
            sock, _ = await self._connector.open(self.timeout_s)
            try:
                await asyncio.get_running_loop().create_connection(factory, sock=sock)
            except BaseException:
                sock.close()
                raise
            return
        if self._outward is None:
            raise PeerError(f"{self.receiver.place}: without the certificate manager there is no TLS")
        try:
            self._vetted = await self._outward.dial(self._connector, factory, self.timeout_s)
        except UntrustedError as error:
            self.fingerprint = error.fingerprint
            raise
        self.fingerprint = self._vetted.peer.certificate.fingerprint

    def check(self) -> None:
        """Asked before anything is sent.

        Raises:
            UntrustedError: its certificate is not trusted any more.
        """
        if self._vetted is not None:
            self._vetted.check()


class ModbusSender:
    """See `Sender`: a Modbus slave."""

    def __init__(self, settings: Target, outward: "Outward | None") -> None:
        self._line = Line(settings, outward)
        self._layout: Final = Layout(
            settings.unit, settings.function, settings.base_offset, settings.word_order == "low_first"
        )
        self._master: Master | None = None

    @property
    def connected(self) -> bool:
        """See `Sender`."""
        return self._master is not None and self._master.usable

    @property
    def fingerprint(self) -> str:
        """See `Sender`."""
        return self._line.fingerprint

    async def connect(self) -> None:
        """See `Sender`."""
        self.close()
        master = Master(self._line.receiver.place)
        self._master = master  # from here on close() ends it, also where connecting is cancelled
        await self._line.open(lambda: master)

    async def send(self, batch: Batch, names: tuple[GroupName, ...]) -> Sent:
        """See `Sender`."""
        if self._master is None:
            raise PeerError(f"no connection to {self._line.receiver.place}")
        self._line.check()
        requests = [request for name in names for request in batch.requests(self._layout, name)]
        outcome = await self._master.send(requests, self._line.timeout_s, batch.until_ns)
        tls, function = self._line.receiver.tls, self._layout.function
        refused = {
            name: Refusal(each.code, refusal(each, function=function, tls=tls), each.code in LASTING)
            for each in outcome.refused
            for name in names
            if name == each.request.tag
        }
        return Sent(refused, outcome.expired)

    def close(self) -> None:
        """See `Sender`."""
        if self._master is not None:
            self._master.close()
            self._master = None
