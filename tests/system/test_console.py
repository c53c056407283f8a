"""The console among the other roles: what its death costs, how one comes in, what it shows of a silent meter."""

import contextlib
import json
import os
import pty
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import make
from tests.support import free_port, is_listening, wait_for
from tests.system.console import ConsoleGateway
from tests.system.gateway import METERGATE, Gateway, running, send
from tests.system.tls import TlsClient
from tests.system.wire import Client, ModbusError, answers

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[ConsoleGateway]:
    made = ConsoleGateway(short_folder / "g")
    try:
        made.start()
        yield made
    finally:
        made.end()


def test_its_death_costs_nobody_anything(gateway: ConsoleGateway, tmp_path: Path) -> None:
    inverter = make("inverter")
    with TlsClient(gateway.tls_port, inverter.save(tmp_path)) as client:
        gateway.accept(inverter)
        wait_for(lambda: _read(client), "served")
        before = gateway.wait_ready()
        send(gateway.pid("console"), signal.SIGKILL)
        for _ in range(50):
            client.read(0, 2)
        after = wait_for(lambda: gateway.wait_ready() if gateway.children()["console"]["restarts"] else {}, "back")
        assert {name: row["restarts"] for name, row in after.items() if name != "console"} == {
            name: row["restarts"] for name, row in before.items() if name != "console"
        }
        assert gateway.admin.get("/session")["user"] == "token:a admin", "tokens are remembered"
        gateway.delete(inverter)


def _read(client: Client) -> bool:
    try:
        client.read(0, 2)
    except ModbusError:
        return False
    return True


def test_a_silent_meter_is_shown_as_stale_within_its_time(gateway: ConsoleGateway) -> None:
    with gateway.admin.following("live") as events:
        assert not next(events)[1]["stale"]
        gateway.ask("stop", role="measurement")
        ages = [live["age_ms"] for _, live in takewhile(lambda event: not event[1]["stale"], events)]
        assert ages
        assert max(ages) <= 5000, "told as fresh at most so long"
        last = next(events)[1]
        assert last["stale"]
        assert (last["connected"], "stopped" in last["reason"]) == (False, True)
        gateway.ask("start", role="measurement")
        assert next(live for _, live in events if not live["stale"])["connected"]


def test_a_certificate_that_knocks_is_told_within_a_second(gateway: ConsoleGateway, tmp_path: Path) -> None:
    """Measured from the first attempt; the bound is generous on a machine that does other things too."""
    wallbox = make("wallbox")
    with gateway.admin.following("certificates") as events:
        before = next(events)[1]["pending"]
        begun = time.monotonic()
        with TlsClient(gateway.tls_port, wallbox.save(tmp_path)):
            after = next(event for event in events if event[1]["pending"] > before)
        seconds = time.monotonic() - begun
        assert after[1]["pending"] == before + 1
        assert seconds < 5, f"{seconds:.2f} s"
    rows = gateway.admin.get("/certificates")["certificates"]
    assert fingerprint(wallbox.der) in {row["fingerprint"] for row in rows}


def test_counters_of_the_page_are_those_of_the_registers(gateway: ConsoleGateway) -> None:
    def both() -> bool:
        shown = gateway.admin.get("/live")["counters"]["active_energy_import"]
        rows = gateway.admin.get("/registers")["registers"]
        served = next(row["value"] for row in rows if row["name"] == "active_energy_import")
        return bool(abs(shown - served) <= 1.0 and shown > 0)

    wait_for(both, "the same energy", 20)


def test_a_port_in_use_parks_the_console_and_nothing_else(run_dir: Path) -> None:
    port = free_port()
    gateway = Gateway(run_dir / "g", more=f"[console]\nport = {port}\n")
    with socket.create_server(("127.0.0.1", port)), contextlib.ExitStack() as stack:
        stack.callback(gateway.end)
        gateway.start()
        wait_for(lambda: gateway.children()["console"]["state"] == "parked", "parked", 20)
        assert str(port) in gateway.children()["console"]["reason"]
        assert answers(gateway.port)
        gateway.process.wait_output("Modbus TCP on", 20)


def test_beyond_this_machine_it_speaks_https_alone(run_dir: Path) -> None:
    port = free_port()
    with running(run_dir / "g", more=f'[console]\nhost = "0.0.0.0"\nport = {port}\n') as gateway:
        wait_for(lambda: is_listening(port), "the console")
        context = ssl.create_default_context(cafile=str(gateway.state_dir / "console" / "ec.pem"))
        with urllib.request.urlopen(f"https://localhost:{port}/api/v1/session", context=context, timeout=10) as answer:
            assert json.loads(answer.read())["state"] == "none"
        with pytest.raises(OSError, match=r".*"):
            urllib.request.urlopen(f"http://localhost:{port}/api/v1/session", timeout=10)
        assert '"page": "https://127.0.0.1:' in gateway.process.output


def test_the_code_is_printed_once_and_on_a_terminal_as_a_link(run_dir: Path) -> None:
    port = free_port()
    gateway = Gateway(run_dir / "g", more=f"[console]\nport = {port}\n")
    gateway.write(gateway.text().replace('format = "json"', 'format = "auto"'))
    ours, theirs = pty.openpty()
    process = subprocess.Popen([METERGATE, "up", "--config", gateway.file], stderr=theirs, cwd=gateway.folder)
    os.close(theirs)
    shown = ""
    try:
        until = time.monotonic() + 20
        while "the page is at" not in shown and time.monotonic() < until:
            shown += os.read(ours, 65536).decode(errors="replace")
    finally:
        process.terminate()
        process.wait(10)
        os.close(ours)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    code = r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}"
    assert len(re.findall(rf"http://127\.0\.0\.1:{port}/#code={code}\b", plain)) == 1, plain
    assert len(re.findall(rf"\b{code}\b", plain)) == 1, plain
