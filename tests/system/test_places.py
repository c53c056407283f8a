"""New settings want to listen where that is not possible: whoever serves goes on, and it is followed once it can be."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Process, free_port, is_listening, wait_for
from tests.system.bus import Listener
from tests.system.gateway import MARK, METERGATE, Gateway, serving
from tests.system.wire import Client

pytestmark = pytest.mark.system

EXIT_REFUSED, EXIT_CONFIG = 1, 78
FIRST_FREE_TO_ALL = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
WITHOUT_LOW_PORTS = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 10, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""A command without CAP_NET_BIND_SERVICE (10), also where root starts it: PR_CAPBSET_DROP (24) before its exec."""


class WithPage(Gateway):
    """With a console; every setting of the place is an attribute."""

    def __init__(self, folder: Path) -> None:
        self.host = "127.0.0.1"
        self.page_host = "127.0.0.1"
        self.page = free_port()
        super().__init__(folder)

    def text(self) -> str:
        console = f'[console]\nhost = "{self.page_host}"\nport = {self.page}\n'
        slave = f'[slave]\nhost = "{self.host}"\nport = {self.port}\n{self.slave}\n'
        return f'[log]\nformat = "json"\n{slave}{console}{self.meter}\n'

    def line(self, text: str) -> int:
        """Of the settings, where it stands."""
        return self.file.read_text(encoding="utf-8").splitlines().index(text) + 1

    def served(self) -> bool:
        """Whether registers and page are there."""
        with Client(self.port) as client:
            return bool(client.read(0, 2)) and is_listening(self.page)


@pytest.fixture(scope="module")
def shared(short_folder: Path) -> Iterator[WithPage]:
    with serving(WithPage(short_folder / "g")) as gateway:
        yield gateway


@pytest.fixture
def gateway(shared: WithPage) -> Iterator[WithPage]:
    """Each test begins with the same settings, and all ready."""
    before = dict(vars(shared))
    yield shared
    vars(shared).update({name: before[name] for name in ("host", "port", "page_host", "page", "slave")})
    shared.write()
    shared.ask("reload")
    shared.wait_ready()


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    """Another program that holds a port."""
    with socket.create_server(("127.0.0.1", free_port())) as held:
        yield held


def _port(stranger: socket.socket) -> int:
    return int(stranger.getsockname()[1])


@contextlib.contextmanager
def _events(gateway: Gateway) -> Iterator[Iterator[dict[str, Any]]]:
    with Listener(gateway.run_dir, "supervisor") as listener:
        listener.next()  # from here on nothing is missed
        yield (each for each in iter(listener.next, None) if "kind" in each)


def test_a_port_of_another_program_changes_nothing_and_is_taken_over_once_it_is_free(gateway: WithPage) -> None:
    before, first = gateway.pids(), gateway.port
    with socket.create_server(("127.0.0.1", free_port())) as stranger, _events(gateway) as events:
        gateway.port = _port(stranger)
        gateway.write()  # noticed by itself
        event = next(events)
        assert event["kind"] == "config.invalid"
        said = f"{gateway.file}:{gateway.line(f'port = {gateway.port}')}: slave.port: cannot listen on 127.0.0.1"
        assert f"{said} port {gateway.port}: another program does; `ss -ltnp" in event["text"]
        assert gateway.ask("ps")["config_error"].startswith(said)
        assert said in gateway.cli("ps").stderr
        check = gateway.cli("config", "check")
        assert (check.returncode, said in check.stderr) == (EXIT_CONFIG, True)
        assert gateway.pids() == before
        with Client(first) as client:
            assert client.read(0, 2)
        stranger.close()
        assert "starts again: plain-slave" in next(events)["text"], "the next that is told is the change"
    gateway.wait_ready()
    assert gateway.ask("ps")["config_error"] == ""
    assert {name for name, pid in gateway.pids().items() if pid != before[name]} == {"plain-slave"}
    assert gateway.served()
    assert not is_listening(first)


@pytest.mark.parametrize("key", ["slave.port", "console.port"])
def test_a_port_of_another_program_is_not_even_set(gateway: WithPage, stranger: socket.socket, key: str) -> None:
    before, text = gateway.pids(), gateway.file.read_text(encoding="utf-8")
    answer = gateway.cli("config", "set", key, str(_port(stranger)))
    assert answer.returncode == EXIT_CONFIG
    assert f"{key}: cannot listen on 127.0.0.1 port {_port(stranger)}: another program does" in answer.stderr
    assert "nothing was written" in answer.stderr
    assert gateway.file.read_text(encoding="utf-8") == text
    assert gateway.pids() == before
    assert gateway.served()


def test_an_address_of_another_machine_changes_nothing(gateway: WithPage) -> None:
    before = gateway.pids()
    answer = gateway.cli("config", "set", "slave.host", "192.0.2.77")
    assert (answer.returncode, "slave.host: cannot listen on 192.0.2.77" in answer.stderr) == (EXIT_CONFIG, True)
    gateway.host = "192.0.2.77"
    gateway.write()
    with pytest.raises(Exception, match=r"slave\.host: cannot listen on 192\.0\.2\.77 .*: this machine has no such"):
        gateway.ask("reload")
    line = gateway.line('host = "192.0.2.77"')
    assert f":{line}: slave.host" in gateway.ask("ps")["config_error"]
    assert gateway.pids() == before
    assert gateway.served()


