"""TLS clients that nobody here wrote, scanners, and a capture that a foreign program decrypts."""

import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

from shared.tls.certificate import fingerprint
from shared.tls.context import CIPHERS, CIPHERSUITES
from tests.shared.tls.material import client_settings, make
from tests.support import Processes, wait_for
from tests.system.capture import Relay, write_capture
from tests.system.foreign import need
from tests.system.ksem_map import by_address, disagreements
from tests.system.tables import constant, household, replay
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.tls_clients import (
    Place,
    Reader,
    RefusedError,
    modbus_serial,
    pymodbus,
    pysunspec2,
    stunnel_and_mbpoll,
)
from tests.system.wire import Client, frame, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

VALUES = household(1)
NAMES = '[certificates]\nnames = ["localhost", "127.0.0.1"]\n'
FIELDS = ("mbtcp.trans_id", "mbtcp.prot_id", "mbtcp.len", "mbtcp.unit_id", "modbus.func_code")
READERS = [
    pytest.param(pymodbus, id="pymodbus"),
    pytest.param(pysunspec2, id="pysunspec2"),
    pytest.param(modbus_serial, id="modbus-serial", marks=pytest.mark.foreign),
    pytest.param(stunnel_and_mbpoll, id="stunnel-mbpoll", marks=pytest.mark.foreign),
]


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[TlsGateway]:
    """One on which nothing changes, so that every register is known."""
    constant(short_folder / "still.csv", VALUES)
    with running_tls(short_folder / "g", replay(short_folder / "still.csv"), more=NAMES) as made:
        yield made


@pytest.fixture(scope="module")
def known(gateway: TlsGateway, short_folder: Path) -> Path:
    """The gateway's own certificates, as its owner hands them over."""
    path = short_folder / "own.pem"
    done = gateway.cli("certs", "own", "--export", str(path))
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("reader", READERS)
def test_a_foreign_client_is_refused_then_served_then_refused_again(
    reader: Reader, gateway: TlsGateway, known: Path, tmp_path: Path, processes: Processes
) -> None:
    made = make("a client")
    place = Place(gateway.tls_port, made.save(tmp_path), known, tmp_path, processes)
    before = set(gateway.rows())
    for _ in range(2):
        with pytest.raises(RefusedError):
            reader(place)
    identity = fingerprint(made.der)
    wait_for(lambda: gateway.status(made) == "pending", "listed")
    assert set(gateway.rows()) - before == {identity}, "once, however often it came"
    assert gateway.cli("certs", "accept", identity, "--label", "a client").returncode == 0
    assert disagreements(by_address(reader(place)), VALUES) == []
    listed = json.loads(gateway.cli("certs", "list", "--json").stdout)
    assert [row["label"] for row in listed if row["fingerprint"] == identity] == ["a client"]
    assert gateway.cli("certs", "delete", identity).returncode == 0
    with pytest.raises(RefusedError):
        reader(place)
    wait_for(lambda: gateway.status(made) == "pending", "listed anew")


def test_pysunspec2_scans_over_tls(gateway: TlsGateway, known: Path, tmp_path: Path) -> None:
    made = make("a scanner")
    identity = made.save(tmp_path)
    with TlsClient(gateway.tls_port, identity) as client:
        client.ask(read_pdu(0, 2))
        gateway.accept(made)
    device = SunSpecModbusClientDeviceTCP(
        ipaddr="127.0.0.1", ipport=gateway.tls_port, tls=True, cafile=str(known), certfile=str(identity),
        keyfile=str(identity),
    )  # fmt: skip
    try:
        device.scan()
        models = {model.model_id: model for model in device.model_list}
        assert list(models) == [1, 203]
        assert models[203].W.cvalue == pytest.approx(VALUES["active_power"], abs=0.51)
    finally:
        device.close()
        gateway.delete(made)


@pytest.mark.foreign
def test_tshark_reads_every_frame_of_a_decrypted_capture(gateway: TlsGateway, tmp_path: Path) -> None:
    """R-05. The capture is written from what a relay between the two has heard, so that no privilege is needed."""
    need("tshark", "on Debian: apt install tshark", here=shutil.which("tshark") is not None)
    made = make("captured")
    identity = made.save(tmp_path)
    with TlsClient(gateway.tls_port, identity) as client:
        client.ask(read_pdu(0, 2))
        gateway.accept(made)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        settings = client_settings(identity, version)
        settings.keylog_filename = str(tmp_path / "keys.log")
        with Relay(gateway.tls_port) as relay:
            with Client(relay.port) as client:
                client.socket = settings.wrap_socket(client.socket)
                client.read(0, 125)
                client.send(frame(7, read_pdu(512, 4)) + frame(8, read_pdu(9999, 1)))  # two in one record
                assert [client.receive()[0] for _ in range(2)] == [7, 8]
            relay.wait_end()
        capture = tmp_path / f"{version.name}.pcap"
        write_capture(capture, relay.heard)
        command: list[str | Path] = ["tshark", "-r", capture, "-o", f"tls.keylog_file:{tmp_path / 'keys.log'}"]
        fields = [part for field in FIELDS for part in ("-e", field)]
        shown = _run([*command, "-Y", "mbtcp", "-T", "fields", *fields])
        lines = [[cell.split(",") for cell in line.split("\t")] for line in shown.splitlines()]
        frames = sorted(each for line in lines for each in zip(*line, strict=True))
        assert frames == sorted(
            (transaction, "0", length, "1", "3")
            for transaction, length in (("1", "6"), ("1", "253"), ("7", "6"), ("7", "11"), ("8", "6"), ("8", "3"))
        ), shown
        assert "Malformed" not in _run([*command, "-V"])
    gateway.delete(made)


@pytest.mark.foreign
def test_sslscan_finds_nothing_to_object_to(gateway: TlsGateway, tmp_path: Path) -> None:
    need("sslscan", "on Debian: apt install sslscan", here=shutil.which("sslscan") is not None)
    made = make("sslscan")
    identity = made.save(tmp_path)
    shown = _run(["sslscan", "--no-colour", f"--certs={identity}", f"--pk={identity}", f"127.0.0.1:{gateway.tls_port}"])
    versions = dict(re.findall(r"^(SSLv\d|TLSv1\.\d)\s+(enabled|disabled)", shown, re.MULTILINE))
    assert [version for version, state in versions.items() if state == "enabled"] == ["TLSv1.2", "TLSv1.3"]
    assert len(versions) == 6
    suites = {
        name for _, name in re.findall(r"^(Preferred|Accepted)\s+TLSv1\.\d\s+\d+ bits\s+(\S+)", shown, re.MULTILINE)
    }
    assert suites == set(f"{CIPHERS.decode()}:{CIPHERSUITES.decode()}".split(":"))
    groups = set(re.findall(r"^TLSv1\.\d\s+\d+ bits\s+(\w+)(?: \(.*\))?$", shown, re.MULTILINE))
    assert groups == {"secp256r1", "secp384r1", "x25519"}
    assert "Session renegotiation not supported" in shown
    assert shown.count("not vulnerable to heartbleed") == 2
    assert "Server supports TLS Fallback SCSV" in shown


def _run(command: list[str | Path]) -> str:
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
