"""All slave connections of one process: who is let in, and when a silent one is ended.

One timer looks after all of them; a request pays for nothing but its answer.
"""

import asyncio
import heapq
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import ClassVar, Final, Self

from structlog.typing import FilteringBoundLogger

from shared import clock
from shared.bus.messages import Client
from shared.config.model import Slave as Settings
from shared.errors import RefusedError
from shared.modbus.access import READ_ONLY, Access
from shared.modbus.connection import Connection
from shared.modbus.listen import QUEUE, room_for_connections, tune
from shared.modbus.replica import Replica
from shared.modbus.slave import BURST, Slave

MAX_CLIENTS_TOLD: Final = 64
MAX_PAUSED: Final = 64
MUTE_S: Final = 10.0
"""Who has asked nothing for so long since it came makes room where there is none left for others."""
_LOG_EVERY_NS: Final = 60_000_000_000
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a server grants.

    Attributes:
        max_connections, max_connections_per_address: over the cap a connection is closed at once.
        idle_timeout_s: a connection without a request for so long is ended; 0 for never.
        stall_timeout_s: a peer that takes none of its answers for so long is ended.
        burst: requests answered per connection and loop turn.
    """

    max_connections: int = 256
    max_connections_per_address: int = 64
    idle_timeout_s: float = 600.0
    stall_timeout_s: float = 30.0
    burst: int = BURST

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As `[slave]` wants them."""
        return cls(
            max_connections=settings.max_connections,
            max_connections_per_address=settings.max_connections_per_address,
            idle_timeout_s=settings.idle_timeout_s,
        )


@dataclass(slots=True)
class Counters:
    """What happened since the start."""

    accepted: int = 0
    refused: int = 0
    requests: int = 0
    exceptions: int = 0
    framing_errors: int = 0

    def add(self, slave: Slave) -> None:
        """Add what one connection did."""
        self.requests += slave.requests
        self.exceptions += slave.exceptions
        self.framing_errors += slave.framing_errors