def test_a_port_of_another_program_leaves_the_page_where_it_is(gateway: WithPage, stranger: socket.socket) -> None:
    before, first = gateway.pids(), gateway.page
    gateway.page = _port(stranger)
    gateway.write()
    with pytest.raises(Exception, match=r"console\.port: cannot listen .*: another program does"):
        gateway.ask("reload")
    assert gateway.pids() == before
    assert is_listening(first)


def test_of_two_places_that_cannot_be_had_each_can_be_mended_alone(gateway: WithPage, stranger: socket.socket) -> None:
    port, page = gateway.port, gateway.page
    gateway.page, gateway.host = _port(stranger), "192.0.2.77"
    gateway.write()
    with pytest.raises(Exception, match=r"slave\.host: (.|\n)*console\.port: "):
        gateway.ask("reload")
    answer = gateway.cli("config", "set", "slave.host", "127.0.0.1")
    assert "slave.host is set, but something is still wrong:" in answer.stderr
    assert "console.port: cannot listen" in answer.stderr
    answer = gateway.cli("config", "set", "console.port", str(page))
    assert (answer.returncode, "the file is right again" in answer.stdout) == (0, True)
    wait_for(lambda: not gateway.ask("ps")["config_error"], "the cure")
    assert is_listening(port)


def test_a_port_that_needs_a_privilege_changes_nothing(short_folder: Path) -> None:
    if int(FIRST_FREE_TO_ALL.read_text(encoding="ascii")) <= 802:
        pytest.skip("every user may listen on port 802 here")
    gateway = Gateway(short_folder / "low")
    command: list[str | Path] = [sys.executable, "-c", WITHOUT_LOW_PORTS, METERGATE, "up", "--config", gateway.file]
    process = Process(command, env={MARK: str(gateway.folder)}, cwd=gateway.folder)
    try:
        wait_for(lambda: is_listening(gateway.port), "the slave", 20)
        gateway.wait_ready()
        before = gateway.pids()
        answer = gateway.cli("config", "set", "slave.tls", "true")
        assert answer.returncode == EXIT_CONFIG
        assert "slave.tls_port: cannot listen on 127.0.0.1 port 802: ports this low need a privilege. " in answer.stderr
        assert "`metergate config set slave.tls_port 1802` takes another, or allow it: sysctl" in answer.stderr
        gateway.slave = "tls = true"
        gateway.write()
        with pytest.raises(Exception, match=r"slave\.tls_port: cannot listen on 127\.0\.0\.1 port 802"):
            gateway.ask("reload")
        assert gateway.pids() == before
        with Client(gateway.port) as client:
            assert client.read(0, 2)
        tls_port = free_port()
        answer = gateway.cli("config", "set", "slave.tls_port", str(tls_port))
        assert answer.returncode == 0, answer
        wait_for(lambda: is_listening(tls_port) and not is_listening(gateway.port), "TLS alone")
    finally:
        process.end()


def test_a_page_whose_port_is_taken_at_the_start_comes_once_it_is_free(short_folder: Path) -> None:
    gateway = WithPage(short_folder / "start")
    try:
        with socket.create_server(("127.0.0.1", gateway.page)):
            gateway.start()
            row = wait_for(lambda: _parked(gateway), "a parked console")
            assert row["reason"].endswith("; once it can, it starts by itself")
        gateway.wait_ready()
        assert gateway.served()
        row = gateway.children()["console"]
        assert (row["restarts"], row["asked"], row["reason"]) == (0, 0, "")
        assert gateway.process.output.count("child.parked") == 1
    finally:
        gateway.end()


def _parked(gateway: Gateway) -> dict[str, Any]:
    row = gateway.children()["console"]
    return row if row["state"] == "parked" else {}


def test_ports_are_swapped_and_addresses_widened(gateway: WithPage) -> None:
    gateway.port, gateway.page = gateway.page, gateway.port
    _followed(gateway, {"plain-slave", "console"})
    gateway.host = "0.0.0.0"
    _followed(gateway, {"plain-slave"})
    gateway.host = "127.0.0.1"
    _followed(gateway, {"plain-slave"})
    gateway.slave = "workers = 2"
    _followed(gateway, {"plain-slave", "plain-slave.2"})
    gateway.slave = ""
    _followed(gateway, {"plain-slave"})


def test_tls_takes_the_port_of_plain_and_gives_it_back(gateway: WithPage) -> None:
    plain, other = gateway.port, free_port()
    gateway.port, gateway.slave = other, f"tls = true\ntls_port = {plain}"
    _followed(gateway, {"tls-slave", "certificate-manager"}, served=False)
    assert (is_listening(plain), is_listening(other)) == (True, False)
    gateway.port, gateway.slave = plain, ""
    _followed(gateway, {"plain-slave"})


def _followed(gateway: WithPage, started: set[str], *, served: bool = True) -> None:
    """The settings are taken over as a whole, and nobody has to wait for a second try."""
    before = gateway.pids()
    gateway.write()
    with _events(gateway) as events:
        gateway.ask("reload")
        assert gateway.ask("ps")["config_error"] == ""
        told = next(event for event in events if event["kind"] == "config.changed")
        gateway.wait_ready()
    after = gateway.pids()
    assert {name for name, pid in after.items() if pid != before.get(name)} == started, told["text"]
    assert "child.parked" not in gateway.process.output
    if served:
        assert gateway.served()
