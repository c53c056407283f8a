"""Clients as the bus sees them: what is published, which commands are obeyed, which are refused, and why."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
import structlog
from structlog.testing import capture_logs

from shared.actor import Life
from shared.bus.messages import Command, Event, Message, Sessions
from shared.bus.publisher import Stamp
from shared.config.model import Config
from shared.errors import RefusedError
from shared.modbus.clients import Clients
from shared.modbus.listen import bind
from shared.modbus.server import MAX_CLIENTS_TOLD, MAX_PAUSED, Server
from tests.shared.modbus.samples import T0, answer, exception, read, registers, replica
from tests.support import until

if TYPE_CHECKING:
    from shared.bus.bus import Bus

FINGERPRINT = "ab" * 32


class FakeBus:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.published: list[Message] = []

    def stamp(self, _kind: type[Message], _key: str = "") -> Stamp:
        return Stamp(src="plain-slave.2", gen=1, seq=len(self.published))

    def publish(self, message: Message, _key: str = "") -> None:
        self.published.append(message)


class Desk:
    """A server, its clients' desk, and what that said."""

    def __init__(self) -> None:
        self.bus = FakeBus()
        log = structlog.get_logger()
        self.server = Server(replica(), log, now_ns=lambda: T0)
        life = Life(instance="plain-slave.2", config=Config(), bus=cast("Bus", self.bus), log=log)
        self.clients = Clients(life, self.server, lambda: T0)

    async def do(self, verb: str, **args: Any) -> dict[str, Any]:
        return await self.clients.obey(Command(id=1, verb=verb, args=args, deadline_ns=0))

    @property
    def sessions(self) -> Sessions:
        self.clients.tell()
        last = self.bus.published[-1]
        assert isinstance(last, Sessions)
        return last

    @property
    def events(self) -> list[Event]:
        return [message for message in self.bus.published if isinstance(message, Event)]


class Peer:
    """A client, from one of the loopback addresses."""

    def __init__(self, port: int, address: str) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), 5, (address, 0))
        self.sock.setblocking(False)
        self.name = "{}:{}".format(*self.sock.getsockname())

    async def ask(self) -> bytes:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.sock, read(1, 2))
        return await loop.sock_recv(self.sock, 300)


@asynccontextmanager
async def serving(*addresses: str) -> AsyncIterator[tuple[Desk, list[Peer]]]:
    desk, peers = Desk(), list[Peer]()
    with capture_logs():
        await desk.server.start([bind("127.0.0.1", 0)])
        try:
            peers += [Peer(desk.server.port, address) for address in addresses]
            await until(lambda: desk.server.connections == len(peers))
            yield desk, peers
        finally:
            for peer in peers:
                peer.sock.close()
            await desk.server.stop(0.05)


GIVEN, BUSY = answer(registers(1, 2)), exception(3, 6)


def test_sessions_tell_who_is_there() -> None:
    async def story() -> None:
        async with serving("127.0.0.1", "127.0.0.2") as (desk, peers):
            for peer in (peers[0], peers[1], peers[1]):
                assert await peer.ask() == GIVEN
            told = desk.sessions
            assert (told.port, told.connections, told.accepted, told.requests) == (desk.server.port, 2, 2, 3)
            assert told.clients == {peers[1].name: 2, peers[0].name: 1}
            assert (told.labels, told.paused) == ({}, ())
            assert [(each.peer, each.address, each.requests) for each in told.details] == [
                (peers[1].name, "127.0.0.2", 2),
                (peers[0].name, "127.0.0.1", 1),
            ]

    asyncio.run(story())


def test_only_the_busiest_are_told() -> None:
    async def story() -> None:
        addresses = [f"127.0.0.{2 + n % 2}" for n in range(MAX_CLIENTS_TOLD + 1)]
        async with serving(*addresses) as (desk, peers):
            for peer in peers[1:]:
                assert await peer.ask() == GIVEN
            told = desk.sessions
            assert told.connections == len(peers)
            assert {each.peer for each in told.details} == {peer.name for peer in peers[1:]} == told.clients.keys()

    asyncio.run(story())


