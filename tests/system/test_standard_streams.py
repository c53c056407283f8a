"""Nobody reads the log, or there is none: that ends and holds up nothing."""

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import wait_for
from tests.system.gateway import METERGATE, Gateway, send
from tests.system.wire import answers

pytestmark = pytest.mark.system


@pytest.fixture
def gateway(run_dir: Path) -> Iterator[Gateway]:
    made = Gateway(run_dir / "g")
    yield made
    made.end()


@pytest.mark.parametrize("redirected", ["2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_without_a_log_it_serves_and_roles_come_back(gateway: Gateway, redirected: str) -> None:
    command = f"exec {METERGATE} up --config {shlex.quote(str(gateway.file))} {redirected}"
    process = subprocess.Popen(["/bin/sh", "-c", command])
    try:
        wait_for(lambda: answers(gateway.port), "a register", 20)
        store = gateway.pid("register-store")
        send(store, signal.SIGKILL)
        wait_for(lambda: gateway.pid("register-store") != store, "another store")
        gateway.wait_ready()
        assert answers(gateway.port)
        assert (gateway.run_dir / "supervisor.lock").read_bytes().isdigit(), "no log line went where it does not belong"
    finally:
        process.terminate()
        assert process.wait(10) == 0


def test_a_log_that_nobody_reads_holds_up_nobody(gateway: Gateway) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, bytes(4096))
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    process = subprocess.Popen([METERGATE, "up", "--config", gateway.file], stderr=writer)
    os.close(writer)
    try:
        wait_for(lambda: answers(gateway.port), "a register", 20)
        gateway.wait_ready()
    finally:
        process.terminate()
        assert process.wait(10) == 0
        os.close(reader)
