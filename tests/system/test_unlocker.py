"""A meter whose encryption is on is read over TLS and served in plain, to clients that know no TLS."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import Made, make
from tests.support import Processes, free_port, is_listening, wait_for
from tests.system import foreign_meter
from tests.system.foreign import need
from tests.system.gateway import Gateway
from tests.system.ksem_map import READS
from tests.system.meters import ksem_registers
from tests.system.tables import constant, household, replay
from tests.system.tls import running_tls
from tests.system.wire import Client, answers

pytestmark = pytest.mark.system

METER = """[[meter]]
id = "house"
source = "modbus"
cycle_ms = 100
stale_after_s = 2
[meter.modbus]
profile = "ksem"
host = "{host}"
port = {port}
tls = true
"""
STUNNEL = """foreground = yes
pid =
debug = 5
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[meter]
accept = 127.0.0.1:{port}
connect = 127.0.0.1:{plain}
cert = {identity}
CAfile = {known}
verifyPeer = yes
requireCert = yes
"""


class Unlocker(Gateway):
    """A gateway whose meter has TLS and whose clients have not."""

    def certs(self) -> dict[str, dict[str, Any]]:
        """Rows of `metergate certs list`, by fingerprint."""
        done = self.cli("certs", "list", "--json")
        assert done.returncode == 0, done.stderr
        return {row["fingerprint"]: row for row in json.loads(done.stdout)}

    def decide(self, verb: str, identity: str) -> str:
        """`metergate certs accept`, for example; returns what it prints."""
        done = self.cli("certs", verb, identity)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def own(self, folder: Path) -> Path:
        """Our certificates, as a meter has to know them."""
        path = folder / "own.pem"
        done = self.cli("certs", "own", "--export", str(path))
        assert done.returncode == 0, done.stderr
        return path

    def says(self, words: str) -> bool:
        """Whether measurement said so in its log."""
        return words in self.process.output


@contextlib.contextmanager
def unlocker(folder: Path, port: int, host: str = "127.0.0.1", env: dict[str, str] | None = None) -> Iterator[Unlocker]:
    """A gateway that reads a meter with TLS, not yet accepted."""
    gateway = Unlocker(folder, METER.format(host=host, port=port))
    try:
        gateway.launch(env=env)
        wait_for(gateway.run_dir.joinpath("supervisor.cmd").exists, "the supervisor")
        gateway.wait_ready()
        yield gateway
    finally:
        gateway.end()


def test_a_gateway_with_tls_on_is_read_by_another_and_served_in_plain(run_dir: Path) -> None:
    constant(run_dir / "still.csv", household(1))
    with (
        running_tls(run_dir / "a", replay(run_dir / "still.csv")) as locked,
        unlocker(run_dir / "b", locked.tls_port) as second,
    ):
        assert not is_listening(locked.port), "as on the device: with TLS on there is no plain port"
        wait_for(lambda: second.says("is not accepted yet"), "the reason in words")
        (identity,) = second.certs()
        row = second.certs()[identity]
        assert (row["status"], row["direction"], row["addresses"]) == ("pending", "out", ["127.0.0.1"])
        assert second.says(f"metergate certs accept {identity}")
        assert locked.rows() != {}, "it has shown us its own certificate"
        sessions = locked.children()["tls-slave"]
        assert sessions["restarts"] == 0
        assert not answers(second.port)

        assert "accepted" in second.decide("accept", identity)
        wait_for(lambda: second.says("has the meter accepted this gateway's certificate"), "the other side's turn")
        (ours,) = locked.rows()
        locked.certs("accept", fingerprint=ours, grant="r")
        began = time.monotonic()
        wait_for(lambda: answers(second.port), "plain registers")
        assert time.monotonic() - began < 2
        with Client(second.port) as plain, Client(second.port) as again:
            for address, count in READS:
                assert plain.read(address, count) == again.read(address, count)
            assert plain.read(0, 2) != (0, 0)

        deleted = second.decide("delete", identity)
        assert "1 connection" in deleted, deleted
        wait_for(lambda: not answers(second.port), "nothing fresh is served any more")
        assert (second.certs()[identity]["status"], second.children()["measurement"]["restarts"]) == ("pending", 0)
        second.decide("accept", identity)
        began = time.monotonic()
        wait_for(lambda: answers(second.port), "plain registers again")
        assert time.monotonic() - began < 1


def test_deleted_at_the_meter_it_is_refused_there_and_goes_stale_here(run_dir: Path) -> None:
    constant(run_dir / "still.csv", household(1))
    with (
        running_tls(run_dir / "a", replay(run_dir / "still.csv")) as locked,
        unlocker(run_dir / "b", locked.tls_port) as second,
    ):
        _acquaint(second)
        wait_for(locked.rows, "our certificate at the meter")
        (ours,) = locked.rows()
        locked.certs("accept", fingerprint=ours, grant="r")
        wait_for(lambda: answers(second.port), "plain registers")
        assert locked.certs("delete", fingerprint=ours)["closed"] == 1
        wait_for(lambda: not answers(second.port), "stale")
        assert second.children()["measurement"]["restarts"] == 0


@pytest.mark.foreign
def test_a_foreign_meter_behind_stunnel_is_read(run_dir: Path, processes: Processes) -> None:
    stunnel = shutil.which("stunnel4") or shutil.which("stunnel")
    need("stunnel", "on Debian: apt install stunnel4", here=stunnel is not None)
    assert stunnel
    made: Made = make("foreign meter")
    plain, port = free_port(), free_port()
    values = household(-1)
    foreign_meter.start(processes, "pymodbus", plain, run_dir, ksem_registers(values))
    with unlocker(run_dir / "b", port) as gateway:
        known = gateway.own(run_dir)
        settings = run_dir / "stunnel.conf"
        settings.write_text(STUNNEL.format(port=port, plain=plain, identity=made.save(run_dir), known=known))
        front = processes.start(stunnel, settings)
        identity = fingerprint(made.der)
        wait_for(lambda: identity in gateway.certs(), "the meter's certificate on the list", 30)
        front.wait_output("0 byte(s) sent to TLS, 0 byte(s) sent to socket")  # not one byte of Modbus
        assert not answers(gateway.port)
        gateway.decide("accept", identity)
        began = time.monotonic()
        wait_for(lambda: answers(gateway.port), "plain registers")
        assert time.monotonic() - began < 1
        with Client(gateway.port) as client:
            power = client.read(2, 2)
        assert power[0] << 16 | power[1] == round(max(0.0, -values["active_power"]) * 10)
        gateway.decide("delete", identity)
        wait_for(lambda: not answers(gateway.port), "nothing fresh is served any more")


def _acquaint(gateway: Unlocker) -> str:
    """Accept the one meter that was seen."""
    wait_for(gateway.certs, "the meter's certificate on the list", 30)
    (identity,) = gateway.certs()
    gateway.decide("accept", identity)
    return identity
