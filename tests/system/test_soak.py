"""Everything at once for a while: readers, newcomers, hostile peers, kills and stops, in an order chosen by chance.

METERGATE_SOAK_S is for how long, at most a day; a few seconds without it. METERGATE_SOAK_SEED repeats an order.
"""

import contextlib
import os
import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.support import memory_kib, wait_for
from tests.system import steps
from tests.system.gateway import Gateway, descriptors, of_gateway, running, say, send
from tests.system.load import Load
from tests.system.tables import replay
from tests.system.wire import Client, frame, read_pdu

SECONDS = min(86_400.0, float(os.environ.get("METERGATE_SOAK_S", "6")))
SEED = int(os.environ.get("METERGATE_SOAK_SEED", "0")) or random.randrange(1, 2**32)
GROWTH_KIB = 4096
"""Of the supervisor and its fork server, whatever the time: a leak of some bytes a second fails within a day."""
MORE = "[supervisor]\nbeat_timeout_s = 1.0\nmax_deaths_per_minute = 100000\n"

pytestmark = [pytest.mark.system, pytest.mark.timeout(SECONDS + 120)]


def test_soak(run_dir: Path) -> None:
    steps.write(run_dir / "steps.csv")
    chance = random.Random(SEED)
    with running(run_dir / "g", replay(run_dir / "steps.csv", more="cycle_ms = 100"), more=MORE) as gateway:
        ending = threading.Event()
        hostile = threading.Thread(target=_abuse, args=(gateway.port, random.Random(SEED + 1), ending))
        with Load(gateway.port) as load:
            hostile.start()
            try:
                survivors = {"supervisor": gateway.process.pid, "fork server": gateway.fork_server()}
                before = _sizes(survivors)
                strikes = _strike(gateway, load, chance)
                for name, pid in survivors.items():  # a fork under way holds some for a moment
                    wait_for(lambda n=name, p=pid: descriptors(p) <= before[n][0] + 1, "the descriptors of before")  # type: ignore[misc]
                after = _sizes(survivors)
            finally:
                ending.set()
                hostile.join(30)
        wait_for(lambda: len(of_gateway(gateway.folder)) == len(gateway.pids()) + 2, "no orphan")
        say(f"seed {SEED}: {strikes} kills and stops, {sum(load.answers.values())} answers, {before} became {after}")
        faults = {fault.rpartition(": ")[2] for fault in load.faults}
        assert faults <= {"stale"}, f"seed {SEED}"  # a slave that starts while the store hangs knows no image
        assert all(after[name][1] - before[name][1] < GROWTH_KIB for name in before)


def _sizes(pids: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Descriptors and memory."""
    return {name: (descriptors(pid), memory_kib(pid)) for name, pid in pids.items()}


def _strike(gateway: Gateway, load: Load, chance: random.Random) -> int:
    until, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < until:
        running = [int(row["pid"]) for row in gateway.wait_ready().values() if row["pid"]]  # not of disabled roles
        pids = [pid for pid in running if chance.random() < 0.5]
        for pid in pids:
            send(pid, chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP)))
        count += len(pids)
        gateway.wait_ready()
        load.wait_for_all()
    return count


def _abuse(port: int, chance: random.Random, ending: threading.Event) -> None:
    """Newcomers with good and bad manners."""
    while not ending.is_set():
        with contextlib.suppress(OSError, EOFError), Client(port) as client:
            for _ in range(chance.randrange(5)):
                match chance.randrange(4):
                    case 0:
                        client.send(frame(1, read_pdu(chance.randrange(65536), chance.randrange(200))))
                    case 1:
                        client.send(frame(1, chance.randbytes(chance.randrange(1, 253))))
                    case 2:
                        client.send(frame(1, read_pdu(0, 125)) * chance.randrange(1, 50))
                    case _:
                        client.send(chance.randbytes(chance.randrange(1, 300)))
            client.socket.settimeout(0.05)
            client.socket.recv(1000)
            if chance.random() < 0.5:
                client.reset()
        ending.wait(0.005)
