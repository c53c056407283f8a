"""What strangers can do to the console, and that the meter is served meanwhile."""

import contextlib
import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import wait_for
from tests.system.console import PASSWORD, Api, ConsoleGateway, Said
from tests.system.gateway import private_kib, say, send
from tests.system.tls import NIGHT

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

POST_HEAD = b"POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
CHANGE: dict[str, Any] = {"name": "stolen", "scope": "admin"}


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[ConsoleGateway]:
    made = ConsoleGateway(short_folder / "g", NIGHT)
    try:
        made.start()
        yield made
    finally:
        made.end()


def from_address(gateway: ConsoleGateway, address: str, request: bytes) -> bytes:
    """What is answered to somebody at that loopback address; empty where the connection was cut."""
    with (
        socket.create_connection(("127.0.0.1", gateway.console_port), 10, source_address=(address, 0)) as one,
        contextlib.suppress(ConnectionResetError),
    ):
        one.sendall(request)
        return one.recv(65536)
    return b""


def test_changes_that_are_not_from_our_page_are_refused(gateway: ConsoleGateway) -> None:
    owner = dict(gateway._owner)
    nobody = Api(gateway.console_port)
    origin = owner["Origin"]
    cases: list[tuple[dict[str, str], int, str]] = [
        ({**owner, "Host": "evil.example"}, 421, "host"),
        ({**owner, "Origin": "http://evil.example"}, 403, "origin"),
        ({**owner, "Origin": "null"}, 403, "origin"),
        ({name: value for name, value in owner.items() if name != "Origin"}, 403, "origin"),
        ({name: value for name, value in owner.items() if name != "X-Metergate-Token"}, 403, "token"),
        ({**owner, "X-Metergate-Token": "guessed"}, 403, "token"),
        ({**owner, "Sec-Fetch-Site": "cross-site"}, 403, "origin"),
        ({"Origin": origin}, 401, "sign_in"),
        ({"Authorization": "Bearer mg_guessed"}, 401, "token_unknown"),
    ]
    for headers, status, code in cases:
        said = nobody.ask("POST", "/tokens", CHANGE, headers)
        assert (said.status, said.body["error"]["code"]) == (status, code), headers
    for scope in ("read", "operate"):
        said = gateway.token(scope).ask("POST", "/tokens", CHANGE)
        assert (said.status, said.body["error"]["code"]) == (403, "not_allowed"), scope
    assert "stolen" not in json.dumps(gateway.admin.get("/tokens"))


def test_fifty_wrong_passwords_are_few_hashes_and_the_owner_gets_in_elsewhere(gateway: ConsoleGateway) -> None:
    origin = {"Origin": f"http://127.0.0.1:{gateway.console_port}"}

    def sign_in(password: str, address: str = "127.0.0.1") -> Said:
        connection = http.client.HTTPConnection(
            "127.0.0.1", gateway.console_port, timeout=30, source_address=(address, 0)
        )
        body = json.dumps({"user": "owner", "password": password})
        connection.request("POST", "/api/v1/session", body, origin)
        answer = connection.getresponse()
        said = Said(answer.status, json.loads(answer.read()))
        connection.close()
        return said

    statuses = [sign_in(f"wrong {number}").status for number in range(50)]
    assert statuses.count(401) <= 8
    assert statuses.count(401) + statuses.count(429) == 50
    assert sign_in(PASSWORD).status == 429, "this address has to wait"
    assert sign_in(PASSWORD, "127.0.0.2").status == 200


def test_bodies_and_heads_are_bounded(gateway: ConsoleGateway) -> None:
    token = gateway.token("read")._token
    head = f"POST /api/v1/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n".encode()
    large = head.replace(token.encode(), gateway.admin._token.encode())
    said = from_address(gateway, "127.0.0.3", large + b"Content-Length: 1000000000\r\n\r\n{")
    assert said.split()[1] == b"413"
    assert b"connection: close" in said.lower()
    chunked = (
        large + b"Transfer-Encoding: chunked\r\n\r\n" + b"10000\r\n" + b"x" * 0x10000 + b"\r\n1000\r\n" + b"y" * 0x1000
    )
    assert from_address(gateway, "127.0.0.3", chunked).split()[1] == b"413"
    before = private_kib(gateway.pid("console"))
    for _ in range(20):
        from_address(gateway, "127.0.0.3", b"GET / HTTP/1.1\r\nX: " + b"x" * 4_000_000)
    grown = private_kib(gateway.pid("console")) - before
    say(f"20 heads of 4 MB: {grown} KiB more")
    assert grown < 8 * 1024