def test_a_client_is_disconnected_and_may_come_back() -> None:
    async def story() -> None:
        async with serving("127.0.0.1", "127.0.0.1") as (desk, peers):
            name = peers[0].name
            assert await desk.do("disconnect", peer=name, by="owner") == {"who": name, "connections": 1}
            assert await asyncio.get_running_loop().sock_recv(peers[0].sock, 1) == b""
            await until(lambda: desk.server.connections == 1)
            assert await peers[1].ask() == GIVEN
            (event,) = desk.events
            assert (event.kind, event.text) == ("client.disconnected", f"{name} was disconnected by owner")
            assert event.data == {"who": name, "by": "owner", "instance": "plain-slave.2"}
            with pytest.raises(RefusedError, match=f"no client {name} is connected; `metergate clients` shows"):
                await desk.do("disconnect", peer=name)
            assert len(desk.events) == 1

    asyncio.run(story())


def test_a_paused_address_is_busy_on_old_and_new_connections_until_it_is_resumed() -> None:
    async def story() -> None:
        async with serving("127.0.0.1", "127.0.0.2") as (desk, peers):
            assert [await peer.ask() for peer in (*peers, *peers)] == [GIVEN] * 4
            assert await desk.do("pause", who="::ffff:127.0.0.2") == {"who": "127.0.0.2", "connections": 1}
            peers.append(Peer(desk.server.port, "127.0.0.2"))
            assert [await peer.ask() for peer in (*peers, *peers)] == [GIVEN, BUSY, BUSY] * 2
            told = desk.sessions
            assert (told.paused, told.connections) == (("127.0.0.2",), 3)
            assert {each.address: each.paused for each in told.details} == {"127.0.0.1": False, "127.0.0.2": True}
            assert await desk.do("pause", who="127.0.0.2") == {"who": "127.0.0.2", "connections": 2}
            assert await desk.do("resume", who="127.0.0.2", by="owner") == {"who": "127.0.0.2", "connections": 2}
            assert [await peer.ask() for peer in (*peers, *peers)] == [GIVEN] * 6
            assert [event.kind for event in desk.events] == ["client.paused", "client.paused", "client.resumed"]
            assert [event.data["by"] for event in desk.events] == ["cli", "cli", "owner"]
            with pytest.raises(RefusedError, match=r"127\.0\.0\.2 is not paused; `metergate clients` shows who is"):
                await desk.do("resume", who="127.0.0.2")

    asyncio.run(story())


def test_after_each_command_it_is_told_how_things_stand() -> None:
    async def story() -> None:
        async with serving("127.0.0.1") as (desk, _):
            await desk.do("pause", who="2001:DB8:0::1")
            event, told = desk.bus.published
            assert isinstance(event, Event)
            assert isinstance(told, Sessions)
            assert told.paused == ("2001:db8::1",)

    asyncio.run(story())


def test_a_bounded_number_can_be_paused() -> None:
    async def story() -> None:
        async with serving() as (desk, _):
            for number in range(MAX_PAUSED):
                await desk.do("pause", who=f"192.0.2.{number}")
            await desk.do("pause", who="192.0.2.0")
            with pytest.raises(RefusedError, match="64 clients are paused already, and no more can be; resume one"):
                await desk.do("pause", who="192.0.3.1")
            await desk.do("resume", who="192.0.2.0")
            await desk.do("pause", who="192.0.3.1")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("verb", "args", "words"),
    [
        ("pause", {}, "who is missing, or no text"),
        ("pause", {"who": 7}, "who is missing, or no text"),
        ("pause", {"who": "plc.local"}, "who is 'plc.local'; give an IP address"),
        ("pause", {"who": "\x1b[2J" * 100}, "who is '\ufffd[2J"),
        ("resume", {"who": FINGERPRINT}, "clients of plain-slave.2 show no certificates; give an IP address"),
        ("disconnect", {"peer": ["127.0.0.1:1"]}, "peer is missing, or no text"),
        ("disconnect", {}, "peer is missing, or no text"),
        ("dance", {}, "'dance' is no command; there are: disconnect pause resume"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(verb: str, args: dict[str, Any], words: str) -> None:
    desk = Desk()
    with pytest.raises(RefusedError, match=re.escape(words)) as refusal:
        asyncio.run(desk.do(verb, **args))
    assert str(refusal.value).isprintable()
    assert not desk.bus.published


def test_with_certificates_a_fingerprint_is_a_name_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Server, "knows_certificates", True)
    desk = Desk()
    with capture_logs():
        assert asyncio.run(desk.do("pause", who=FINGERPRINT)) == {"who": FINGERPRINT, "connections": 0}
    with pytest.raises(RefusedError, match="or the whole SHA-256 of a certificate, 64 hex digits in lower case"):
        asyncio.run(desk.do("pause", who=FINGERPRINT.upper()))
