"""Programs that look for weaknesses, and a capture that a foreign program decrypts: nothing to object to."""

import json
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.tls.context import CIPHERS, CIPHERSUITES
from tests.shared.tls.material import client_settings, make
from tests.support import ROOT
from tests.system.capture import Relay, write_capture
from tests.system.foreign import need
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.wire import Client, frame, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.foreign, pytest.mark.timeout(180)]

SUITES = f"{CIPHERS.decode()}:{CIPHERSUITES.decode()}".split(":")
GROUPS = {"secp256r1", "secp384r1", "x25519"}
FIELDS = ("mbtcp.trans_id", "mbtcp.prot_id", "mbtcp.len", "mbtcp.unit_id", "modbus.func_code")
HELLO, SERVER_HELLO, TICKET, CERTIFICATE, REQUEST, VERIFY = "1", "2", "4", "11", "13", "15"
"""Handshake messages."""
TICKET_OFFER, EARLY_DATA, RENEGOTIATION_INFO = "35", "42", "65281"
"""Extensions."""
CLOSE_NOTIFY = "0"


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[TlsGateway]:
    with running_tls(short_folder / "g") as made:
        yield made


@pytest.fixture
def identity(gateway: TlsGateway, tmp_path: Path) -> Path:
    """Of an accepted client."""
    made = make("scanner")
    path = made.save(tmp_path)
    with TlsClient(gateway.tls_port, path) as client:
        client.ask(read_pdu(0, 2))
        gateway.accept(made)
    return path


def capture(gateway: TlsGateway, identity: Path, version: ssl.TLSVersion, folder: Path) -> list[str | Path]:
    """What goes over a connection on which a few registers are read; the command that shows it decrypted.

    The capture is written from what a relay between the two has heard, so that no privilege is needed.
    """
    need("tshark", "on Debian: apt install tshark", here=shutil.which("tshark") is not None)
    settings = client_settings(identity, version)
    settings.keylog_filename = str(folder / "keys.log")
    with Relay(gateway.tls_port) as relay:
        with Client(relay.port) as client:
            client.socket = settings.wrap_socket(client.socket)
            client.read(0, 125)
            client.send(frame(7, read_pdu(512, 4)) + frame(8, read_pdu(9999, 1)))  # two in one record
            assert [client.receive()[0] for _ in range(2)] == [7, 8]
            client.socket.unwrap()
        relay.wait_end()
    file = folder / "heard.pcap"
    write_capture(file, relay.heard)
    return ["tshark", "-r", file, "-o", f"tls.keylog_file:{folder / 'keys.log'}"]


VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])


@VERSIONS
def test_tshark_reads_every_frame_of_a_decrypted_capture(
    version: ssl.TLSVersion, gateway: TlsGateway, identity: Path, tmp_path: Path
) -> None:
    """R-05."""
    command = capture(gateway, identity, version, tmp_path)
    fields = [part for field in FIELDS for part in ("-e", field)]
    shown = run([*command, "-Y", "mbtcp", "-T", "fields", *fields])
    lines = [[cell.split(",") for cell in line.split("\t")] for line in shown.splitlines()]
    frames = sorted(each for line in lines for each in zip(*line, strict=True))
    assert frames == sorted(
        (transaction, "0", length, "1", "3")
        for transaction, length in (("1", "6"), ("1", "253"), ("7", "6"), ("7", "11"), ("8", "6"), ("8", "3"))
    ), shown
    assert "Malformed" not in run([*command, "-V"])


