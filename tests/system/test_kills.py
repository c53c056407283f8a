"""Processes are killed and stopped under load, many times: no wrong value, no lost connection but the killed one's.

METERGATE_KILLS is how often in all; a few dozen without it.
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.support import is_alive, is_listening, memory_kib, wait_for
from tests.system import steps
from tests.system.bus import Listener
from tests.system.gateway import Gateway, descriptors, of_gateway, running, say, send
from tests.system.load import Load
from tests.system.tables import replay
from tests.system.wire import Client, ModbusError, frame, read_pdu

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("METERGATE_KILLS", "36"))
ROLES = ("measurement", "register-store", "plain-slave")
STOP_EVERY = 4
"""Each so-many-th process is stopped instead of killed: noticing that takes the supervisor a whole beat time-out."""
BEAT_TIMEOUT_S = 1.0
DEFAULT_BEAT_TIMEOUT_S = 3.0
GROWTH_KIB = 1536
FORGIVING = f"[supervisor]\nbeat_timeout_s = {BEAT_TIMEOUT_S}\nmax_deaths_per_minute = 100000\n"


@contextlib.contextmanager
def _stepping(folder: Path, more: str = FORGIVING, meter: str = "") -> Iterator[Gateway]:
    steps.write(folder / "steps.csv")
    with running(folder / "g", replay(folder / "steps.csv", more=f"cycle_ms = 100\n{meter}"), more=more) as gateway:
        yield gateway


class _Rebirths:
    """Waits for a role to be ready with another process than before."""

    def __init__(self, gateway: Gateway) -> None:
        self._listener = Listener(gateway.run_dir, "supervisor", "processes/")
        self._rows = {row["name"]: row for row in self._listener.next()["children"]}

    def pid(self, role: str) -> int:
        for message in self._listener.waiting():
            self._rows = {row["name"]: row for row in message["children"]}
        return int(self._rows[role]["pid"])

    def wait(self, role: str, old: int) -> float:
        """Seconds until then."""
        begin = time.monotonic()
        while (row := self._rows[role])["state"] != "ready" or row["pid"] == old:
            self._rows = {row["name"]: row for row in self._listener.next(20)["children"]}
        return time.monotonic() - begin

    def close(self) -> None:
        self._listener.close()


def _survivors(gateway: Gateway, killed: str) -> dict[str, int]:
    roles = {name: pid for name, pid in gateway.pids().items() if name != killed}
    return {"supervisor": gateway.process.pid, "fork server": gateway.fork_server(), **roles}


def _wait_family(gateway: Gateway) -> None:
    """Wait until there is nothing left but the supervisor, the fork server, and one process for each role."""
    wanted = len(ROLES) + 2
    wait_for(lambda: len(of_gateway(gateway.folder)) == wanted, "no orphan, none missing")


@pytest.mark.parametrize("role", ROLES)
def test_a_role_that_is_killed_or_stopped_costs_no_value_and_no_other_role(run_dir: Path, role: str) -> None:
    with _stepping(run_dir) as gateway, contextlib.closing(_Rebirths(gateway)) as rebirths:
        with Load(gateway.port) as load:
            survivors: dict[str, int] = {}
            sizes: dict[str, tuple[int, int]] = {}
            times = []
            rounds = max(4, KILLS // len(ROLES))
            for round_ in range(rounds + 2):
                if round_ == 2:  # what grows once at the first restarts is no leak
                    survivors = _survivors(gateway, role)
                    sizes = {name: (descriptors(pid), memory_kib(pid)) for name, pid in survivors.items()}
                stop = round_ % STOP_EVERY == STOP_EVERY - 1
                seconds = _strike(gateway, rebirths, load, role, signal.SIGSTOP if stop else signal.SIGKILL)
                load.wait_for_all()
                if not stop:
                    times.append(seconds)
            load.wait_for_all()
            wait_for(lambda: len(load.seen) > 2, "values went on")  # each new measurement begins with the first of them
            assert _survivors(gateway, role) == survivors, "another process was started anew"
            _wait_family(gateway)
            now = {name: (descriptors(pid), memory_kib(pid)) for name, pid in survivors.items()}
        answered = sum(load.answers.values())
        growth = {name: now[name][1] - sizes[name][1] for name in now}
        say(
            f"{role}: {rounds + 2} kills, {answered} answers, back after {median(times) * 1000:.0f} ms (median), "
            f"{max(times) * 1000:.0f} ms (most); slowest answer {load.slowest_s * 1000:.0f} ms; grown by KiB {growth}"
        )
        assert load.faults == []
        assert median(times) < 2
        if role != "plain-slave":
            assert load.drops == 0
        for name in now:
            assert now[name][0] <= sizes[name][0] + 2, f"descriptors of {name}: {sizes[name][0]} became {now[name][0]}"
            assert growth[name] < GROWTH_KIB, f"memory of {name} grew by {growth[name]} KiB"


def _strike(gateway: Gateway, rebirths: _Rebirths, load: Load, role: str, number: signal.Signals) -> float:
    """Kill or stop a role; seconds until its work shows on the wire again."""
    pid, begin = rebirths.pid(role), time.monotonic()
    send(pid, number)
    if number is signal.SIGKILL:
        wait_for(lambda: not is_alive(pid), "death")
    if role == "plain-slave":
        with Client(gateway.port, 10) as client:
            client.read(*steps.SHORT)
        seconds = time.monotonic() - begin
        rebirths.wait(role, pid)
        return seconds
    rebirths.wait(role, pid)
    before = load.latest
    wait_for(lambda: load.latest != before, "a new value")
    return time.monotonic() - begin


def test_energy_is_counted_on_across_deaths_of_the_register_store(run_dir: Path) -> None:
    """A ramp of power makes the trapezoids exact, also over the gaps in which nobody counted."""
    with _stepping(run_dir) as gateway, contextlib.closing(_Rebirths(gateway)) as rebirths:
        with (
            Listener(gateway.run_dir, "measurement", "sample/") as samples,
            Listener(gateway.run_dir, "register-store", "image/") as images,
        ):
            heard = [samples.next()]
            first = next(image for image in iter(images.next, None) if image["t_ns"])
            for _ in range(6):
                pid = rebirths.pid("register-store")
                send(pid, signal.SIGKILL)
                rebirths.wait("register-store", pid)
                heard += samples.within(0.3)
            until = heard[-1]["t_ns"]
            last = next(image for image in iter(images.next, None) if image["t_ns"] >= until)
            heard += samples.within(0.1)
        counted = [_energy(image) for image in (first, last)]
        ramp = [sample for sample in heard if first["t_ns"] <= sample["t_ns"] <= last["t_ns"]]
        watts = [sample["values"]["active_power"] for sample in ramp]
        hours = [(after["t_ns"] - before["t_ns"]) / 3.6e12 for before, after in pairwise(ramp)]
        whole = sum((a + b) / 2 * h for (a, b), h in zip(pairwise(watts), hours, strict=True))
        assert counted[1] - counted[0] == pytest.approx(whole, rel=0.01, abs=0.11)


def _energy(image: dict[str, object]) -> float:
    blocks = image["blocks"]
    assert isinstance(blocks, list)
    data = next(block["data"] for block in blocks if block["start"] == 512)
    return int.from_bytes(data[:8], "big") / 10


def test_without_its_fork_server_everything_serves_and_roles_still_come_back(run_dir: Path) -> None:
    with _stepping(run_dir) as gateway, contextlib.closing(_Rebirths(gateway)) as rebirths:
        with Load(gateway.port) as load:
            roles = gateway.pids()
            for _ in range(3):
                server = gateway.fork_server()
                send(server, signal.SIGKILL)
                wait_for(lambda server=server: not is_alive(server), "its death")  # type: ignore[misc]
                load.wait_for_all()
                assert gateway.pids() == roles
                role = rebirths.pid("measurement")
                send(role, signal.SIGKILL)
                rebirths.wait("measurement", role)
                roles = gateway.pids()
            load.wait_for_all()
            _wait_family(gateway)
        assert (load.faults, load.drops) == ([], 0)


def test_roles_come_back_by_themselves_when_the_fork_server_hangs(run_dir: Path) -> None:
    with _stepping(run_dir) as gateway, contextlib.closing(_Rebirths(gateway)) as rebirths:
        with Load(gateway.port) as load:
            send(gateway.fork_server(), signal.SIGSTOP)
            store = rebirths.pid("register-store")
            send(store, signal.SIGKILL)
            seconds = rebirths.wait("register-store", store)
            say(f"register-store came back {seconds:.1f} s after it died with a stopped fork server")
            _wait_family(gateway)
        assert seconds < 5
        assert (load.faults, load.drops) == ([], 0), "back before anything was stale"


def test_a_slave_that_starts_while_the_store_hangs_serves_as_soon_as_that_was_killed(run_dir: Path) -> None:
    with _stepping(run_dir, "") as gateway, contextlib.closing(_Rebirths(gateway)) as rebirths:
        measurement, store, slave = (rebirths.pid(role) for role in ROLES)
        send(store, signal.SIGSTOP)
        begin = time.monotonic()
        send(slave, signal.SIGKILL)
        rebirths.wait("plain-slave", slave)
        with Client(gateway.port) as client:
            for read in (steps.SHORT, steps.COUNTERS):
                with pytest.raises(ModbusError) as refused:
                    client.read(*read)
                assert refused.value.code == 4, "who had the image hangs, or was killed"
            wait_for(lambda: _reads(client), "a value", 20)
            assert client.read(*steps.COUNTERS)
        say(f"values again {time.monotonic() - begin:.1f} s after the store began to hang")
        assert time.monotonic() - begin < DEFAULT_BEAT_TIMEOUT_S + 4
        assert rebirths.pid("measurement") == measurement
        assert rebirths.pid("register-store") != store


def test_a_supervisor_that_is_killed_leaves_no_orphan(run_dir: Path) -> None:
    with _stepping(run_dir) as gateway:
        for stopped in (False, True, False):
            with Client(gateway.port) as client:
                data = b"".join(word.to_bytes(2, "big") for word in client.read(*steps.COUNTERS))
            counters = steps.counters(data)
            family = of_gateway(gateway.folder)
            assert len(family) == len(ROLES) + 2
            if stopped:
                for pid in gateway.pids().values():
                    send(pid, signal.SIGSTOP)
            send(gateway.process.pid, signal.SIGKILL)
            gateway.process.wait()
            wait_for(lambda: not of_gateway(gateway.folder), "the end of every process", 5)
            # a dying process shows no environment any more while the kernel is still closing what it held
            wait_for(lambda: not is_listening(gateway.port), "the end of what it held", 5)
            gateway.start()
            gateway.wait_ready()
            with Client(gateway.port) as client:
                data = b"".join(word.to_bytes(2, "big") for word in client.read(*steps.COUNTERS))
            assert all(now >= before for now, before in zip(steps.counters(data), counters, strict=True))


def test_a_supervisor_that_is_stopped_for_a_while_restarts_nobody(run_dir: Path) -> None:
    with _stepping(run_dir) as gateway:
        before = gateway.pids()
        with Load(gateway.port) as load:
            send(gateway.process.pid, signal.SIGSTOP)
            until = time.monotonic() + 2 * BEAT_TIMEOUT_S
            while time.monotonic() < until:
                load.wait_for_all()
            send(gateway.process.pid, signal.SIGCONT)
            wait_for(lambda: gateway.wait_ready() and True, "an answer of the supervisor")
            load.wait_for_all()
        assert gateway.pids() == before
        assert (load.faults, load.drops) == ([], 0)


def test_a_slave_that_slept_serves_nothing_frozen(run_dir: Path) -> None:
    patient = "[supervisor]\nbeat_timeout_s = 60\n"
    with _stepping(run_dir, patient, "stale_after_s = 2\n") as gateway:
        slave, measurement = gateway.pid("plain-slave"), gateway.pid("measurement")
        with Client(gateway.port, 10) as client:
            client.read(*steps.SHORT)
            with Listener(gateway.run_dir, "register-store", "image/") as images:
                send(measurement, signal.SIGSTOP)
                newest = max(image["t_ns"] for image in images.within(0.5))
            send(slave, signal.SIGSTOP)
            wait_for(lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME) > newest + 2_000_000_000, "old age")
            client.send(frame(77, read_pdu(*steps.SHORT)) + frame(78, read_pdu(*steps.COUNTERS)))
            send(slave, signal.SIGCONT)
            assert client.receive() == (77, bytes((0x83, 4)))
            transaction, counters = client.receive()
            assert (transaction, counters[0]) == (78, 3)
            send(measurement, signal.SIGCONT)
            wait_for(lambda: _reads(client), "fresh values")


def _reads(client: Client) -> bool:
    try:
        return bool(client.read(*steps.SHORT))
    except ModbusError:
        return False
