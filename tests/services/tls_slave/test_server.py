"""Real connections, real certificates, foreign clients: the interpreter's own TLS."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from services.tls_slave.access import PeerAccess
from services.tls_slave.quarantine import MOST_PER_ADDRESS, STAY_NS
from services.tls_slave.server import TlsServer
from shared import clock
from shared.bus.messages import RoleRights
from shared.modbus.listen import bind
from shared.modbus.replica import Replica
from shared.modbus.server import Limits
from shared.tls.context import server_context
from tests.shared.modbus.samples import adu, answer, exception, image, read, registers
from tests.shared.tls.material import DAY, GENEROUS, NOW, NOW_S, Made, client_settings, connect, make, own_keys, run
from tests.shared.tls.trusted import ALL, decided
from tests.support import until

CUT_S = 0.1
ASK, REFUSED = read(1, 2), exception(3, 1)
GIVEN = answer(registers(1, 2))


class Bench:
    """A server under test and what it told."""

    def __init__(self, folder: Path, **more: Any) -> None:
        self.folder = folder
        self.now_s = NOW_S
        self.later_ns = 0
        self.seen_: list[PeerAccess] = []
        self.told: list[str] = []
        self.writes: list[dict[str, Any]] = []
        self.clients: list[Client] = []
        self.replica = Replica({"house": 1})
        self.replica.take(image(t_ns=clock.now_ns()), clock.now_ns())
        self.server = TlsServer(
            self.replica,
            structlog.get_logger(),
            self,
            self.call,
            **{
                "handshakes": GENEROUS,
                "now_ns": lambda: clock.now_ns() + self.later_ns,
                "wall_s": lambda: self.now_s,
                **more,
            },
        )

    def seen(self, access: PeerAccess) -> None:
        self.seen_.append(access)

    def refused(self, access: PeerAccess, what: str) -> None:
        assert access.verdict.served
        self.told.append(what)

    async def stop(self) -> None:
        for client in self.clients:
            client.close()
        await self.server.stop(0.05)

    async def call(self, _instance: str, _verb: str, args: dict[str, Any], _timeout_s: float) -> dict[str, Any]:
        self.writes.append(args)
        return {"gen": 1, "seq": 1}

    def use(self, *authorities: Made) -> None:
        self.server.use(server_context(own_keys().pairs, [made.certificate for made in authorities]))

    async def connect(self, made: Made, *chain: Made, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> "Client":
        return await self.connect_as(client_settings(made.save(self.folder, *chain), version))

    async def connect_as(self, settings: ssl.SSLContext, session: ssl.SSLSession | None = None) -> "Client":
        client = Client(await asyncio.to_thread(connect, self.server.port, settings, session))
        self.clients.append(client)
        return client


class Client:
    """A peer of the server."""

    def __init__(self, sock: ssl.SSLSocket) -> None:
        self.sock = sock
        sock.settimeout(5)

    async def ask(self, request: bytes = ASK) -> bytes:
        """The answer; empty where the connection ends instead."""
        return await asyncio.to_thread(self._ask, request)

    async def ended(self) -> float:
        """Seconds until the connection has ended."""
        begin = time.monotonic()
        await asyncio.to_thread(self._drain)
        return time.monotonic() - begin

    def _ask(self, request: bytes) -> bytes:
        try:
            self.sock.sendall(request)
            return self.sock.recv(300)
        except (ConnectionError, ssl.SSLError):
            return b""

    def _drain(self) -> None:
        try:
            while self.sock.recv(65536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass
        self.sock.close()

    def close(self) -> None:
        self.sock.close()


@asynccontextmanager
async def serving(folder: Path, *accepted: Made, **more: Any) -> AsyncIterator[Bench]:
    bench = Bench(folder, **more)
    bench.use()
    bench.server.decide(decided(*accepted))
    with capture_logs():
        await bench.server.start([bind("127.0.0.1", 0)])
        try:
            yield bench
        finally:
            await bench.stop()


ONE, OTHER = make("one"), make("other")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_an_accepted_peer_is_served_known_answers_too(version: ssl.TLSVersion, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE) as bench:
            client = await bench.connect(ONE, version=version)
            for transaction in (1, 2, 3):
                assert await client.ask(read(1, 2, transaction)) == answer(registers(1, 2), transaction)
            assert await client.ask(adu(b"\x63")) == exception(0x63, 1)
            (access,) = bench.seen_
            assert access.verdict.served
            counters = bench.server.counters()
            assert (counters.requests, counters.exceptions) == (4, 1)
            (peer,) = bench.server.clients()
            assert bench.server.labels([peer, "gone"]) == {peer: "label 0"}

    run(story())


def test_an_unknown_peer_is_refused_everything_and_served_after_accept_on_the_same_connection(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            client = await bench.connect(ONE)
            for request, refusal in ((ASK, REFUSED), (adu(b"\x63"), exception(0x63, 1)), (read(0, 126), REFUSED)):
                assert await client.ask(request) == refusal
            assert [access.verdict.served for access in bench.server.waiting()] == [False]
            bench.server.decide(decided(ONE, seq=2))
            assert await client.ask() == GIVEN
            assert bench.server.waiting() == []
            assert bench.server.closed == {}

    run(story())


async def _flood(client: Client, started: asyncio.Event) -> None:
    """Ask without end and never read an answer."""
    loop = asyncio.get_running_loop()

    def flood() -> None:
        block = ASK * 200
        try:
            client.sock.sendall(block)
            loop.call_soon_threadsafe(started.set)
            while True:
                client.sock.sendall(block)
        except OSError:
            return

    await asyncio.to_thread(flood)


@pytest.mark.parametrize("state", ["idle", "busy", "never reads", "slow write"])
def test_delete_cuts_at_once_whatever_the_peer_does(state: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE, OTHER, external_control=True) as bench:
            client, bystander = await bench.connect(ONE), await bench.connect(OTHER)
            assert await client.ask() == GIVEN
            work: asyncio.Task[Any] | None = None
            if state == "busy":

                async def poll() -> None:
                    while await client.ask() == GIVEN:
                        pass

                work = asyncio.create_task(poll())
                await until(lambda: bench.server.counters().requests > 10)
            elif state == "never reads":
                started = asyncio.Event()
                work = asyncio.create_task(_flood(client, started))
                await started.wait()
                await asyncio.sleep(0.2)  # until every buffer on the way is full
            elif state == "slow write":
                bench.replica.take(image(seq=2, t_ns=clock.now_ns()), clock.now_ns())
                bench.server._writer._call = hang
                work = asyncio.create_task(client.ask(adu(bytes.fromhex("06A0D00003"))))
                await until(lambda: bench.server.counters().requests)
                await asyncio.sleep(0.05)
            begin = time.monotonic()
            bench.server.decide(decided(OTHER, seq=2))
            assert bench.server.open_by_fingerprint().total() == 1
            if work is not None:
                await work
            await client.ended()
            assert time.monotonic() - begin < CUT_S
            assert list(bench.server.closed.values()) == [1]
            assert await bystander.ask() == GIVEN
            again = await bench.connect(ONE)
            assert await again.ask() == REFUSED

    run(story())


async def hang(*_: Any) -> dict[str, Any]:
    return dict(await asyncio.Future[dict[str, Any]]())


def test_a_saved_session_does_not_get_back_in(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE) as bench:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                bench.server.decide(decided(ONE, gen=version.value))
                settings = client_settings(ONE.save(tmp_path), version)
                first = await bench.connect_as(settings)
                assert await first.ask() == GIVEN
                session = first.sock.session
                bench.server.decide(decided(gen=version.value, seq=2))
                await first.ended()
                again = await bench.connect_as(settings, session)
                assert not again.sock.session_reused
                assert await again.ask() == REFUSED
                again.close()
                await until(lambda: not bench.server.connections)

    run(story())


def test_the_quarantine_is_small_and_short(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            strangers = [make(f"stranger {number}") for number in range(MOST_PER_ADDRESS + 1)]
            clients = [await bench.connect(stranger) for stranger in strangers]
            assert [await client.ask() for client in clients] == [REFUSED] * MOST_PER_ADDRESS + [b""]
            assert len(bench.seen_) == len(strangers)
            bench.later_ns = STAY_NS
            for client in clients:
                await client.ended()
            assert bench.server.waiting() == []
            await until(lambda: not bench.server.connections)
            fresh = await bench.connect(strangers[-1])
            assert await fresh.ask() == REFUSED

    run(story())


@pytest.mark.parametrize(
    ("made", "standing"),
    [
        (make("old", end=NOW - DAY), "EXPIRED"),
        (make("young", begin=NOW + DAY), "NOT_YET_VALID"),
    ],
)
def test_dates_count_for_accepted_peers_too(made: Made, standing: str, tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, made) as bench:
            client = await bench.connect(made)
            assert await client.ask() == REFUSED
            assert [access.verdict.standing.name for access in bench.seen_] == [standing]

    run(story())


def test_an_open_connection_ends_with_its_certificate_and_a_waiting_one_begins(tmp_path: Path) -> None:
    async def story() -> None:
        ends, begins = make("ends", end=NOW + DAY), make("begins", begin=NOW + DAY)
        async with serving(tmp_path, ends, begins) as bench:
            old, young = await bench.connect(ends), await bench.connect(begins)
            assert (await old.ask(), await young.ask()) == (GIVEN, REFUSED)
            bench.now_s += 2 * 86_400
            assert await old.ended() < 2
            assert await young.ask() == GIVEN

    run(story())


def test_a_weak_key_is_neither_listed_nor_answered(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            client = await bench.connect(make("weak", with_key="rsa1024"))
            assert await client.ask() == b""
            assert bench.seen_ == []
            await until(lambda: bench.server.counters().refused == 1)

    run(story())


def test_a_known_authority_serves_its_children_until_one_is_blocked_or_it_goes(tmp_path: Path) -> None:
    async def story() -> None:
        authority = make("authority", ca=True)
        child, sister = make("child", issuer=authority), make("sister", issuer=authority)
        async with serving(tmp_path) as bench:
            bench.use(authority)
            bench.server.decide(decided(authorities=[authority], seq=2))
            first, second = await bench.connect(child), await bench.connect(sister)
            assert (await first.ask(), await second.ask()) == (GIVEN, GIVEN)
            bench.server.decide(decided(authorities=[authority], blocked=[child], seq=3))
            assert await first.ended() < CUT_S
            again = await bench.connect(child)
            assert await again.ask() == REFUSED
            assert await second.ask() == GIVEN
            bench.server.decide(decided(seq=4))
            assert await second.ended() < CUT_S

    run(story())


def test_the_child_of_an_accepted_certificate_that_calls_itself_a_ca_is_a_stranger(tmp_path: Path) -> None:
    async def story() -> None:
        parent = make("parent", ca=True)
        async with serving(tmp_path, parent) as bench:
            child = await bench.connect(make("child", issuer=parent), parent)
            assert await child.ask() == REFUSED

    run(story())


def test_a_role_without_a_row_is_refused_and_told_while_its_connection_stays(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path) as bench:
            bench.server.decide(decided(ONE, seq=2, roles=(RoleRights("Operator", (3,), ALL),)))
            client = await bench.connect(ONE)
            assert await client.ask() == REFUSED
            assert bench.told == ["it has no role"]
            assert bench.server.waiting() == []
            bench.server.decide(decided(ONE, seq=3))
            assert await client.ask() == GIVEN
            bench.server.decide(decided(ONE, seq=4, roles=(RoleRights("", (3,), ((0, 2),)),)))
            assert await client.ask() == REFUSED
            assert bench.told[1:] == ["function 3 on 1 to 2"]
            assert await client.ask(read(0, 2)) == answer(registers(0, 2))

    run(story())


def test_a_write_names_who_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE, external_control=True) as bench:
            client = await bench.connect(ONE)
            assert await client.ask(adu(bytes.fromhex("06A0D00003"))) == adu(bytes.fromhex("06A0D00003"))
            (args,) = bench.writes
            assert (args["meter"], args["start"], args["values"]) == ("house", 41168, [3])
            assert args["who"] == {
                "by": "modbus",
                "fingerprint": bench.seen_[0].peer.certificate.fingerprint,
                "label": "label 0",
                "address": "127.0.0.1",
                "role": "",
            }

    run(story())


@pytest.mark.parametrize("missing", ["keys", "decisions"])
def test_before_keys_and_decisions_are_known_everybody_is_refused(missing: str, tmp_path: Path) -> None:
    async def story() -> None:
        bench = Bench(tmp_path)
        steps: dict[str, Callable[[], None]] = {
            "keys": bench.use,
            "decisions": lambda: bench.server.decide(decided(ONE)),
        }
        first = steps.pop(missing)
        next(iter(steps.values()))()
        with capture_logs() as lines:
            await bench.server.start([bind("127.0.0.1", 0)])
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await bench.connect(ONE)
            assert [line["kind"] for line in lines if line["event"] == "connection refused"]
            first()
            client = await bench.connect(ONE)
            assert await client.ask() == GIVEN
            await bench.stop()

    run(story())


def test_the_caps_count_before_the_handshake(tmp_path: Path) -> None:
    async def story() -> None:
        async with serving(tmp_path, ONE, limits=Limits(max_connections=2, max_connections_per_address=1)) as bench:
            client = await bench.connect(ONE)
            with pytest.raises((ConnectionError, ssl.SSLError)):
                await bench.connect(ONE)
            assert await client.ask() == GIVEN
            assert bench.server.counters().refused == 1

    run(story())


def test_who_says_nothing_is_sent_away_and_new_keys_end_no_connection(tmp_path: Path) -> None:
    async def story() -> None:
        limits = Limits(idle_timeout_s=0.3)
        async with serving(tmp_path, ONE, limits=limits) as bench:
            client = await bench.connect(ONE)
            before = bench.server._acceptor.context
            bench.use()
            assert bench.server._acceptor.context is not before
            assert await client.ask() == GIVEN
            assert await client.ended() < 2
            with socket.create_connection(("127.0.0.1", bench.server.port)) as silent:
                assert silent.fileno() > 0  # a silent connection holds up nobody
                another = await bench.connect(ONE)
                assert await another.ask() == GIVEN

    run(story())
