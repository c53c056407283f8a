"""The whole gateway with TLS, seen by foreign clients: openssl, pymodbus, the interpreter's TLS."""

import asyncio
import contextlib
import random
import re
import signal
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pymodbus.client import ModbusTlsClient

from services.certificate_manager.enforcement import SETTLING_S
from shared.tls.certificate import fingerprint
from tests.shared.tls.material import Made, client_settings, make, s_client
from tests.support import wait_for
from tests.system.bus import Listener
from tests.system.gateway import send
from tests.system.tls import TlsClient, TlsGateway, is_refused, running_tls
from tests.system.wire import Client, ModbusError, frame, number, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CUT_S = 0.1
MODE, PV_QUOTA, CHARGING_QUOTA, SHOWN_MODE, CHARGE_POWER = 41168, 41170, 41172, 40994, 40996
STEERED = "[wallbox]\nexternal_control = true\npresent = true\n"
ONE, OTHER = make("one"), make("other")


@pytest.fixture
def one(tmp_path: Path) -> Path:
    return ONE.save(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return OTHER.save(tmp_path)


@pytest.fixture
def gateway(run_dir: Path) -> Iterator[TlsGateway]:
    with running_tls(run_dir / "g", more=STEERED) as made:
        yield made


def write_single(client: Client, address: int, value: int) -> None:
    pdu = bytes((6,)) + address.to_bytes(2, "big") + value.to_bytes(2, "big")
    answer = client.ask(pdu)
    if answer[0] != 6:
        raise ModbusError(answer[1])
    assert answer == pdu


def refusal(client: Client) -> int:
    """The exception that a read gets."""
    with pytest.raises(ModbusError) as refused:
        client.read(0, 2)
    return refused.value.code


def openssl_says(gateway: TlsGateway, identity: Path | None, *args: str, request: bytes = b"") -> str:
    return asyncio.run(s_client(gateway.tls_port, identity, *args, said=request))


def openssl_asks(gateway: TlsGateway, identity: Path, *args: str) -> bytes:
    """The answer to a read that openssl sends."""
    command = ["openssl", "s_client", "-quiet", "-connect", f"127.0.0.1:{gateway.tls_port}", "-cert", identity]
    with subprocess.Popen(
        [*map(str, command), "-key", str(identity), *args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        client.stdin.write(frame(1, read_pdu(0, 2)))
        client.stdin.flush()
        answer = client.stdout.read(9)
        client.kill()
    return answer


def test_an_unknown_certificate_is_listed_once_refused_everything_and_served_after_accept(
    gateway: TlsGateway, one: Path
) -> None:
    for version in ("-tls1_2", "-tls1_3"):
        assert openssl_asks(gateway, one, version) == frame(1, b"\x83\x01")
    with TlsClient(gateway.tls_port, one) as client:
        assert refusal(client) == 1
        assert client.ask(bytes.fromhex("06A0D00002")) == bytes.fromhex("8601")
        assert client.ask(bytes.fromhex("2B0E0100")) == bytes.fromhex("AB01")
        assert client.ask(b"\x63\x00") == bytes.fromhex("E301")
        rows = wait_for(gateway.rows)
        assert [(row["status"], row["fingerprint"]) for row in rows.values()] == [("pending", fingerprint(ONE.der))]
        gateway.accept(ONE)
        client.read(0, 2)
        assert gateway.status(ONE) == "accepted"
        with Listener(gateway.run_dir, "tls-slave", "sessions/") as sessions:
            wait_for(lambda: list(sessions.next()["labels"].values()) == [fingerprint(ONE.der)], "the session is named")


def test_pymodbus_is_refused_then_served_and_writes(gateway: TlsGateway, one: Path) -> None:
    client = ModbusTlsClient("127.0.0.1", port=gateway.tls_port, sslctx=client_settings(one), retries=0)
    assert client.connect()  # type: ignore[no-untyped-call]
    refused = client.read_holding_registers(0, count=2)
    assert (refused.isError(), refused.exception_code) == (True, 1)
    gateway.accept(ONE)
    served = client.read_holding_registers(0, count=28)
    assert len(served.registers) == 28
    for address, value in ((MODE, 2), (PV_QUOTA, 30), (CHARGING_QUOTA, 50)):
        assert not client.write_registers(address, [value]).isError()
    assert client.read_holding_registers(MODE, count=5).registers == [2, 0, 30, 0, 50]
    assert client.write_registers(MODE, [2, 0, 30, 0, 50]).exception_code == 2  # two of them are no settings
    client.close()  # type: ignore[no-untyped-call]


def test_no_certificate_an_old_protocol_and_weak_suites_get_no_handshake(gateway: TlsGateway, one: Path) -> None:
    assert "alert" in openssl_says(gateway, None, "-tls1_2")
    assert "certificate required" in openssl_says(gateway, None, "-tls1_3", "-ign_eof")
    lowest = ("-cipher", "ALL:@SECLEVEL=0")
    for args in (("-tls1_1", *lowest), ("-tls1", *lowest), ("-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0")):
        assert "Cipher is (NONE)" in openssl_says(gateway, one, *args)
    assert gateway.rows() == {}


def test_delete_cuts_idle_busy_and_never_reading_peers_at_once(gateway: TlsGateway, one: Path, other: Path) -> None:
    with contextlib.ExitStack() as stack:
        idle = stack.enter_context(TlsClient(gateway.tls_port, one))
        refusal(idle)
        gateway.accept(ONE)
        busy, deaf = (stack.enter_context(TlsClient(gateway.tls_port, one, buffers=4096)) for _ in range(2))
        bystander = stack.enter_context(TlsClient(gateway.tls_port, other))
        refusal(bystander)
        gateway.accept(OTHER)
        idle.read(0, 2)
        deaf.flood(frame(1, read_pdu(0, 125)))
        served = threading.Event()

        def poll() -> None:
            with contextlib.suppress(OSError, EOFError):
                while True:
                    busy.read(0, 2)
                    served.set()
            ends.append(time.monotonic())

        ends: list[float] = []
        polling = threading.Thread(target=poll)
        polling.start()
        assert served.wait(5)
        watchers = [threading.Thread(target=lambda each=each: ends.append(each.wait_cut())) for each in (idle, deaf)]
        for watcher in watchers:
            watcher.start()
        begin = time.monotonic()
        result = gateway.delete(ONE)
        for thread in (*watchers, polling):
            thread.join(5)
            assert not thread.is_alive()
        assert len(ends) == 3
        assert max(ends) - begin < CUT_S
        assert (result["closed"], result["killed"]) == (3, [])
        bystander.read(0, 2)
        with TlsClient(gateway.tls_port, one) as again:
            assert refusal(again) == 1


def test_a_saved_session_does_not_get_back_in(gateway: TlsGateway, one: Path, tmp_path: Path) -> None:
    with TlsClient(gateway.tls_port, one) as client:
        refusal(client)
        gateway.accept(ONE)
        client.read(0, 2)
    ask = frame(1, read_pdu(0, 2))
    for version in ("-tls1_2", "-tls1_3"):
        saved = tmp_path / f"session{version}"
        openssl_says(gateway, one, version, "-sess_out", str(saved), request=ask)
        gateway.delete(ONE)
        if saved.exists():
            shown = openssl_says(gateway, one, version, "-sess_in", str(saved), request=ask)
            assert re.search(r"^New, TLSv1\.", shown, re.MULTILINE), shown
            assert "Reused" not in shown
        with TlsClient(gateway.tls_port, one) as client:
            assert refusal(client) == 1
        gateway.accept(ONE)


def test_a_write_changes_the_power_and_outlives_the_store(gateway: TlsGateway, one: Path) -> None:
    def power(client: Client) -> int:
        return number(client.read(CHARGE_POWER, 2))

    with TlsClient(gateway.tls_port, one) as client:
        refusal(client)
        gateway.accept(ONE)
        write_single(client, MODE, 1)
        assert client.read(MODE, 1) == (1,)  # in the very next answer
        wait_for(lambda: client.read(SHOWN_MODE, 1) == (1,) and power(client) == 0, "the wallbox is locked")
        write_single(client, MODE, 2)
        wait_for(lambda: power(client) > 5000, "the car charges", 20)
        assert client.read(SHOWN_MODE, 1) == (2,)
        for address, value, code in ((MODE, 6, 3), (PV_QUOTA, 15, 3), (CHARGING_QUOTA, 101, 3), (0, 1, 2)):
            with pytest.raises(ModbusError) as refused:
                write_single(client, address, value)
            assert refused.value.code == code
        send(_pid(gateway, "register-store"), signal.SIGKILL)
        gateway.wait_ready()
        wait_for(lambda: client.read(MODE, 1) == (2,), "still written")
        assert client.read(SHOWN_MODE, 1) == (2,)
        written = gateway.state_dir / "audit" / "register-store.jsonl"
        assert f'"house {MODE}: 2"' in written.read_text(encoding="utf-8")


def test_a_store_that_is_away_gives_06_and_nothing_is_written_behind_the_peers_back(
    gateway: TlsGateway, one: Path
) -> None:
    with TlsClient(gateway.tls_port, one) as client:
        refusal(client)
        gateway.accept(ONE)
        write_single(client, MODE, 3)
        store = _pid(gateway, "register-store")
        send(store, signal.SIGSTOP)
        begin = time.monotonic()
        with pytest.raises(ModbusError) as refused:
            write_single(client, MODE, 4)
        assert (refused.value.code, time.monotonic() - begin < 2) == (6, True)
        client.read(0, 2)
        send(store, signal.SIGCONT)
        wait_for(lambda: _written(client, 5), "the store is back")
        assert client.read(MODE, 1) == (5,)
        lines = (gateway.state_dir / "audit" / "register-store.jsonl").read_text(encoding="utf-8")
        assert f"house {MODE}: 4" not in lines


def test_once_a_delete_is_answered_no_write_of_that_peer_is_done_any_more(
    gateway: TlsGateway, one: Path, other: Path
) -> None:
    """Also none that a stopped store had got before: the answer waits until the store is through, or drops it."""
    with TlsClient(gateway.tls_port, one) as client, TlsClient(gateway.tls_port, other) as bystander:
        for each, made in ((client, ONE), (bystander, OTHER)):
            refusal(each)
            gateway.accept(made)
            wait_for(partial(_written, each, 5), "the first write")
        store = _pid(gateway, "register-store")
        send(store, signal.SIGSTOP)
        client.send(frame(7, struct.pack(">BHH", 6, MODE, 4)))
        for _ in range(3):  # the slave has taken the write by then
            bystander.read(0, 2)
        assert gateway.delete(ONE)["closed"] == 1
        send(store, signal.SIGCONT)
        wait_for(partial(_written, bystander, 3), "the store is back")
    lines = (gateway.state_dir / "audit" / "register-store.jsonl").read_text(encoding="utf-8")
    assert f"house {MODE}: 4" not in lines


def _written(client: Client, mode: int) -> bool:
    try:
        write_single(client, MODE, mode)
    except ModbusError as error:
        if error.code != 6:
            raise
        return False
    return True


def test_a_peer_that_may_only_read_is_refused_each_write(gateway: TlsGateway, one: Path) -> None:
    with TlsClient(gateway.tls_port, one) as client:
        refusal(client)
        gateway.accept(ONE, "r")
        client.read(0, 2)
        with pytest.raises(ModbusError) as refused:
            write_single(client, MODE, 2)
        assert refused.value.code == 1
        assert "refused.role" in (gateway.state_dir / "audit" / "tls-slave.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("alongside", [False, True])
def test_502_is_closed_or_for_reading_only_and_without_external_control_nothing_is_written(
    alongside: bool, run_dir: Path, one: Path
) -> None:
    with running_tls(run_dir / "g", slave=f"plain_alongside_tls = {str(alongside).lower()}\n") as gateway:
        assert is_refused(gateway.port) is not alongside
        with TlsClient(gateway.tls_port, one) as client, contextlib.ExitStack() as stack:
            refusal(client)
            gateway.accept(ONE)
            clients: list[Client] = [client]
            if alongside:
                clients.append(stack.enter_context(Client(gateway.port)))
            for each in clients:
                each.read(0, 2)
                for address, code in ((MODE, 1), (0, 2)):
                    with pytest.raises(ModbusError) as refused:
                        write_single(each, address, 1)
                    assert refused.value.code == code


def test_every_worker_cuts(run_dir: Path, one: Path) -> None:
    with running_tls(run_dir / "g", slave="workers = 2\n") as gateway, contextlib.ExitStack() as stack:
        first = stack.enter_context(TlsClient(gateway.tls_port, one))
        refusal(first)
        gateway.accept(ONE)
        clients = [stack.enter_context(TlsClient(gateway.tls_port, one)) for _ in range(12)]
        for client in clients:
            client.read(0, 2)
        begin = time.monotonic()
        assert gateway.delete(ONE)["closed"] == 13
        assert max(client.wait_cut() for client in (first, *clients)) - begin < 2 * CUT_S


def test_kills_lose_no_accepted_certificate_and_bring_no_deleted_one_back(
    gateway: TlsGateway, one: Path, other: Path
) -> None:
    """The owner's decisions are obeyed whatever dies: what was answered stands, and nobody else is ever served."""
    dice = random.Random(7)
    for identity, made in ((one, ONE), (other, OTHER)):
        with TlsClient(gateway.tls_port, identity) as client:
            refusal(client)
            gateway.accept(made)
    gateway.delete(OTHER)
    stop = threading.Event()
    wrong: list[str] = []

    def intrude() -> None:
        """The deleted peer tries all the time."""
        while not stop.is_set():
            with contextlib.suppress(OSError, EOFError), TlsClient(gateway.tls_port, other) as client:
                while not stop.is_set():
                    try:
                        client.read(0, 2)
                    except ModbusError as error:
                        if error.code != 1:
                            wrong.append(f"exception {error.code}")
                    else:
                        wrong.append("served")

    intruder = threading.Thread(target=intrude)
    intruder.start()
    try:
        for _ in range(6):
            for role in dice.sample(("certificate-manager", "tls-slave"), dice.randint(1, 2)):
                send(_pid(gateway, role), signal.SIGKILL)
                time.sleep(dice.random() * 0.3)
            wait_for(lambda: _served(gateway, one), "the accepted peer is served again", 20)
        gateway.wait_ready()
        wait_for(lambda: gateway.status(OTHER) == "pending", "the deleted peer has knocked again, and is a stranger")
    finally:
        stop.set()
        intruder.join(10)
    assert wrong == []
    assert (gateway.status(ONE), gateway.status(OTHER)) == ("accepted", "pending")


def _pid(gateway: TlsGateway, role: str) -> int:
    """Of its process, waited for: 0 would be the tests' own process group."""
    return wait_for(lambda: gateway.pid(role), f"{role} runs", 20)


def _served(gateway: TlsGateway, identity: Path) -> bool:
    try:
        with TlsClient(gateway.tls_port, identity) as client:
            client.read(0, 2)
    except (OSError, EOFError, ModbusError, ssl.SSLError):
        return False
    return True


@pytest.mark.parametrize("seed", [11, 12])
def test_a_kill_in_the_middle_of_decisions_leaves_what_was_answered(
    seed: int, gateway: TlsGateway, tmp_path: Path
) -> None:
    dice = random.Random(seed)
    answered: dict[str, str] = {}
    made: list[Made] = []
    for round_ in range(5):  # each death in a row doubles the pause before the next start
        peer = make(f"peer {round_}")
        made.append(peer)
        identity = fingerprint(peer.der)
        path = peer.save(tmp_path)
        with TlsClient(gateway.tls_port, path) as client:
            refusal(client)
            wait_for(lambda: gateway.status(peer), "listed")  # noqa: B023  # asked at once

            def kill() -> None:
                time.sleep(dice.random() * 0.03)
                send(pid, signal.SIGKILL)  # noqa: B023  # of this round

            pid = _pid(gateway, "certificate-manager")
            killer = threading.Thread(target=kill)
            killer.start()
            with contextlib.suppress(Exception):
                gateway.certs("accept", patience_s=2, fingerprint=identity, grant="rw")  # a dead one never answers
                answered[identity] = "accepted"
            killer.join()
        gateway.wait_ready()
    rows = gateway.rows()
    assert {identity: rows[identity]["status"] for identity in answered} == answered
    for peer in made:
        if gateway.status(peer) == "accepted":
            path = next(tmp_path.glob(f"{peer.certificate.serial_number:x}.pem"))
            # by the list of a manager that started just now, which the slave hears once it has found it again
            wait_for(partial(_served, gateway, path), f"{peer.certificate.subject} is served", SETTLING_S)
