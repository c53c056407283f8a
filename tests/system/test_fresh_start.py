"""From nothing to the first register, an end that leaves nothing behind, and a start from what was left."""

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest

from tests.support import is_listening, wait_for
from tests.system.gateway import Gateway, of_gateway, running, say, send
from tests.system.wire import Client, answers, number

pytestmark = pytest.mark.system

STARTS = 3
LONGEST_START_S = 5.0
LONGEST_END_S = 5.0


def _energies(gateway: Gateway) -> list[int]:
    with Client(gateway.port) as client:
        words = [*client.read(512, 40), *client.read(592, 40)]
    return [number(words[at : at + 4]) for base in (0, 40) for at in (base, base + 4, base + 32, base + 36)]


def _is_left_clean(gateway: Gateway) -> None:
    wait_for(lambda: not of_gateway(gateway.folder), "the end of every process", 2)
    assert not is_listening(gateway.port)
    assert not (gateway.run_dir / "supervisor.json").exists()
    locks = list(gateway.run_dir.glob("*.lock"))
    assert locks
    for lock in locks:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while anybody holds it


def test_up_serves_soon_and_ends_cleanly_and_the_energies_go_on(run_dir: Path) -> None:
    gateway = Gateway(run_dir / "g")
    starts, ends = [], []
    energies = [0] * 8
    try:
        for _ in range(STARTS):
            begin = time.monotonic()
            process = gateway.launch()
            wait_for(lambda: answers(gateway.port), "a register", 20)
            starts.append(time.monotonic() - begin)
            found = _energies(gateway)
            assert all(now >= before for now, before in zip(found, energies, strict=True))
            gateway.wait_ready()
            first = _energies(gateway)
            wait_for(lambda first=first: sum(_energies(gateway)) > sum(first), "counting")  # type: ignore[misc]
            energies = _energies(gateway)
            begin = time.monotonic()
            process.send(signal.SIGINT)
            assert process.wait() == 0
            ends.append(time.monotonic() - begin)
            _is_left_clean(gateway)
    finally:
        gateway.end()
    for what, times in (("first register", starts), ("ended", ends)):
        say(f"{what} after {', '.join(f'{each:.2f}' for each in times)} s")
    assert max(starts) < LONGEST_START_S
    assert max(ends) < LONGEST_END_S


def test_ctrl_c_reaches_the_supervisor_alone_so_that_it_can_end_the_others_in_order(run_dir: Path) -> None:
    with running(run_dir / "g") as gateway:
        group = os.getpgid(gateway.process.pid)
        assert all(os.getpgid(pid) != group for pid in gateway.pids().values())
        gateway.process.send(signal.SIGINT)
        assert gateway.process.wait() == 0
        ended = [line for line in gateway.process.output.splitlines() if "ended as asked" in line]
        roles = ["plain-slave", "measurement", "register-store"]
        order = [next(role for role in roles if role in line) for line in ended]
        assert order == roles


def test_a_role_that_hangs_does_not_hold_up_the_end(run_dir: Path) -> None:
    with running(run_dir / "g", more="[supervisor]\nstop_timeout_s = 0.5\nbeat_timeout_s = 30\n") as gateway:
        for pid in gateway.pids().values():
            send(pid, signal.SIGSTOP)
        begin = time.monotonic()
        gateway.process.send(signal.SIGTERM)
        gateway.process.wait()
        assert time.monotonic() - begin < 3
        _is_left_clean(gateway)


def test_a_second_signal_ends_everything_at_once(run_dir: Path) -> None:
    with running(run_dir / "g", more="[supervisor]\nstop_timeout_s = 30\nbeat_timeout_s = 60\n") as gateway:
        send(gateway.pid("plain-slave"), signal.SIGSTOP)
        gateway.process.send(signal.SIGINT)
        gateway.process.wait_output('"event":"stopping"')
        begin = time.monotonic()
        gateway.process.send(signal.SIGINT)
        gateway.process.wait()
        assert time.monotonic() - begin < 2
        _is_left_clean(gateway)


def test_an_end_while_starting_leaves_nothing(run_dir: Path) -> None:
    gateway = Gateway(run_dir / "g")
    try:
        for file in ("supervisor.lock", "supervisor.pub", "measurement.lock", "measurement.pub"):
            process = gateway.launch()
            wait_for((gateway.run_dir / file).exists, file)
            process.send(signal.SIGTERM)
            process.wait()
            wait_for(lambda: not of_gateway(gateway.folder), "the end of every process", 2)
            for left in gateway.run_dir.glob("*"):
                left.unlink()
    finally:
        gateway.end()


def test_what_a_crash_left_is_no_obstacle(run_dir: Path) -> None:
    """Old sockets, lock files, state file and half-written neighbours of all files."""
    with running(run_dir / "g") as gateway:
        before = _energies(gateway)
        for pid in of_gateway(gateway.folder):
            send(pid, signal.SIGKILL)
        gateway.process.wait()
        wait_for(lambda: not of_gateway(gateway.folder), "the end of every process")
        assert (gateway.run_dir / "measurement.pub").exists()
        for name in ("supervisor.json.new", "supervisor.new", "plain-slave.cmd"):
            (gateway.run_dir / name).unlink(missing_ok=True)  # a socket cannot be written into
            (gateway.run_dir / name).write_text("{half of it")
        (gateway.state_dir / "counters-house.simulated.journal.new").write_bytes(b"half")
        gateway.start()
        gateway.wait_ready()
        assert all(now >= then for now, then in zip(_energies(gateway), before, strict=True))


def test_one_damaged_slot_of_the_journal_costs_one_write(run_dir: Path) -> None:
    with running(run_dir / "g") as gateway:
        wait_for(lambda: sum(_energies(gateway)) > 0, "counting")
        before = _energies(gateway)
        gateway.process.send(signal.SIGTERM)
        gateway.process.wait()
        journal = next(gateway.state_dir.glob("*.journal"))
        data = bytearray(journal.read_bytes())
        sequences = [int.from_bytes(data[at + 4 : at + 12], "big") for at in (0, 4096)]
        newest = 4096 * sequences.index(max(sequences))
        data[newest + 100] ^= 0xFF
        journal.write_bytes(data)
        gateway.start()
        gateway.wait_ready()
        assert all(now >= then - 1 for now, then in zip(_energies(gateway), before, strict=True))
        assert "one slot is damaged" in gateway.process.output
