"""What the owner does while it runs: own certificates without a restart, a slave that does not obey, the audit log."""

import contextlib
import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import DAY, NOW, make
from tests.support import wait_for
from tests.system.gateway import send
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.wire import read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

ONE = make("one")
ROOT = make("own root", with_key="ec-root", ca=True)


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return ONE.save(tmp_path)


@pytest.fixture
def gateway(run_dir: Path) -> Iterator[TlsGateway]:
    with running_tls(run_dir / "g") as made:
        yield made


def done(gateway: TlsGateway, *arguments: str) -> str:
    result = gateway.cli(*arguments)
    assert result.returncode == 0, result.stderr
    return result.stdout


def accept(gateway: TlsGateway, identity: Path) -> None:
    with TlsClient(gateway.tls_port, identity) as client:
        assert client.ask(read_pdu(0, 2)) == b"\x83\1"
        gateway.accept(ONE)


def shown(gateway: TlsGateway, identity: Path) -> str:
    """Fingerprint of what a new connection is shown; an EC pair, as every client here knows that."""
    with TlsClient(gateway.tls_port, identity) as client:
        certificate = client.socket.getpeercert(binary_form=True)  # type: ignore[attr-defined]
        client.read(0, 2)
    return fingerprint(certificate)


def answer(request: x509.CertificateSigningRequest) -> x509.Certificate:
    """What a CA makes of a request."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(ROOT.certificate.subject)
        .public_key(request.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + 800 * DAY)
    )
    for extension in request.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    return builder.sign(ROOT.key, SHA256())


def test_own_certificates_are_renewed_requested_imported_and_exported_without_a_restart(
    gateway: TlsGateway, one: Path, tmp_path: Path
) -> None:
    accept(gateway, one)
    processes = gateway.pids()
    (first,) = json.loads(done(gateway, "certs", "own", "--kind", "ec", "--json"))
    assert shown(gateway, one) == first["fingerprint"]
    with TlsClient(gateway.tls_port, one) as standing:
        (renewed,) = json.loads(done(gateway, "certs", "own", "--renew", "--kind", "ec", "--json"))
        assert renewed["fingerprint"] != first["fingerprint"]
        wait_for(lambda: shown(gateway, one) == renewed["fingerprint"], "new connections see the new one")

        request = x509.load_pem_x509_csr(done(gateway, "certs", "own", "--csr", "--kind", "ec").encode())
        issued = answer(request)
        chain = tmp_path / "issued.pem"
        chain.write_bytes(issued.public_bytes(Encoding.PEM) + ROOT.pem)
        assert "issued by CN=own root, chain of 2" in done(gateway, "certs", "own", "--import", "-", str(chain))
        identity = fingerprint(issued.public_bytes(Encoding.DER))
        wait_for(lambda: shown(gateway, one) == identity, "and the one that the CA issued")

        exported = tmp_path / "own.pem"
        done(gateway, "certs", "own", "--export", str(exported))
        listed = x509.load_pem_x509_certificates(exported.read_bytes())
        assert identity in {fingerprint(each.public_bytes(Encoding.DER)) for each in listed}
        standing.read(0, 2)
    assert gateway.pids() == processes
    mode = {path.stat().st_mode & 0o777 for path in (gateway.folder / "keys").glob("*.key")}
    assert mode == {0o600}
    assert not list((gateway.folder / "keys").glob("import-*"))
    written = gateway.process.output + "".join(path.read_text() for path in gateway.state_dir.rglob("*.jsonl"))
    assert "PRIVATE KEY" not in written


def test_a_new_process_shows_the_pair_that_was_imported_last(gateway: TlsGateway, one: Path) -> None:
    accept(gateway, one)
    (renewed,) = json.loads(done(gateway, "certs", "own", "--renew", "--kind", "ec", "--json"))
    for role in ("certificate-manager", "tls-slave"):
        send(gateway.pid(role), signal.SIGKILL)
    gateway.wait_ready()
    assert shown(gateway, one) == renewed["fingerprint"]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_slave_that_does_not_acknowledge_is_killed_and_serves_nobody_meanwhile(
    workers: int, run_dir: Path, one: Path
) -> None:
    patient = "[supervisor]\nbeat_timeout_s = 60\n"
    with running_tls(run_dir / "g", slave=f"workers = {workers}\n", more=patient) as gateway:
        accept(gateway, one)
        stopped = gateway.pid("tls-slave")
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(TlsClient(gateway.tls_port, one)) for _ in range(8)]
            for client in clients:
                client.read(0, 2)
            wait_for(lambda: gateway.rows()[fingerprint(ONE.der)]["connections"] == len(clients), "as it says itself")
            send(stopped, signal.SIGSTOP)
            begin = time.monotonic()
            result = gateway.delete(ONE)
            took = time.monotonic() - begin
            ends = [client.wait_cut(0.1) for client in clients]
        assert (result["closed"], result["killed"]) == (8, ["tls-slave"])
        assert 0.5 <= took < 2
        assert max(ends) - begin < took + 0.1
        gateway.wait_ready()
        assert gateway.pid("tls-slave") != stopped
        for _ in range(4):
            with TlsClient(gateway.tls_port, one) as client:
                assert client.ask(read_pdu(0, 2)) == b"\x83\1"
        assert "killed: tls-slave" in done(gateway, "audit")


def test_the_audit_log_is_whole_and_each_kind_of_tampering_shows(gateway: TlsGateway, one: Path) -> None:
    accept(gateway, one)
    gateway.delete(ONE)
    folder = gateway.state_dir / "audit"
    log, head = folder / "certificate-manager.jsonl", folder / "certificate-manager.head"
    shown = done(gateway, "audit")
    assert re.search(r"certificate\.accept .*reading and writing", shown)
    assert re.search(r"certificate\.delete .*connections closed: 0", shown)
    assert "certificate-manager: 2 lines, whole" in done(gateway, "audit", "--verify")
    text, said = log.read_bytes(), head.read_bytes()
    first, second = text.splitlines(keepends=True)
    for name, changed in (
        ("edited", text.replace(b"reading and writing", b"reading only")),
        ("turned around", second + first),
        ("its end cut off", first),
        ("its beginning cut off", second),
        ("emptied", b""),
    ):
        log.write_bytes(changed)
        result = gateway.cli("audit", "--verify")
        assert (result.returncode, "BROKEN" in result.stdout) == (1, True), name
        assert "metergate: certificate-manager." in result.stderr, name
    log.write_bytes(text)
    head.unlink()
    assert gateway.cli("audit", "--verify").returncode == 1
    head.write_bytes(said)
    assert gateway.cli("audit", "--verify").returncode == 0
    for path in (log, head):
        path.rename(path.with_suffix(".away"))
    result = gateway.cli("audit", "--verify")
    assert result.returncode == 1
    assert "certificate-manager.jsonl: is missing, although certificate-manager runs" in result.stderr
