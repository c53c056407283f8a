"""The state folder: used by one metergate alone, not there yet, and not there any more."""

import os
import signal
from pathlib import Path

import pytest

from tests.support import wait_for
from tests.system.gateway import SIMULATED, Gateway
from tests.system.wire import Client, ModbusError, answers, number

pytestmark = pytest.mark.system

FAST = SIMULATED + "speed = 600\n"
EXPORT = 516


class On(Gateway):
    """One whose state folder is given."""

    def __init__(self, folder: Path, state_dir: Path) -> None:
        self.of_state = state_dir
        super().__init__(folder, FAST)
        self.state_dir = state_dir

    def text(self) -> str:
        return f'[gateway]\nstate_dir = "{self.of_state}"\n{super().text()}'


def exported(gateway: Gateway) -> int:
    """0.1 Wh."""
    with Client(gateway.port) as client:
        return number(client.read(EXPORT, 4))


def counts(gateway: Gateway) -> int:
    """What is exported, once it is not nothing."""
    return wait_for(lambda: exported(gateway), "counting", 20)


def store(gateway: Gateway) -> tuple[str, str]:
    """State of the register store, and why."""
    row = gateway.children()["register-store"]
    return row["state"], row["reason"]


def test_one_state_folder_belongs_to_one_metergate(run_dir: Path) -> None:
    first, second = On(run_dir / "a", run_dir / "state"), On(run_dir / "b", run_dir / "state")
    try:
        first.start()
        before = counts(first)
        second.launch()
        wait_for(lambda: answers_ps(second) and store(second)[0] == "parked", "the refusal", 20)
        reason = store(second)[1]
        assert f"{run_dir}/state/counters-house.simulated.journal is in use by another metergate" in reason
        assert reason.endswith("give this one its own state_dir; tried again every 30 s")
        with Client(second.port) as client, pytest.raises(ModbusError):
            client.read(EXPORT, 4)
        os.kill(first.pid("register-store"), signal.SIGKILL)  # its own lock is in nobody's way
        wait_for(lambda: first.children()["register-store"]["restarts"] == 1 and store(first)[0] == "ready", "it", 20)
        first.cli("restart", "register-store")
        after = exported(first)
        assert after >= before
        first.end()
        assert second.cli("start", "register-store").returncode == 0
        wait_for(lambda: answers(second.port), "a register", 20)
        assert exported(second) >= after
    finally:
        second.end()
        first.end()


def answers_ps(gateway: Gateway) -> bool:
    """Whether its supervisor is there to be asked."""
    return (gateway.run_dir / "supervisor.cmd").exists()


def test_a_folder_that_cannot_be_used_at_the_start_is_said_and_no_obstacle_once_it_can(run_dir: Path) -> None:
    (run_dir / "state").write_text("in the way", encoding="utf-8")
    gateway = On(run_dir / "g", run_dir / "state")
    try:
        process = gateway.launch()
        wait_for(lambda: answers_ps(gateway) and store(gateway)[0] == "parked", "the refusal", 20)
        assert store(gateway)[1].startswith("gateway.state_dir: ")
        (run_dir / "state").unlink()
        wait_for(lambda: answers(gateway.port), "a register", 60)  # by itself
        gateway.wait_ready()
        assert process.output.count("register-store is parked") == 1
        assert "register-store: gateway" not in process.output
    finally:
        gateway.end()


def test_a_journal_that_is_replaced_under_way_does_not_turn_counters_back(run_dir: Path) -> None:
    gateway = On(run_dir / "g", run_dir / "state")
    try:
        gateway.start()
        (journal,) = gateway.state_dir.glob("*.journal")
        backup = journal.read_bytes()
        counts(gateway)
        journal.unlink()
        journal.write_bytes(backup)  # as `tar -xf` does
        wait_for(lambda: '"journal.replaced"' in gateway.process.output, "that it is noticed", 20)
        seen = exported(gateway)
        os.kill(gateway.pid("register-store"), signal.SIGKILL)
        wait_for(lambda: gateway.children()["register-store"]["restarts"] == 1, "its next life", 20)
        wait_for(lambda: answers(gateway.port), "a register", 20)
        assert exported(gateway) >= seen > 0
        (aside,) = gateway.state_dir.glob("*.journal.put-there-*")
        assert aside.read_bytes() == backup
    finally:
        gateway.end()
