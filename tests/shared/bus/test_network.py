"""The bus between hosts: who has no key of the list hears nothing and says nothing."""

from pathlib import Path

import msgspec
import pytest
import zmq

from shared import clock
from shared.bus.command import Deadlines, command
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Command
from shared.bus.network import Endpoint, Network
from shared.bus.sockets import context, pub_socket, sub_socket
from shared.config.bus import Bus, BusHost
from shared.errors import ConfigError
from tests.support import free_port

PATIENCE_MS = 5000


class Hosts:
    """Two hosts on loopback, `meter` and `slave`, and a stranger with keys of its own."""

    def __init__(self, folder: Path) -> None:
        keys = {name: zmq.curve_keypair() for name in ("meter", "slave", "stranger")}
        for name, (_, secret) in keys.items():
            (folder / name).touch(mode=0o600)
            (folder / name).write_bytes(secret)
        self.folder = folder
        self.entries = (
            BusHost(name="meter", address="127.0.0.1", public_key=keys["meter"][0].decode(), roles=("measurement",)),
            BusHost(name="slave", address="127.0.0.1", public_key=keys["slave"][0].decode(), roles=("plain-slave",)),
        )
        self.stranger = BusHost(name="stranger", address="127.0.0.1", public_key=keys["stranger"][0].decode())
        self.port = free_port()

    def settings(self, this: str, *more: BusHost) -> Bus:
        """`[bus]` of one host."""
        return Bus(
            transport="tcp", this=this, secret_key_file=self.folder / this, port=self.port, host=(*self.entries, *more)
        )

    def endpoint(self, this: str, *more: BusHost) -> Endpoint:
        """Where `this` host finds the measurement."""
        return Endpoints(self.folder, Network(self.settings(this, *more))).pub("measurement")


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_a_host_of_the_list_hears(hosts: Hosts) -> None:
    with (
        context() as ours,
        context() as theirs,
        pub_socket(ours, hosts.endpoint("meter")) as bound,
        sub_socket(theirs, hosts.endpoint("slave"), b"") as sub,
    ):
        assert bound.poll(PATIENCE_MS), "the subscription never came"
        assert bound.recv() == b"\x01"
        bound.send_multipart((b"event/", b"hello"))
        assert sub.poll(PATIENCE_MS)
        assert sub.recv_multipart() == [b"event/", b"hello"]


def test_a_stranger_is_kept_out_in_the_handshake(hosts: Hosts) -> None:
    with (
        context() as ours,
        context() as theirs,
        pub_socket(ours, hosts.endpoint("meter")) as bound,
        sub_socket(theirs, hosts.endpoint("stranger", hosts.stranger), b"") as stranger,
    ):
        with stranger.get_monitor_socket(zmq.EVENT_HANDSHAKE_FAILED_AUTH) as monitor:
            assert monitor.poll(PATIENCE_MS), "nobody refused it"
            stranger.disable_monitor()
        assert not bound.poll(0), "its subscription got through"


def test_tcp_without_keys_is_refused() -> None:
    with context() as ctx, pytest.raises(ConfigError, match="CURVE"):
        pub_socket(ctx, Endpoint("tcp://127.0.0.1:5555")).close()


def test_each_instance_has_two_ports_of_its_own(hosts: Hosts) -> None:
    endpoints = Endpoints(hosts.folder, Network(hosts.settings("meter")))
    names = ["measurement", "plain-slave", *(f"plain-slave.{worker}" for worker in range(2, 17))]
    addresses = {endpoint.address for name in names for endpoint in (endpoints.pub(name), endpoints.cmd(name))}
    assert len(addresses) == 2 * len(names)


def test_supervisors_are_spoken_to_on_their_own_host(hosts: Hosts) -> None:
    endpoint = Endpoints(hosts.folder, Network(hosts.settings("meter"))).cmd("supervisor.measurement")
    assert endpoint == Endpoint(f"ipc://{hosts.folder}/supervisor.measurement.cmd")


def test_a_role_that_no_host_runs_is_named(hosts: Hosts) -> None:
    endpoints = Endpoints(hosts.folder, Network(hosts.settings("meter")))
    with pytest.raises(ConfigError, match=r"bus\.host: no host has 'console'"):
        endpoints.pub("console")


def test_a_key_that_is_not_this_hosts_is_refused(hosts: Hosts) -> None:
    settings = msgspec.structs.replace(hosts.settings("meter"), secret_key_file=hosts.folder / "slave")
    with pytest.raises(ConfigError, match="another public key"):
        Network(settings)


@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [(None, 0o600, "cannot be read"), (b"short", 0o600, "no CURVE secret key"), (b"", 0o644, "chmod 600|no CURVE")],
)
def test_a_bad_key_file_is_named_with_its_cure(hosts: Hosts, content: bytes | None, mode: int, says: str) -> None:
    path = hosts.folder / "bad"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(ConfigError, match=says):
        Network(msgspec.structs.replace(hosts.settings("meter"), secret_key_file=path))


def test_a_key_that_others_can_read_is_refused(hosts: Hosts) -> None:
    (hosts.folder / "meter").chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        Network(hosts.settings("meter"))


def test_a_deadline_of_another_host_is_mapped_by_the_least_delay() -> None:
    deadlines = Deadlines()
    fresh = Command(id=1, verb="v", sent_ns=1_000, deadline_ns=10**12, boot="elsewhere")
    assert not deadlines.expired(fresh)
    late = Command(id=2, verb="v", sent_ns=1_000 - 10**12, deadline_ns=1_000 - 10**12 + 1, boot="elsewhere")
    assert deadlines.expired(late)
    assert deadlines.expired(Command(id=3, verb="v", deadline_ns=clock.now_ns() + 10**12, boot="elsewhere"))


def test_a_deadline_of_this_host_is_compared_directly() -> None:
    assert not Deadlines().expired(command("v", {}, 60))
    assert Deadlines().expired(command("v", {}, -1))
