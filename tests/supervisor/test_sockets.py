import socket
from collections.abc import Iterator

import pytest

from shared.errors import RefusedError
from supervisor.sockets import ListeningSockets
from supervisor.spec import Listen
from tests.supervisor.harness import free_port


@pytest.fixture
def held() -> Iterator[ListeningSockets]:
    sockets = ListeningSockets()
    yield sockets
    sockets.close()


def connects(port: int, host: str = "127.0.0.1") -> bool:
    try:
        socket.create_connection((host, port), 1).close()
    except ConnectionRefusedError:
        return False
    return True


def test_held_it_takes_connections_and_released_it_refuses(held: ListeningSockets) -> None:
    where = Listen("127.0.0.1", free_port())
    first = held.hold("plain-slave", where)
    assert held.hold("plain-slave", where) is first
    assert connects(where.port)
    held.release("plain-slave")
    held.release("plain-slave")
    assert not connects(where.port)


def test_another_place_closes_the_first(held: ListeningSockets) -> None:
    one, two = Listen("127.0.0.1", free_port()), Listen("127.0.0.1", free_port())
    held.hold("plain-slave", one)
    held.hold("plain-slave", two)
    assert not connects(one.port)
    assert connects(two.port)


def test_workers_share_a_port(held: ListeningSockets) -> None:
    where = Listen("127.0.0.1", free_port(), shared=True)
    assert held.hold("plain-slave", where) is not held.hold("plain-slave.2", where)
    held.release("plain-slave")
    assert connects(where.port)


@pytest.mark.parametrize("shared", [False, True])
def test_a_port_in_use_is_named_with_the_cure(held: ListeningSockets, shared: bool) -> None:
    with socket.socket() as stranger:
        if shared:
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        stranger.bind(("127.0.0.1", 0))
        stranger.listen()
        port = stranger.getsockname()[1]
        with pytest.raises(RefusedError, match=rf"127\.0\.0\.1 port {port}: another program does; `ss -ltnp"):
            held.hold("plain-slave", Listen("127.0.0.1", port, shared=shared))
        with pytest.raises(RefusedError, match=r"or set another console\.port$"):
            held.hold("console", Listen("127.0.0.1", port, shared=shared, key="console.port"))


def test_a_foreign_address_and_an_unknown_name(held: ListeningSockets) -> None:
    with pytest.raises(RefusedError, match="this machine has no such address"):
        held.hold("plain-slave", Listen("192.0.2.1", free_port()))
    with pytest.raises(RefusedError, match=r"cannot listen on no\.such\.host\.invalid: .*0\.0\.0\.0 for all"):
        held.hold("plain-slave", Listen("no.such.host.invalid", free_port()))


def test_two_colons_mean_both_families(held: ListeningSockets) -> None:
    where = Listen("::", free_port())
    held.hold("plain-slave", where)
    assert connects(where.port, "127.0.0.1")
    assert connects(where.port, "::1")


def test_whether_one_could_listen_is_found_out_without_doing_it(held: ListeningSockets) -> None:
    where = Listen("127.0.0.1", free_port())
    held.probe(where)
    assert not connects(where.port)
    held.probe(Listen("no.such.name.invalid", where.port))
    with pytest.raises(RefusedError, match="this machine has no such address"):
        held.probe(Listen("192.0.2.77", where.port))
    with socket.create_server(("127.0.0.1", where.port)), pytest.raises(RefusedError, match="another program does"):
        held.probe(where)
    held.hold("plain-slave", where)
    held.probe(Listen("0.0.0.0", where.port))
    with pytest.raises(RefusedError, match="this machine has no such address"):
        held.probe(Listen("192.0.2.77", where.port))
