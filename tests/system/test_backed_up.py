"""A process that comes to read too late says by how much: in the page's API and in `metergate ps`."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support import wait_for
from tests.system.console import Api, ConsoleGateway
from tests.system.gateway import SIMULATED

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

STOPPED_S = 1.5
"""Less than the supervisor waits for a beat, and several cycles of 200 ms."""


def queue_of(api: Api, name: str) -> Any:
    rows = {row["name"]: row for row in api.get("/processes")["processes"]}
    return rows[name]["queue"]


def test_a_stopped_role_shows_how_many_cycles_it_was_late(short_folder: Path) -> None:
    gateway = ConsoleGateway(short_folder / "g", SIMULATED)
    try:
        gateway.start()
        api = gateway.admin
        wait_for(lambda: queue_of(api, "tls-slave") is not None, "a beat")
        before = queue_of(api, "tls-slave")
        pid = gateway.pid("tls-slave")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(STOPPED_S)  # how long it is stopped is the thing that is tried here
        os.kill(pid, signal.SIGCONT)
        late = wait_for(lambda: found if (found := queue_of(api, "tls-slave")) > max(before, 2) else 0, "its queue")
        assert late <= STOPPED_S * 1000 / 200 + 2
        assert gateway.pid("tls-slave") == pid, "nobody killed it for that"
        shown = json.loads(gateway.cli("ps", "--json").stdout)
        (row,) = [each for each in shown if each["name"] == "tls-slave"]
        assert (row["queue"], row["missed"]) == (late, 0)
        assert "QUEUE" in gateway.cli("ps").stdout
    finally:
        gateway.end()
