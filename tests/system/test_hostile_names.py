"""Certificates whose names attack whoever shows them, presented to a real TLS slave: every output stays what it is."""

import csv
import io
import json
import re
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import DAY, NOW
from tests.support import wait_for
from tests.system.console import ConsoleGateway
from tests.system.tls import TlsClient
from tests.system.wire import ModbusError

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

BROKEN: Final = "AAAAAAAA"
"""Becomes bytes that are no UTF-8."""
NAMES: Final = {
    "html": "</td><img src=x onerror=alert(1)><script>alert(2)</script>",
    "quotes": "\"'`$(reboot);--\\",
    "newline": 'x"} 1\nmetergate_fake{a="b"} 9\r\n{"event":"forged"}',
    "bidi": "\u202egnp.exe\u2066\u200b\ufeff",
    "formula": "=cmd|'/C calc'!A0,@SUM(1+1),-2+3",
    "terminal": "\x1b]0;owned\x07\x1b[2J\x9b31m",
}
UNSAFE: Final = frozenset("\x00\x07\x1b\x9b\r\u202e\u2066\u200b\ufeff")
VALUE: Final = r'"(?:[^"\\\n]|\\["\\n])*"'
METRIC: Final = re.compile(rf"metergate_[a-z0-9_]+(?:\{{[a-z]+={VALUE}(?:,[a-z]+={VALUE})*\}})? \S+")


class Peer:
    """A client with a certificate of that name."""

    def __init__(self, name: str, folder: Path) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        kind = NameOID.COMMON_NAME if len(name) <= 64 else NameOID.UNSTRUCTURED_NAME  # which has no limit
        subject = x509.Name([x509.NameAttribute(kind, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - 1000 * DAY)
            .not_valid_after(NOW + 10000 * DAY)
            .sign(key, SHA256())
        )
        der = made.public_bytes(Encoding.DER).replace(BROKEN.encode(), b"\xff\xfe\xc3\x28\xed\xa0\x80\x80")
        self.fingerprint = fingerprint(der)
        self.path = folder / f"{self.fingerprint}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.path.write_bytes(private + ssl.DER_cert_to_PEM_cert(der).encode())


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[ConsoleGateway]:
    made = ConsoleGateway(short_folder / "g", more="open_metrics = true")
    try:
        made.start()
        yield made
    finally:
        made.end()


def metrics(gateway: ConsoleGateway) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{gateway.console_port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def texts(value: Any) -> Iterator[str]:
    """Every text in parsed JSON."""
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield from (name, *texts(inner))
        case list():
            for inner in value:
                yield from texts(inner)


def outputs(gateway: ConsoleGateway, fingerprints: list[str]) -> Iterator[tuple[str, str]]:
    """Whatever may show a certificate: what it is, and what it shows."""
    paths = ["/certificates", "/clients", "/events", "/audit", "/registers", "/processes"]
    for path in (*paths, *(f"/certificates/{each}" for each in fingerprints)):
        found = gateway.admin.get(path)
        yield path, "\n".join(texts(found))
    for name in ("json", "csv"):
        yield name, str(gateway.admin.ask("GET", f"/registers/export/{name}").body)
    for words in ("certs list", "certs list --json", "clients", "clients --json", "audit", "audit --json", "ps"):
        done = gateway.cli(*words.split())
        assert done.returncode == 0, done.stderr
        yield words, done.stdout + done.stderr
    for each in fingerprints:
        yield "certs show", gateway.cli("certs", "show", each).stdout
    yield "log", gateway.process.output
    yield "metrics", metrics(gateway)


def test_no_name_breaks_out_of_where_it_is_shown(gateway: ConsoleGateway, tmp_path: Path) -> None:
    peers = {kind: Peer(name, tmp_path) for kind, name in NAMES.items()}
    clients: list[TlsClient] = []
    try:
        for kind, peer in peers.items():
            client = TlsClient(gateway.tls_port, peer.path)
            clients.append(client)
            with pytest.raises(ModbusError, match="01"):
                client.read(0, 2)
            wait_for(lambda peer=peer: peer.fingerprint in gateway.rows(), f"{kind} is listed")  # type: ignore[misc]
            label = {"label": NAMES[kind]} if NAMES[kind].isprintable() else {}
            gateway.admin.do("POST", f"/certificates/{peer.fingerprint}/accept", {"grant": "r", **label})
            assert len(client.read(0, 2)) == 2
        wait_for(lambda: len(gateway.admin.get("/clients")["clients"]) == len(peers), "all are shown as clients")
        shown = dict(outputs(gateway, [peer.fingerprint for peer in peers.values()]))
    finally:
        for client in clients:
            client.socket.close()
    for what, text in shown.items():
        assert not UNSAFE & set(text), f"{what}: {UNSAFE & set(text)}"
        lines = text.splitlines()
        assert not [line for line in lines if line.startswith(("metergate_fake", '{"event":"forged"'))], what
    for line in shown["metrics"].splitlines():
        assert line.startswith("# ") or METRIC.fullmatch(line), line
    for text in (shown["log"], shown["audit --json"]):
        rows = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
        assert rows
        assert all(row.get("event") != "forged" for row in rows)
    assert json.loads(shown["certs list --json"])
    assert len({len(cells) for cells in csv.reader(io.StringIO(shown["csv"]))}) == 1
    labels = {row["label"] for row in gateway.admin.get("/certificates")["certificates"]}
    assert {NAMES["html"], NAMES["formula"], NAMES["quotes"]} <= labels, "what can be shown is shown as it is"
    refused = gateway.admin.ask("POST", f"/certificates/{peers['bidi'].fingerprint}/label", {"label": NAMES["bidi"]})
    assert (refused.status, "all printable" in refused.error) == (409, True)


def test_answers_are_never_taken_for_a_page(gateway: ConsoleGateway) -> None:
    for path in ("/api/v1/session", "/metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{gateway.console_port}{path}", timeout=10) as answer:
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers.get_content_type() in {"application/json", "text/plain"}


@pytest.mark.parametrize("name", [BROKEN * 4, "x" * 65_536, "x" * 5000])
def test_what_cannot_be_read_or_is_too_large_is_served_nothing_and_harms_nothing(
    gateway: ConsoleGateway, tmp_path: Path, name: str
) -> None:
    peer = Peer(name, tmp_path)
    before = gateway.pids()
    with pytest.raises((OSError, EOFError, ModbusError)), TlsClient(gateway.tls_port, peer.path) as client:
        client.read(0, 2)
    assert gateway.pids() == before
    for what, text in outputs(gateway, []):
        assert "xxx" * 100 not in text, what
        assert max(map(len, text.splitlines()), default=0) < 4000 or what in {"csv", "json", "metrics"}, what
    listed = gateway.rows().get(peer.fingerprint)
    assert listed is None or len(listed["subject"]) <= 256
