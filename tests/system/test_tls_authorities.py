"""Whom an authority vouches for: a client by the local folder, a meter by the system's roots; listed, and blocked."""

import signal
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import Made, make
from tests.support import wait_for
from tests.system.gateway import send
from tests.system.tables import constant, household, replay
from tests.system.test_unlocker import unlocker
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.wire import answers, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

REFUSED = bytes.fromhex("8301")
ROOT = make("root", with_key="ec-root", ca=True)
BETWEEN = make("between", with_key="ec-between", issuer=ROOT, ca=True)
CLIENT = make("client of a CA", issuer=BETWEEN)
SERVER_ONLY = make("server", issuer=ROOT, extensions=[x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH])])
METER = make(
    "meter", with_key="ec-meter", issuer=ROOT, extensions=[x509.SubjectAlternativeName([x509.DNSName("localhost")])]
)


def asked(gateway: TlsGateway, identity: Path) -> bytes:
    """The answer to a read on a fresh connection."""
    with TlsClient(gateway.tls_port, identity) as client:
        return client.ask(read_pdu(0, 2))


def row(gateway: TlsGateway, made: Made) -> tuple[str, str]:
    """Status and whose word it is."""
    found = gateway.rows().get(fingerprint(made.der), {})
    return str(found.get("status", "")), str(found.get("authority", ""))


def test_a_known_authority_lets_its_clients_in_until_one_is_blocked_or_it_goes(run_dir: Path, tmp_path: Path) -> None:
    folder = run_dir / "g"
    identity = CLIENT.save(tmp_path, BETWEEN)
    with running_tls(folder) as gateway:
        assert asked(gateway, identity) == REFUSED, "nobody vouches for it yet"
        wait_for(lambda: row(gateway, CLIENT) == ("pending", ""), "listed")
        (folder / "ca").mkdir()
        (folder / "ca" / "root.pem").write_bytes(ROOT.pem)
        wait_for(lambda: asked(gateway, identity) != REFUSED, "served without being accepted")
        assert asked(gateway, SERVER_ONLY.save(tmp_path)) == REFUSED, "issued for another purpose"
        vouched = ("ca", fingerprint(ROOT.der))
        with TlsClient(gateway.tls_port, identity) as standing:
            standing.read(0, 2)
            wait_for(lambda: row(gateway, CLIENT) == vouched, "listed with its authority")
            send(gateway.pid("certificate-manager"), signal.SIGKILL)
            gateway.wait_ready()
            wait_for(lambda: row(gateway, CLIENT) == vouched, "a new certificate manager learns of it")
            standing.read(0, 2)
            blocked = gateway.cli("certs", "block", fingerprint(CLIENT.der))
            assert blocked.stdout.startswith("blocked, 1 connection closed: "), blocked.stderr
            standing.wait_cut(0.1)
        send(gateway.pid("certificate-manager"), signal.SIGKILL)
        gateway.wait_ready()
        assert asked(gateway, identity) == REFUSED, "its authority does not let it in again"
        assert row(gateway, CLIENT)[0] == "blocked"
        assert gateway.cli("certs", "unblock", fingerprint(CLIENT.der)).returncode == 0
        with TlsClient(gateway.tls_port, identity) as standing:
            standing.read(0, 2)
            (folder / "ca" / "root.pem").unlink()
            standing.wait_cut(5)
        assert asked(gateway, identity) == REFUSED
        wait_for(lambda: row(gateway, CLIENT) == ("pending", ""), "a stranger like any other")


def test_the_systems_authorities_let_no_client_in(run_dir: Path, tmp_path: Path) -> None:
    roots = tmp_path / "roots.pem"
    roots.write_bytes(ROOT.pem)
    gateway = TlsGateway(run_dir / "g")
    try:
        gateway.launch(env={"SSL_CERT_FILE": str(roots)}).wait_output("Modbus/TCP Security (TLS) on", 30)
        gateway.wait_ready()
        assert asked(gateway, CLIENT.save(tmp_path, BETWEEN)) == REFUSED
    finally:
        gateway.end()


def test_a_meter_given_by_name_is_read_on_the_word_of_a_system_authority(run_dir: Path, tmp_path: Path) -> None:
    """Not accepted by anybody: its certificate is made out to its name, and issued by one of the system's roots."""
    roots, key, chain = tmp_path / "roots.pem", tmp_path / "meter.key", tmp_path / "meter.pem"
    roots.write_bytes(ROOT.pem)
    key.write_bytes(METER.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    chain.write_bytes(METER.pem + ROOT.pem)
    constant(run_dir / "still.csv", household(1))
    trusting = {"SSL_CERT_FILE": str(roots)}
    identity = fingerprint(METER.der)
    with running_tls(run_dir / "a", replay(run_dir / "still.csv")) as locked:
        imported = locked.cli("certs", "own", "--import", str(key), str(chain))
        assert imported.returncode == 0, imported.stderr
        with unlocker(run_dir / "b", locked.tls_port, "localhost", trusting) as second:
            wait_for(lambda: second.says("has the meter accepted this gateway's certificate"), "spoken to at once")
            (ours,) = wait_for(locked.rows, "our certificate at the meter")
            locked.certs("accept", fingerprint=ours, grant="r")
            wait_for(lambda: answers(second.port), "plain registers")
            shown = second.certs()[identity]
            assert (shown["status"], shown["direction"], shown["authority"]) == ("ca", "out", fingerprint(ROOT.der))
            assert "1 connection closed" in second.decide("block", identity)
            wait_for(lambda: not answers(second.port), "nothing fresh is served any more")
            assert second.says("is refused: blocked by the owner")
            second.decide("unblock", identity)
            wait_for(lambda: answers(second.port), "plain registers again")
        with unlocker(run_dir / "c", locked.tls_port, "127.0.0.1", trusting) as third:
            wait_for(lambda: third.says("is not accepted yet"), "who is given by address needs more")
            assert third.certs()[identity]["status"] == "pending"
            assert not answers(third.port)


def test_a_client_that_an_authority_vouches_for_has_what_its_role_allows(run_dir: Path, tmp_path: Path) -> None:
    """R-04, R-30: the role is read from the certificate that the authority signed."""
    role = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.50316.802.1"), b"\x0c\x07Monitor")
    monitor = make("monitor", issuer=ROOT, extensions=[role])
    folder = run_dir / "g"
    (folder / "ca").mkdir(parents=True)
    (folder / "ca" / "root.pem").write_bytes(ROOT.pem)
    with running_tls(folder, more="[wallbox]\nexternal_control = true\npresent = true\n") as gateway:
        with TlsClient(gateway.tls_port, monitor.save(tmp_path)) as client:
            client.read(0, 2)
            assert client.ask(bytes.fromhex("06A0D00002")) == bytes.fromhex("8601")
        with TlsClient(gateway.tls_port, CLIENT.save(tmp_path, BETWEEN)) as client:
            assert client.ask(bytes.fromhex("06A0D00002")) == bytes.fromhex("06A0D00002")
        refused = gateway.cli("audit").stdout
        assert "refused.role" in refused
        assert "role Monitor" in refused
