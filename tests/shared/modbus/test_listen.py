"""Listening sockets and what accepted ones inherit."""

import resource
import socket

import pytest

from shared.errors import ConfigError
from shared.modbus import listen


def test_accepted_sockets_inherit_small_buffers_and_no_delay() -> None:
    with listen.bind("127.0.0.1", 0) as listener:
        listen.tune(listener)
        listener.listen()
        with socket.create_connection(listener.getsockname()) as client:
            listener.settimeout(5)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 * listen.RECEIVE_BUFFER
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) == 2 * listen.SEND_BUFFER
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert client.recv(1) == b""


def test_the_ipv6_wildcard_takes_both_families() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    with listen.bind("::", 0) as listener:
        listener.listen()
        with socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=5) as client:
            assert client.getpeername()[0] == "127.0.0.1"


def test_a_taken_port_is_an_error_that_leaves_no_socket() -> None:
    with listen.bind("127.0.0.1", 0) as listener:
        listener.listen()
        with pytest.raises(OSError, match="in use"):
            listen.bind("127.0.0.1", listener.getsockname()[1])


def test_started_by_hand_a_taken_port_is_an_error_in_the_settings() -> None:
    with listen.bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            ConfigError, match=rf"cannot listen on 127.0.0.1:{port}: .*in use; see \[slave\] host, tls_port"
        ):
            listen.bind_by_hand("127.0.0.1", port, "slave", "tls_port")


def test_started_by_hand_a_privileged_port_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_host: str, _port: int) -> socket.socket:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(listen, "bind", denied)
    with pytest.raises(ConfigError, match=r"Permission denied; choose a port from 1024 in \[slave\] port"):
        listen.bind_by_hand("127.0.0.1", 502, "slave")


@pytest.mark.parametrize(
    ("soft", "room"), [(20000, 20000 - listen.SPARE_DESCRIPTORS), (100, 1), (resource.RLIM_INFINITY, 2**31)]
)
def test_the_descriptor_limit_leaves_room(soft: int, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _what: (soft, soft))
    assert listen.room_for_connections() == room
