import errno
import socket
from collections.abc import Iterator

import pytest
from msgspec.structs import replace

from shared.errors import RefusedError
from supervisor.sockets import AGAIN_S, ListeningSockets, next_try
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
    for host in ("no.such.host.invalid", "no..host", "n" * 70):
        with pytest.raises(RefusedError, match=rf"cannot listen on {host}: .*0\.0\.0\.0 for all"):
            held.hold("plain-slave", Listen(host, free_port()))


def test_two_colons_mean_both_families(held: ListeningSockets) -> None:
    where = Listen("::", free_port())
    held.hold("plain-slave", where)
    assert connects(where.port, "127.0.0.1")
    assert connects(where.port, "::1")


def test_whether_one_could_listen_is_found_out_without_doing_it(held: ListeningSockets) -> None:
    def refused(where: Listen) -> str:
        return "".join(map(str, held.probe({"console": where}, ["console"])))

    where = Listen("127.0.0.1", free_port())
    assert refused(where) == ""
    assert not connects(where.port)
    assert refused(Listen("no.such.name.invalid", where.port)) == ""
    assert "this machine has no such address" in refused(Listen("192.0.2.77", where.port))
    with socket.create_server(("127.0.0.1", where.port)):
        assert "another program does" in refused(where)
    held.hold("plain-slave", where)
    assert refused(Listen("0.0.0.0", where.port)) == "", "who is not wanted there any more gives it up"
    assert "this machine has no such address" in refused(Listen("192.0.2.77", where.port))
    assert not can_share(where.port)


def can_share(port: int) -> bool:
    """Whether another program of this user could take some of the connections."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_what_is_kept_is_taken_and_the_place_before_is_served_until_then(held: ListeningSockets) -> None:
    one, two = Listen("127.0.0.1", free_port()), Listen("127.0.0.1", free_port())
    held.hold("plain-slave", one)
    assert held.keep({"plain-slave": two}, ["plain-slave"]) == ()
    assert connects(one.port)
    assert connects(two.port), "nobody else can have it any more"
    held.hold("plain-slave", two)
    assert not connects(one.port)
    assert held.keep({"plain-slave": one}, ["plain-slave"]) == ()
    assert held.keep({"plain-slave": two}, ["plain-slave"]) == ()
    assert not connects(one.port), "kept for settings that are not wanted any more"
    assert held.keep({"plain-slave": one}, ["plain-slave"]) == ()
    held.release("plain-slave")
    assert not connects(one.port), "nobody would accept there"


def test_where_one_place_cannot_be_had_none_is_kept_and_all_reasons_are_told(held: ListeningSockets) -> None:
    kept, fine = Listen("127.0.0.1", free_port()), Listen("127.0.0.1", free_port())
    assert held.keep({"tls-slave": kept}, ["tls-slave"]) == ()
    with socket.create_server(("127.0.0.1", free_port())) as stranger:
        taken = Listen("127.0.0.1", stranger.getsockname()[1], key="console.port")
        far = Listen("192.0.2.77", fine.port, shared=True)
        wanted = {"plain-slave": fine, "console": taken, "tls-slave": far, "tls-slave.2": far}
        errors = held.keep(wanted, wanted)
    assert [error.key for error in errors] == ["console.port", "slave.host"]
    assert not connects(fine.port)
    assert connects(kept.port), "what was kept for the settings in force stays"


def test_sockets_of_ours_that_are_given_up_are_in_nobodys_way_and_those_of_others_are(held: ListeningSockets) -> None:
    port = free_port()
    narrow, wide = Listen("127.0.0.1", port), Listen("0.0.0.0", port)
    held.hold("plain-slave", narrow)
    for place in (wide, replace(narrow, shared=True)):
        assert held.keep({"plain-slave": place}, ["plain-slave"]) == ()
        assert not held.has("plain-slave", place)
        assert len(held.leaving(port, {"plain-slave": place})) == 1
    with socket.create_server(("127.0.0.2", port)):
        (error,) = held.keep({"plain-slave": wide}, ["plain-slave"])
        assert "0.0.0.0 port" in str(error)
        assert "another program does" in str(error)
    assert connects(port)
    held.hold("plain-slave", wide)
    assert not can_share(port)


def test_a_port_of_a_role_of_ours_that_stays_is_named_as_that(held: ListeningSockets) -> None:
    slave = Listen("0.0.0.0", free_port())
    held.hold("plain-slave", slave)
    console = Listen("127.0.0.1", slave.port, key="console.port")
    wanted = {"plain-slave": slave, "console": console}
    (error,) = held.keep(wanted, ["console"])
    assert str(error) == f"cannot listen on 127.0.0.1 port {slave.port}: plain-slave does; set another console.port"
    with pytest.raises(RefusedError, match="plain-slave does; set another"):
        held.hold("console", console)


@pytest.mark.parametrize(("port", "offered"), [(802, 1802), (10, 1024)])
def test_a_port_that_needs_a_privilege_is_said_with_both_cures(
    held: ListeningSockets, monkeypatch: pytest.MonkeyPatch, port: int, offered: int
) -> None:
    def bind(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    where = Listen("127.0.0.1", port, key="slave.tls_port")
    (error,) = held.keep({"tls-slave": where}, ["tls-slave"])
    assert error.key == "slave.tls_port"
    assert f"`metergate config set slave.tls_port {offered}` takes another, or allow it: sysctl net.ipv4" in str(error)


def test_what_takes_long_is_tried_seldom() -> None:
    assert next_try(10.0, 10.001) == pytest.approx(10.001 + AGAIN_S)
    assert next_try(10.0, 15.0) == pytest.approx(15.0 + 32 * 5.0)