@pytest.mark.parametrize("addresses", [1, 20])
def test_a_thousand_idle_event_streams_are_few(gateway: ConsoleGateway, addresses: int) -> None:
    console = gateway.pid("console")
    token = gateway.token("read")._token
    request = f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    before = private_kib(console)
    held: list[socket.socket] = []
    opened = refused = cut = 0
    try:
        for number in range(1000):
            address = f"127.0.{number % addresses}.10"
            one = socket.create_connection(("127.0.0.1", gateway.console_port), 10, source_address=(address, 0))
            held.append(one)
            try:
                one.sendall(request)
                first = one.recv(64)
            except ConnectionResetError:
                first = b""
            opened += b"200" in first[:15]
            refused += b"429" in first[:15]
            cut += not first
        assert opened + refused + cut == 1000
        assert 0 < opened <= 64
        begun = time.monotonic()
        other = from_address(gateway, "127.0.0.9", b"GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200" in other[:15] or addresses > 1, "one address takes no room from others; many may take all"
        assert gateway.pid("console") == console, "it was never started again"
        say(f"{opened} opened, {refused} refused, {cut} cut; answer in {time.monotonic() - begun:.3f} s")
        grown = private_kib(console) - before
        say(f"{grown} KiB more")
        assert grown < 24 * 1024
    finally:
        for one in held:
            one.close()
    wait_for(lambda: gateway.admin.ask("GET", "/session").status == 200, "served again", 20)


@pytest.mark.parametrize("slow", [b"GET / HTTP/1.1\r\n", POST_HEAD + b"Content-Length: 60000\r\n\r\n{"])
def test_strangers_from_forty_addresses_keep_nobody_out(gateway: ConsoleGateway, slow: bytes) -> None:
    token = gateway.token("read")._token
    own = f"GET /api/v1/certificates HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    assert b"200" in from_address(gateway, "127.0.9.1", own)[:15], "the owner was here before"
    before = private_kib(gateway.pid("console"))
    held: list[socket.socket] = []
    try:
        for number in range(400):
            address = f"127.0.10.{1 + number % 40}"
            one = socket.create_connection(("127.0.0.1", gateway.console_port), 10, source_address=(address, 0))
            held.append(one)
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                one.sendall(slow)
        for address in ("127.0.9.1", "127.0.0.1"):
            begun = time.monotonic()
            assert b"200" in from_address(gateway, address, own)[:15], address
            say(f"{address}: answer in {time.monotonic() - begun:.3f} s beside {len(held)} strangers")
        anybody = b"GET /api/v1/session HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert b"200" in from_address(gateway, "127.0.9.2", anybody)[:15], "who asks is served before who waits"
        assert b"200" in from_address(gateway, "127.0.10.1", own)[:15], "and so is the owner at a stranger's address"
        say(f"{private_kib(gateway.pid('console')) - before} KiB more")
    finally:
        for one in held:
            one.close()


def test_who_does_not_read_is_dropped(gateway: ConsoleGateway) -> None:
    token = gateway.token("read")._token
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", gateway.console_port))
    one.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    try:
        wait_for(lambda: gateway.admin.ask("GET", "/session").status == 200, "others are served")
        wait_for(lambda: _streams(gateway) == 0, "dropped", 90)
    finally:
        one.close()


def _streams(gateway: ConsoleGateway) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.console_port, timeout=10)
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {gateway.admin._token}"})
    text = connection.getresponse().read().decode()
    connection.close()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith("metergate_console_streams")))


def test_a_stopped_console_stops_nobody(gateway: ConsoleGateway) -> None:
    console = gateway.pid("console")
    send(console, signal.SIGSTOP)
    try:
        wait_for(lambda: gateway.pid("console") != console, "killed for its silence and started again", 30)
    finally:
        send(console, signal.SIGCONT)
    others = {name: row["restarts"] for name, row in gateway.wait_ready().items() if name != "console"}
    assert set(others.values()) == {0}