class Server:
    """Serves a replica on listening sockets.

    Attributes:
        cap: connections in all; below the configured one where the descriptor limit wants it.
        knows_certificates: whether clients can be paused by their fingerprint.
    """

    knows_certificates: ClassVar[bool] = False

    def __init__(
        self,
        replica: Replica,
        log: FilteringBoundLogger,
        limits: Limits | None = None,
        access: Access = READ_ONLY,
        now_ns: Callable[[], int] = clock.now_ns,
    ) -> None:
        """Prepare.

        Args:
            replica: what is served.
            log: for refusals and limits.
            limits: what is granted.
            access: rights of every peer.
            now_ns: the clock that ages images and connections.
        """
        self._replica = replica
        self._log = log
        self._limits = limits or Limits()
        self._access = access
        self._now = now_ns
        self._ended = Counters()
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._mute: list[Connection] = []
        self._paused: dict[str, None] = {}
        self._listeners: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._refusal_told_ns = -_LOG_EVERY_NS
        self._refusals_untold = 0
        self._drained = asyncio.Event()
        self.cap = min(self._limits.max_connections, room_for_connections())

    async def start(self, sockets: Iterable[socket.socket]) -> None:
        """Serve on `sockets`, bound or listening. They belong to this server from now on."""
        self._warn_of_descriptors()
        loop = asyncio.get_running_loop()
        for sock in sockets:
            tune(sock)
            self._listeners.append(await loop.create_server(self._connection, sock=sock, backlog=QUEUE))
        self._sweep()

    async def stop(self, grace_s: float = 0.5) -> None:
        """Accept nothing more; end each connection once its answers are out, at the latest after `grace_s`."""
        for listener in self._listeners:
            listener.close()
        if self._timer is not None:
            self._timer.cancel()
        for connection in tuple(self._connections):
            connection.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._none_left()
        except TimeoutError:
            for connection in tuple(self._connections):
                connection.transport.abort()
            await self._none_left()

    @property
    def port(self) -> int:
        """Listening port, 0 where none."""
        return next((int(sock.getsockname()[1]) for listener in self._listeners for sock in listener.sockets), 0)

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._connections)

    def counters(self) -> Counters:
        """Of ended and open connections."""
        total = replace(self._ended)
        for connection in self._connections:
            total.add(connection.slave)
        return total

    def clients(self) -> tuple[Client, ...]:
        """The busiest open connections, the busiest first."""
        busiest = heapq.nlargest(MAX_CLIENTS_TOLD, self._connections, key=lambda connection: connection.slave.requests)
        now = self._now()
        return tuple(connection.client(now) for connection in busiest)

    @property
    def paused(self) -> tuple[str, ...]:
        """Addresses and fingerprints, in the order in which they were paused."""
        return tuple(self._paused)

    def disconnect(self, peer: str) -> None:
        """End a connection at once.

        Raises:
            RefusedError: there is none from that address and port.
        """
        for connection in self._connections:
            if connection.peer == peer:
                connection.transport.abort()
                return
        raise RefusedError(f"no client {peer} is connected; `metergate clients` shows those that are")

    def pause(self, who: str) -> int:
        """Answer "busy" to an address or fingerprint from now on; how many connections it has.

        Raises:
            RefusedError: too many are paused.
        """
        if who not in self._paused and len(self._paused) >= MAX_PAUSED:
            raise RefusedError(f"{MAX_PAUSED} clients are paused already, and no more can be; resume one first")
        self._paused[who] = None
        return self._steer(who)

    def resume(self, who: str) -> int:
        """Serve an address or fingerprint again; how many connections it has.

        Raises:
            RefusedError: it is not paused.
        """
        if who not in self._paused:
            raise RefusedError(f"{who} is not paused; `metergate clients` shows who is")
        del self._paused[who]
        return self._steer(who)

    def admit(self, connection: Connection) -> bool:
        """Whether a new connection stays."""
        at_address = self._per_address[connection.address]
        if len(self._connections) >= self.cap and not self._has_made_room():
            self._refuse(connection, f"{self.cap} connections are open")
            return False
        if at_address >= self._limits.max_connections_per_address:
            self._refuse(connection, f"{at_address} connections from that address are open")
            return False
        self._ended.accepted += 1
        self._per_address[connection.address] += 1
        self._connections.add(connection)
        if self._paused:
            connection.slave.pause(on=self._is_paused(connection))
        return True

    def release(self, connection: Connection) -> None:
        """Forget a connection that has ended; one that was refused was never known."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        self._ended.add(connection.slave)
        self._per_address[connection.address] -= 1
        if not self._per_address[connection.address]:
            del self._per_address[connection.address]
        if connection.slave.framing_errors:
            self._log.debug("connection ended: not a Modbus TCP frame", peer=connection.peer)
        if not self._connections:
            self._drained.set()

    def _has_made_room(self) -> bool:
        """Whether one could be ended that only held its place."""
        while self._mute:
            connection = self._mute.pop()
            if connection in self._connections and not connection.slave.requests:
                connection.transport.abort()
                self.release(connection)
                return True
        return False

    def _steer(self, who: str) -> int:
        concerned = [connection for connection in self._connections if who in connection.names]
        for connection in concerned:
            connection.slave.pause(on=self._is_paused(connection))
        return len(concerned)

    def _is_paused(self, connection: Connection) -> bool:
        return any(name in self._paused for name in connection.names)

    def _warn_of_descriptors(self) -> None:
        if self.cap < self._limits.max_connections:
            self._log.warning(
                "fewer connections than configured: raise the limit of open files (ulimit -n, LimitNOFILE=)",
                configured=self._limits.max_connections,
                possible=self.cap,
            )

    def _connection(self) -> Connection:
        return Connection(self, Slave(self._replica, self._access, self._limits.burst), self._now)

    def _refuse(self, connection: Connection, reason: str) -> None:
        """Count, and log at most once a minute: a flood of connections must not become a flood of lines."""
        self._ended.refused += 1
        now = self._now()
        if now - self._refusal_told_ns < _LOG_EVERY_NS:
            self._refusals_untold += 1
            return
        self._log.warning("connection refused", peer=connection.peer, reason=reason, untold=self._refusals_untold)
        self._refusal_told_ns, self._refusals_untold = now, 0

    def _sweep(self) -> None:
        now, limits = self._now(), self._limits
        idle_ns, stall_ns = int(limits.idle_timeout_s * _SECOND_NS), int(limits.stall_timeout_s * _SECOND_NS)
        for connection in tuple(self._connections):
            if connection.overdue(now, idle_ns, stall_ns):
                connection.transport.abort()  # closing in order would wait for a peer that may never read
        mute = [each for each in self._connections if each.mute(now, int(MUTE_S * _SECOND_NS))]
        self._mute = sorted(mute, key=lambda connection: connection.connected_ns, reverse=True)
        shortest = min(limits.stall_timeout_s, limits.idle_timeout_s or limits.stall_timeout_s)
        self._timer = asyncio.get_running_loop().call_later(min(1.0, shortest / 4), self._sweep)

    async def _none_left(self) -> None:
        self._drained.clear()
        if self._connections:
            await self._drained.wait()
