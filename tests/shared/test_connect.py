"""Connections: literal addresses, names that are looked up anew, time that is shared, and words about what fails."""

import asyncio
import errno
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from shared.connect import AT_ONCE, Connector
from shared.errors import PeerError
from tests.support import free_port
from tests.system.receivers import BlackHole


@contextmanager
def listening(host: str = "127.0.0.1") -> Iterator[int]:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        yield server.getsockname()[1]


def opened(host: str, port: int, timeout_s: float = 2.0) -> tuple[str, int]:
    async def story() -> tuple[str, int]:
        sock, place = await Connector(host, port, f"{host}:{port}").open(timeout_s)
        with sock:
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not sock.getblocking()
        return place

    return asyncio.run(story())


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], list[tuple[str, int]]]], list[str]]:
    """Have names looked up by a function of the test; returns the names that were asked for."""

    def use(look: Callable[[str], list[tuple[str, int]]]) -> list[str]:
        asked: list[str] = []

        def getaddrinfo(host: str, _port: int, **_: object) -> list[tuple[object, ...]]:
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in look(host)]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return asked

    return use


Names = Callable[[Callable[[str], list[tuple[str, int]]]], list[str]]


def test_addresses_need_no_name_server(names: Names) -> None:
    asked = names(lambda _: [])
    with listening() as port:
        assert opened("127.0.0.1", port) == ("127.0.0.1", port)
    with listening("::1") as port:
        assert opened("::1", port) == ("::1", port)
        assert opened("::1%lo", port)[1] == port
    assert asked == []


def test_a_name_is_looked_up_for_each_connection(names: Names) -> None:
    with listening() as first, listening() as second:
        ports = iter((first, second))
        asked = names(lambda _: [("127.0.0.1", next(ports))])

        async def story() -> list[int]:
            connector, found = Connector("plc.local", 502, "plc.local:502"), []
            for _ in range(2):
                sock, (_, port) = await connector.open(2)
                sock.close()
                found.append(port)
            return found

        assert asyncio.run(story()) == [first, second]
        assert asked == ["plc.local", "plc.local"]


def test_of_several_addresses_the_one_that_answers_is_taken_and_remembered(names: Names) -> None:
    hole = BlackHole()
    with listening() as port:
        names(lambda _: [("127.0.0.1", hole.port), ("127.0.0.1", port)])

        async def story() -> list[float]:
            connector, took = Connector("plc.local", 502, "plc"), []
            for _ in range(2):
                begin = asyncio.get_running_loop().time()
                sock, _ = await connector.open(1)
                sock.close()
                took.append(asyncio.get_running_loop().time() - begin)
            return took

        slow, quick = asyncio.run(story())
    hole.close()
    assert 0.4 < slow < 0.9, "each has its share of the time"
    assert quick < 0.3


def fault(host: str, port: int, timeout_s: float = 5) -> str:
    with pytest.raises(PeerError) as caught:
        opened(host, port, timeout_s)
    return str(caught.value)


def test_what_fails_is_said_with_a_cure() -> None:
    port = free_port()
    assert fault("127.0.0.1", port) == (
        f"no connection to 127.0.0.1:{port}: connection refused; does anything listen on this port?"
    )
    hole = BlackHole()
    assert "no answer within 0.2 s; is it switched on" in fault("127.0.0.1", hole.port, 0.2)
    hole.close()
    assert "there is no network interface nonet9" in fault("fe80::1%nonet9", 502)


def test_an_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert fault("plc.local", 502) == (
        "plc.local:502: the name plc.local is not known (Name or service not known); check address"
    )


def test_of_many_addresses_some_are_tried_and_the_others_next_time(names: Names) -> None:
    dead = free_port()
    with listening() as port:
        names(lambda _: [("127.0.0.1", dead)] * (2 * AT_ONCE) + [("127.0.0.1", port)] * 3)

        async def story() -> None:
            connector = Connector("plc.local", 502, "plc")
            for _ in range(2):
                with pytest.raises(PeerError, match="connection refused"):
                    await connector.open(2)
            for _ in range(2):
                sock, _ = await connector.open(2)
                sock.close()

        asyncio.run(story())


def test_a_machine_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.socket

    def ipv4_only(family: int, *more: int) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return real(family, *more)

    monkeypatch.setattr(socket, "socket", ipv4_only)
    assert "address family not supported" in fault("::1", 502)


def test_without_room_for_a_thread_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    assert "there is no room for one more thread" in fault("plc.local", 502)


def test_a_name_without_address(names: Names) -> None:
    names(lambda _: [])
    assert "has no address" in fault("plc.local", 502)


def test_a_name_server_that_does_not_answer_costs_one_thread_and_holds_up_nobody(names: Names) -> None:
    goes_on = threading.Event()

    def hang(host: str) -> list[tuple[str, int]]:
        if host == "dead.local":
            goes_on.wait(10)
        return [("127.0.0.1", port)]

    async def story() -> None:
        connector, other = Connector("dead.local", 502, "dead"), Connector("plc.local", 502, "plc")
        for _ in range(3):
            with pytest.raises(PeerError, match="is still being looked up"):
                await connector.open(0.05)
        sock, _ = await other.open(1)
        sock.close()
        goes_on.set()
        sock, _ = await connector.open(1)
        sock.close()

    with listening() as port:
        asked = names(hang)
        asyncio.run(story())
    assert asked.count("dead.local") == 1


def test_who_gives_up_leaves_no_socket_open(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        loop, connecting = asyncio.get_running_loop(), asyncio.Event()
        real = loop.sock_connect

        async def connect(sock: socket.socket, address: tuple[str, int]) -> None:
            connecting.set()
            await real(sock, address)

        monkeypatch.setattr(loop, "sock_connect", connect)
        opening = asyncio.create_task(Connector("127.0.0.1", hole.port, "hole").open(5))
        await connecting.wait()
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening

    hole = BlackHole()
    asyncio.run(story())  # a socket that is left open is a ResourceWarning, and that an error
    hole.close()
