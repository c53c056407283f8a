"""Where `tap` and `replay` look for instances."""

from pathlib import Path

import pytest

from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket
from shared.tap.filters import Filter
from shared.tap.follow import Follower
from supervisor.cli.tap.display import reachable
from tests.shared.bus.talker import sample
from tests.supervisor.cli.conftest import Run
from tests.support import free_port, wait_for


@pytest.fixture
def network(run: Run, config: Path) -> Path:
    """Settings of a bus over TCP, whose only host is this one."""
    key = config.with_name("bus.key")
    public = run("bus-key", key).stdout.strip()
    config.write_text(
        f"""{config.read_text(encoding="utf-8")}
[bus]
transport = "tcp"
this = "here"
secret_key_file = "{key}"
port = {min(free_port(), 65_000)}

[[bus.host]]
name = "here"
address = "127.0.0.1"
public_key = '{public}'
roles = ["measurement", "console"]
""",
        encoding="utf-8",
    )
    return config


def test_on_one_host_the_run_folder_says_all(config: Path, run_dir: Path) -> None:
    endpoints, elsewhere = reachable(str(config))
    assert endpoints.pub("measurement").address == f"ipc://{run_dir}/measurement.pub"
    assert elsewhere == ()


def test_roles_of_other_hosts_are_followed_without_seeing_their_locks(network: Path) -> None:
    endpoints, elsewhere = reachable(str(network))
    assert elsewhere == ("measurement", "console")
    with context() as ctx, pub_socket(ctx, endpoints.pub("measurement")) as socket:
        publisher = Publisher(socket, "measurement", 1)
        publisher.publish(*sample(publisher))
        with Follower(endpoints, Filter(), elsewhere) as follower:

            def look() -> object:
                publisher.on_readable()
                return list(follower.poll(0.05))

            assert wait_for(look, "the sample")


def test_while_the_settings_are_wrong_this_host_is_found(config: Path, run_dir: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8") + "nonsense = 1\n", encoding="utf-8")
    endpoints, elsewhere = reachable(str(config))
    assert (endpoints.run_dir, elsewhere) == (run_dir, ())