@VERSIONS
def test_a_decrypted_handshake_shows_what_the_specification_wants_and_nothing_else(
    version: ssl.TLSVersion, gateway: TlsGateway, identity: Path, tmp_path: Path
) -> None:
    """One full mutual handshake at the version that was asked for; no early data, renegotiation or alert.

    No ticket at 1.2. At 1.3 OpenSSL sends two, which pyOpenSSL cannot turn off: numbers of sessions that nobody keeps.
    """
    command = capture(gateway, identity, version, tmp_path)
    old = version is ssl.TLSVersion.TLSv1_2
    messages = cells(command, "tls.handshake.type")
    assert [messages.count(each) for each in (HELLO, SERVER_HELLO, REQUEST, CERTIFICATE)] == [1, 1, 1, 2]
    assert messages.count(VERIFY) == (1 if old else 2), "at 1.3 the server proves its key in one as well"
    assert messages.count(TICKET) == (0 if old else 2)
    sizes = {len(each) // 2 for each in cells(command, "tls.handshake.session_ticket")}
    assert sizes == (set() if old else {32}), "a number, and no state"
    server = cells(command, "tls.handshake.extension.type", f"tls.handshake.type == {SERVER_HELLO}")
    everything = cells(command, "tls.handshake.extension.type")
    assert {TICKET_OFFER, EARLY_DATA} & set(server) == set()
    assert EARLY_DATA not in everything
    assert (RENEGOTIATION_INFO in server) is old
    assert cells(command, "tls.handshake.comp_method") in (["0"], ["0", "0"], [])
    negotiated = cells(command, "tls.handshake.extensions.supported_version", f"tls.handshake.type == {SERVER_HELLO}")
    assert negotiated == ([] if old else ["0x0304"])
    assert cells(command, "tls.handshake.version", f"tls.handshake.type == {SERVER_HELLO}") == ["0x0303"]
    alerts = cells(command, "tls.alert_message.desc")
    assert alerts, "both sides say that they end"
    assert set(alerts) == {CLOSE_NOTIFY}


def test_sslscan_finds_nothing_to_object_to(gateway: TlsGateway, identity: Path) -> None:
    need("sslscan", "on Debian: apt install sslscan", here=shutil.which("sslscan") is not None)
    shown = run(["sslscan", "--no-colour", f"--certs={identity}", f"--pk={identity}", f"127.0.0.1:{gateway.tls_port}"])
    versions = dict(re.findall(r"^(SSLv\d|TLSv1\.\d)\s+(enabled|disabled)", shown, re.MULTILINE))
    assert [version for version, state in versions.items() if state == "enabled"] == ["TLSv1.2", "TLSv1.3"]
    assert len(versions) == 6
    suites = {
        name for _, name in re.findall(r"^(Preferred|Accepted)\s+TLSv1\.\d\s+\d+ bits\s+(\S+)", shown, re.MULTILINE)
    }
    assert suites == set(SUITES)
    assert set(re.findall(r"^TLSv1\.\d\s+\d+ bits\s+(\w+)(?: \(.*\))?$", shown, re.MULTILINE)) == GROUPS
    assert "Session renegotiation not supported" in shown
    assert shown.count("not vulnerable to heartbleed") == 2
    assert "Server supports TLS Fallback SCSV" in shown


def test_sslyze_finds_nothing_to_object_to(gateway: TlsGateway, identity: Path, tmp_path: Path) -> None:
    """In an environment of its own: it needs an older cryptography than ours."""
    own = ROOT / ".venv-sslyze" / "bin" / "sslyze"
    program = str(own) if own.exists() else shutil.which("sslyze")
    need("sslyze", "make .venv-sslyze/.done", here=program is not None)
    assert program
    found = tmp_path / "found.json"
    looks = (
        "certinfo", "compression", "elliptic_curves", "ems", "fallback", "heartbleed", "openssl_ccs",
        "reneg", "resum", "robot", "sslv2", "sslv3", "tlsv1", "tlsv1_1", "tlsv1_2", "tlsv1_3",
    )  # fmt: skip
    run(
        [program, *(f"--{look}" for look in looks), "--mozilla_config=disable", f"--json_out={found}",
         "--cert", identity, "--key", identity, f"127.0.0.1:{gateway.tls_port}"]
    )  # fmt: skip
    (scan,) = json.loads(found.read_text(encoding="utf-8"))["server_scan_results"]
    results: dict[str, Any] = {}
    for name, attempt in scan["scan_result"].items():
        if name not in {"http_headers", "tls_1_3_early_data"}:  # the two that speak HTTP
            assert attempt["status"] == "COMPLETED", (name, attempt)
            results[name] = attempt["result"]
    suites: list[str] = []
    for name in ("ssl_2_0", "ssl_3_0", "tls_1_0", "tls_1_1", "tls_1_2", "tls_1_3"):
        accepted = results[f"{name}_cipher_suites"]["accepted_cipher_suites"]
        assert bool(accepted) is (name in {"tls_1_2", "tls_1_3"}), name
        suites += (each["cipher_suite"]["openssl_name"] for each in accepted)
    assert set(suites) == set(SUITES)
    assert {curve["name"].lower() for curve in results["elliptic_curves"]["supported_curves"]} == GROUPS
    said = {
        "compression": results["tls_compression"]["supports_compression"],
        "ccs injection": results["openssl_ccs_injection"]["is_vulnerable_to_ccs_injection"],
        "heartbleed": results["heartbleed"]["is_vulnerable_to_heartbleed"],
        "renegotiation": results["session_renegotiation"]["is_vulnerable_to_client_renegotiation_dos"],
        "no fallback signal": not results["tls_fallback_scsv"]["supports_fallback_scsv"],
        "no secure renegotiation": not results["session_renegotiation"]["supports_secure_renegotiation"],
        "no extended master secret": not results["tls_extended_master_secret"]["supports_ems_extension"],
        "resumed by id": results["session_resumption"]["session_id_resumption_result"] != "NOT_SUPPORTED",
        "resumed by ticket": results["session_resumption"]["tls_ticket_resumption_result"] != "NOT_SUPPORTED",
        "robot": results["robot"]["robot_result"] != "NOT_VULNERABLE_RSA_NOT_SUPPORTED",
    }
    assert [weakness for weakness, there in said.items() if there] == []
    shown = results["certificate_info"]["certificate_deployments"]
    assert sorted(each["received_certificate_chain"][0]["public_key"]["algorithm"] for each in shown) == [
        "ECPublicKey",
        "RSAPublicKey",
    ]


def cells(command: list[str | Path], field: str, only: str = "") -> list[str]:
    """Every value of a field, in the order of the packets."""
    chosen: list[str | Path] = ["-Y", only] if only else []
    return re.findall(r"[^,\s]+", run([*command, *chosen, "-T", "fields", "-e", field]))


def run(command: list[str | Path]) -> str:
    """What a program prints."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout
