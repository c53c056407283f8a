"""Strangers with bad, odd or endless certificates, and with no TLS at all, while an accepted client is served."""

import contextlib
import itertools
import os
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import DAY, Made, client_settings, make
from tests.shared.tls.material import openssl as run_openssl
from tests.support import memory_kib, wait_for
from tests.system.gateway import say
from tests.system.tls import TlsClient, TlsGateway, running_tls
from tests.system.wire import Client, ModbusError, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

DISTINCT = int(os.environ.get("METERGATE_TEST_CERTIFICATES", "400"))
"""Certificates of the flood; thousands by hand."""
P99_MS = 150
"""What the accepted client's 99th percentile may be, on a machine that does other things as well."""


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[TlsGateway]:
    with running_tls(short_folder / "g") as made:
        yield made


class Attacker:
    """Connects from a loopback address of its own, so that limits for one address are its own, too."""

    def __init__(self, gateway: TlsGateway, address: str = "127.0.0.66") -> None:
        self._gateway = gateway
        self._address = address

    def tcp(self) -> socket.socket:
        """A connection on which nothing was said."""
        return socket.create_connection(("127.0.0.1", self._gateway.tls_port), 5, source_address=(self._address, 0))

    def tls(self, identity: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Client:
        """A connection whose handshake is done, as far as this side knows."""
        client = Client.__new__(Client)
        raw = self.tcp()
        try:
            client.socket = client_settings(identity, version).wrap_socket(raw)
        except BaseException:
            raw.close()
            raise
        client._transaction = 0
        return client


def outcome(attacker: Attacker, identity: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> str:
    """`01` where the gateway answers so, `end` where it ends the connection, `served` where it must not."""
    try:
        with attacker.tls(identity, version) as client:
            try:
                client.read(0, 2)
            except ModbusError as error:
                return f"{error.code:02}"
    except (OSError, EOFError):
        return "end"
    return "served"


@contextlib.contextmanager
def accepted(gateway: TlsGateway, made: Made, identity: Path) -> Iterator[TlsClient]:
    """A connection of an accepted client."""
    with TlsClient(gateway.tls_port, identity) as client:
        client.ask(read_pdu(0, 2))
        gateway.accept(made)
        wait_for(lambda: client.ask(read_pdu(0, 2))[0] == 3, "served")
        yield client


def sha1(folder: Path) -> tuple[Path, str]:
    """A pair whose signature is weak, which no library makes any more, and its fingerprint."""
    path = folder / "sha1.pem"
    key, certificate = folder / "sha1.key", folder / "sha1.crt"
    run_openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-sha1", "-nodes", "-days", "99", "-subj", "/CN=sha1"),
        *("-keyout", key, "-out", certificate),
    )
    path.write_bytes(key.read_bytes() + certificate.read_bytes())
    return path, x509.load_pem_x509_certificate(certificate.read_bytes()).fingerprint(SHA256()).hex()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_weak_and_oversized_certificates_are_ended_and_not_listed(
    version: ssl.TLSVersion, gateway: TlsGateway, tmp_path: Path
) -> None:
    attacker = Attacker(gateway)
    names = x509.SubjectAlternativeName([x509.DNSName(f"{number}.example") for number in range(1000)])
    weak = [
        make("short key", with_key="rsa1024"),
        make("odd curve", with_key="p521"),
        make("large", extensions=[names]),
    ]
    identities = [each.save(tmp_path) for each in weak]
    path, sha1_fingerprint = sha1(tmp_path)
    for identity in (*identities, path):
        assert outcome(attacker, identity, version) == "end"
    listed = gateway.rows()
    assert not {*(fingerprint(each.der) for each in weak), sha1_fingerprint} & set(listed)


@pytest.mark.parametrize("links", [2, 40, 400])
def test_a_long_chain_is_bounded(links: int, gateway: TlsGateway, tmp_path: Path) -> None:
    """400 links are 200 kB, more than OpenSSL takes; 40 are taken, and the leaf alone counts."""
    made = make(f"chain {links}")
    chain = [make(f"link {number}") for number in range(links)]
    identity = made.save(tmp_path, *chain)
    assert outcome(Attacker(gateway), identity) == ("end" if links == 400 else "01")
    listed = gateway.rows()
    assert (fingerprint(made.der) in listed) is (links < 400)
    assert not {fingerprint(each.der) for each in chain} & set(listed)


def test_dates_count_and_say_so(gateway: TlsGateway, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for made, flag in (
        (make("old", end=now - DAY), "expired: refused"),
        (make("early", begin=now + DAY), "not yet valid: refused"),
    ):
        identity = made.save(tmp_path)
        assert outcome(Attacker(gateway), identity) == "01"
        gateway.accept(made)
        assert flag in gateway.rows()[fingerprint(made.der)]["flags"]
        assert outcome(Attacker(gateway), identity) in {"01", "end"}
        gateway.delete(made)


def test_a_new_certificate_for_an_accepted_key_and_a_child_of_an_accepted_ca_are_strangers(
    gateway: TlsGateway, tmp_path: Path
) -> None:
    parent = make("parent", with_key="ec-parent", ca=True)
    with accepted(gateway, parent, parent.save(tmp_path)):
        again = make("again", with_key="ec-parent")
        assert outcome(Attacker(gateway), again.save(tmp_path)) == "01"
        wait_for(lambda: gateway.status(again) == "pending", "listed")
        row = gateway.rows()[fingerprint(again.der)]
        assert fingerprint(parent.der)[:16] in row["reason"], "the owner is told whose key it is"
        child = make("child", with_key="ec-child", issuer=parent)
        assert outcome(Attacker(gateway), child.save(tmp_path, parent)) == "01"
        wait_for(lambda: gateway.status(child) == "pending", "listed")
        twin = make("parent", with_key="ec-twin", serial=parent.certificate.serial_number, ca=True)
        folder = tmp_path / "twin"
        folder.mkdir()
        assert outcome(Attacker(gateway), twin.save(folder)) == "01"
    gateway.delete(parent)


def test_hostile_texts_reach_neither_terminal_nor_log(gateway: TlsGateway, tmp_path: Path) -> None:
    made = make("\x1b[2J\u202eevil\r\nfake: line <script>")
    assert outcome(Attacker(gateway), made.save(tmp_path)) == "01"
    wait_for(lambda: gateway.status(made) == "pending", "listed")
    shown = gateway.cli("certs", "list").stdout
    assert "evil" in shown
    for text in (shown, gateway.process.output, gateway.cli("certs", "list", "--json").stdout):
        assert not {"\x1b", "\u202e", "\r"} & set(text)
        assert not any(line.startswith("fake: line") for line in text.splitlines())


class Siege:
    """Attacks without a pause, each from addresses of its own.

    Attributes:
        counts: attempts of each kind.
    """

    def __init__(self, gateway: TlsGateway, folder: Path) -> None:
        self._gateway = gateway
        self._folder = folder
        self._stop = threading.Event()
        self._silent: list[socket.socket] = []
        self._junk = itertools.cycle(
            (
                b"GET / HTTP/1.1\r\n\r\n",
                bytes(512),
                b"\x16\x03\x01\x02\x00\x01" + os.urandom(600),
                b"\0\1\0\0\0\6\1\3\0\0\0\2",
            )
        )
        self.counts = {"garbage": 0, "silence": 0, "flood": 0}
        self._threads = [
            threading.Thread(target=self._work, args=(name, attack))
            for name, attack in (("garbage", self._garbage), ("silence", self._silence), ("flood", self._flood))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(20)
        for sock in self._silent:
            sock.close()

    def _work(self, name: str, attack: Callable[[], None]) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(OSError, EOFError, ModbusError):
                attack()
            self.counts[name] += 1

    def _garbage(self) -> None:
        with Attacker(self._gateway, "127.0.0.67").tcp() as sock:
            sock.sendall(next(self._junk))
            sock.settimeout(1)
            while sock.recv(4096):
                pass

    def _silence(self) -> None:
        if len(self._silent) >= 60:
            self._silent.pop(0).close()
        self._silent.append(Attacker(self._gateway, "127.0.0.68").tcp())
        self._stop.wait(0.02)

    def _flood(self) -> None:
        number = self.counts["flood"]
        if number >= DISTINCT:
            self._stop.wait(1)
            return
        identity = make(f"flood {number}").save(self._folder)
        outcome(Attacker(self._gateway, f"127.0.1.{number % 250 + 1}"), identity)


def test_garbage_silence_and_thousands_of_certificates_cost_an_accepted_client_little(
    gateway: TlsGateway, tmp_path: Path
) -> None:
    one, patient = make("accepted one"), make("patient one")
    identity = one.save(tmp_path)
    with accepted(gateway, one, identity) as client:
        quiet = latencies_ms(client, 300)
        before = {role: memory_kib(gateway.pid(role)) for role in ("tls-slave", "certificate-manager")}
        under_attack: list[float] = []
        with Siege(gateway, tmp_path) as siege:
            until = time.monotonic() + 200
            while siege.counts["flood"] < DISTINCT and time.monotonic() < until:
                under_attack += latencies_ms(client, 100)
            with TlsClient(gateway.tls_port, identity) as again:
                again.read(0, 2)  # a new connection gets in as well
            with TlsClient(gateway.tls_port, patient.save(tmp_path)) as waiting:
                assert waiting.ask(read_pdu(0, 2)) == b"\x83\1"
                began = time.monotonic()
                wait_for(lambda: gateway.status(patient) == "pending", "found among the flood", 20)
                found_s = time.monotonic() - began
        grown = {role: memory_kib(gateway.pid(role)) - kib for role, kib in before.items()}
        listed = [row for row in gateway.rows().values() if row["status"] == "pending"]
    p99 = statistics.quantiles(under_attack, n=100)[98]
    say(f"accepted client, ms: quiet p99 {statistics.quantiles(quiet, n=100)[98]:.1f}; under attack median "
        f"{statistics.median(under_attack):.1f}, p99 {p99:.1f}, worst {max(under_attack):.1f} of {len(under_attack)}; "
        f"{siege.counts}; grown by {grown} KiB; {len(listed)} listed; "
        f"who waits is listed after {found_s:.1f} s")  # fmt: skip
    assert siege.counts["flood"] >= DISTINCT
    assert len(listed) <= 128
    assert p99 < P99_MS
    assert max(grown.values()) < 20 * 1024
    assert gateway.children()["tls-slave"]["restarts"] == gateway.children()["certificate-manager"]["restarts"] == 0
    gateway.delete(one)


def latencies_ms(client: Client, requests: int) -> list[float]:
    """Of so many reads, one after the other."""
    took = []
    for _ in range(requests):
        began = time.perf_counter()
        client.read(0, 28)
        took.append((time.perf_counter() - began) * 1000)
    return took


def test_silent_connections_end_at_the_deadline_and_hold_nobody_else_up(gateway: TlsGateway, tmp_path: Path) -> None:
    """More of them than one address may have under way; others come in meanwhile."""
    one = make("patient")
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(Attacker(gateway, "127.0.0.69").tcp()) for _ in range(50)]
        with accepted(gateway, one, one.save(tmp_path)):
            assert time.monotonic() - began < 4.5, "while the silent ones hold what their address may hold"
        for sock in silent:
            sock.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                while sock.recv(1000):
                    pass
        assert time.monotonic() - began < 8, "5 s for a handshake"
    gateway.delete(one)
