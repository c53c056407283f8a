"""The master pusher as a real process, into slaves that nobody here wrote, and beside such as nobody wants to have."""

import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest

from tests.support import Processes, wait_for
from tests.system import steps
from tests.system.foreign_slave import KINDS, ForeignSlave
from tests.system.gateway import SIMULATED, running, send
from tests.system.pushing import master, registers, rows
from tests.system.receivers import Recorder
from tests.system.tables import constant, household, replay
from tests.system.wire import Client, ModbusError

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

BETWEEN = ((28, 12), (146, 100), (246, 120), (366, 120), (486, 26), (552, 40), (792, 100), (892, 108))
"""All other registers up to 999: where nothing is pushed."""
CYCLE_S = 0.2


def _between(port: int) -> list[tuple[int, ...]]:
    with Client(port) as client:
        return [client.read(start, count) for start, count in BETWEEN]


@pytest.fixture(params=[pytest.param(kind, marks=[pytest.mark.foreign] if kind in KINDS[2:] else []) for kind in KINDS])
def foreign(request: pytest.FixtureRequest, processes: Processes, run_dir: Path) -> ForeignSlave:
    """Each kind of slave."""
    return ForeignSlave(request.param, processes, run_dir)


def test_a_foreign_slave_holds_what_the_plain_slave_shows(foreign: ForeignSlave, run_dir: Path) -> None:
    constant(run_dir / "still.csv", household(-1))
    before = _between(foreign.port)
    with running(run_dir / "g", replay(run_dir / "still.csv"), more=master(foreign.port)) as gateway:
        shown = registers(gateway.port)
        assert all(any(group) for group in shown), "each group has something to show"
        wait_for(lambda: registers(foreign.port) == shown, "the same registers", 10)
        assert _between(foreign.port) == before, "nothing but the four groups"
        (row,) = rows(gateway)
        assert (row["state"], row["reason"], row["streak"]) == ("ok", "", 0)
        assert row["pushes"] > 0
        tested = gateway.cli("slaves", "test", "1")
        assert tested.returncode == 0, tested.stderr
        assert f"127.0.0.1:{foreign.port} took 374 registers" in tested.stdout


def test_what_changes_arrives_whole_and_in_the_end_everything_agrees(foreign: ForeignSlave, run_dir: Path) -> None:
    steps.write(run_dir / "steps.csv")
    meter = replay(run_dir / "steps.csv", loop=False, more="cycle_ms = 100\nstale_after_s = 60")
    judge = steps.Judge()
    with running(run_dir / "g", meter, more=master(foreign.port)) as gateway, Client(foreign.port) as client:

        def step(group: tuple[int, int]) -> int:
            return judge.step(group, b"".join(word.to_bytes(2, "big") for word in client.read(*group)))

        wait_for(lambda: step(steps.PHASE_VALUES), "a push")
        seen: dict[tuple[int, int], list[int]] = {steps.SHORT: [], steps.PHASE_VALUES: []}
        until = time.monotonic() + 5
        while time.monotonic() < until:
            for group, found in seen.items():
                found.append(step(group))
            time.sleep(0.01)
        for found in seen.values():
            assert 0 not in found, "a mixture of two images"
            assert found == sorted(found)
            assert len(set(found)) > 20
        send(gateway.pid("measurement"), signal.SIGSTOP)  # all stands still; what is served stays fresh for a while
        wait_for(lambda: registers(foreign.port) == registers(gateway.port), "the same registers", 2)


def test_function_6_low_words_first_offset_and_fewer_groups(run_dir: Path) -> None:
    constant(run_dir / "still.csv", household(1))
    each = (
        'function = 6\nbase_offset = 1000\nword_order = "low_first"\nunit = 7\n'
        'groups = ["instantaneous_total", "energy_total"]\n'
    )
    with Recorder() as slave, Recorder() as other:
        groups = "[master.groups]\nenergy_phases = false\ninstantaneous_total = false\n"
        more = f'{master(slave.port, more=groups, each=each)}[[master.slave]]\naddress = "127.0.0.1:{other.port}"\n'
        with running(run_dir / "g", replay(run_dir / "still.csv"), more=more) as gateway:
            total, phases, energy, *_ = registers(gateway.port)
            wait_for(lambda: len(other.registers) == 146, "the groups that are on")
            assert [other.registers[at] for at in range(40, 146)] == list(phases)
            assert [other.registers[at] for at in range(512, 552)] == list(energy)
            assert {write[:1] + write[2:] for write in other.writes} == {(16, 106), (16, 40)}
            wait_for(lambda: len(slave.registers) == 68, "both groups")
            assert {write[0] for write in slave.writes} == {6}
            assert set(slave.registers) == {*range(1000, 1028), *range(1512, 1552)}
            assert [slave.registers[1000 + at] for at in (1, 0)] == list(total[:2])
            assert [slave.registers[1512 + at] for at in (3, 2, 1, 0)] == list(energy[:4])
            assert "cut in two" in gateway.process.output


def test_a_slave_without_some_registers_gets_the_others_and_it_is_said(run_dir: Path) -> None:
    with Recorder() as slave:
        slave.refuse_from = 512
        with running(run_dir / "g", more=master(slave.port)) as gateway:
            wait_for(lambda: rows(gateway)[0]["state"] == "partly", "the refusal")
            (row,) = rows(gateway)
            assert "the slave has no register 512: enable only total values, or map it" in row["reason"]
            assert row["exceptions"] == {"energy_total": 2, "energy_phases": 2}
            assert {*range(28), *range(40, 146)} == set(slave.registers)
            before = len(slave.times)
            wait_for(lambda: len(slave.times) > before + 5, "further pushes")
            assert sum(address >= 512 for _, address, _ in slave.writes) <= 4, "it is not asked in each cycle"


def test_ten_slaves_and_all_groups_every_cycle(run_dir: Path) -> None:
    slaves = [Recorder() for _ in range(10)]
    try:
        with running(run_dir / "g", more=master(*(slave.port for slave in slaves))) as gateway:
            wait_for(lambda: all(len(slave.times) > 20 for slave in slaves), "pushes", 20)
            for slave in slaves:
                periods = [after - before for before, after in pairwise(slave.times[2:])]
                assert mean(periods) == pytest.approx(CYCLE_S, rel=0.1)
                assert len(slave.registers) == 374
            assert {row["state"] for row in rows(gateway)} == {"ok"}
    finally:
        for slave in slaves:
            slave.close()


def test_without_measurement_pushes_stop_and_come_back_by_themselves(run_dir: Path) -> None:
    meter = SIMULATED.replace("[meter.simulated]", "stale_after_s = 2\n[meter.simulated]")
    with (
        Recorder() as slave,
        running(run_dir / "g", meter, more=master(slave.port, more="interval_ms = 300")) as gateway,
    ):
        wait_for(lambda: len(slave.times) > 3, "pushes")
        gateway.ask("stop", role="measurement")
        stopped = time.monotonic()
        wait_for(lambda: "stale" in rows(gateway)[0]["reason"], "nothing to push", 10)
        assert rows(gateway)[0]["state"] == "waiting"
        last = slave.times[-1]
        assert 1.0 < last - stopped < 2.1, "until it is stale, and no longer"
        with pytest.raises(ModbusError):
            registers(gateway.port)
        refused = gateway.cli("slaves", "test", "1")
        assert (refused.returncode, "the measurement is stale" in refused.stderr) == (1, True)
        assert slave.times[-1] == last
        gateway.ask("start", role="measurement")
        wait_for(lambda: slave.times[-1] > last, "pushes again", 20)
        wait_for(lambda: rows(gateway)[0]["state"] == "ok", "as before")


def test_a_killed_pusher_is_back_within_a_second_and_nobody_else_notices(run_dir: Path) -> None:
    with Recorder() as slave, running(run_dir / "g", more=master(slave.port)) as gateway:
        wait_for(lambda: len(slave.times) > 3, "pushes")
        pids = gateway.pids()
        with Client(gateway.port) as client:
            send(pids["master-pusher"], signal.SIGKILL)
            killed = time.monotonic()
            count = len(slave.times)
            wait_for(lambda: len(slave.times) > count + 1, "pushes again")
            took = time.monotonic() - killed
            client.read(0, 28)
        _say(f"back after {took:.2f} s")
        assert took < 1.0
        after = gateway.pids()
        assert {name for name in pids if pids[name] != after[name]} == {"master-pusher"}


def test_a_slave_that_comes_back_gets_everything_at_once(run_dir: Path) -> None:
    each = "only_changes = true\nrefresh_s = 3600\n"
    constant(run_dir / "still.csv", household(1))
    with Recorder() as slave:
        port = slave.port
        with running(run_dir / "g", replay(run_dir / "still.csv"), more=master(port, each=each)) as gateway:
            wait_for(lambda: len(slave.registers) == 374, "all registers")
            count = len(slave.writes)
            time.sleep(1)
            assert len(slave.writes) == count, "nothing changed"
            slave.close()
            with Recorder(port) as again:
                wait_for(lambda: len(again.registers) == 374, "all registers again", 15)
            wait_for(lambda: rows(gateway)[0]["pushes"] >= 2, "that it is told")


def test_the_mean_of_two_levels_is_between_them(run_dir: Path) -> None:
    names = [name for name in household(1) if "_energy_" not in name]
    high, low = household(1), household(-1)
    lines = ["t," + ",".join(names)]
    for row in range(40):
        values = (high, low)[row // 10 % 2]
        lines.append(f"{row * 0.1:.1f}," + ",".join(repr(values[name]) for name in names))
    (run_dir / "swing.csv").write_text("\n".join(lines) + "\n")
    meter = replay(run_dir / "swing.csv", more="cycle_ms = 100")
    with (
        Recorder() as slave,
        running(run_dir / "g", meter, more=master(slave.port, more='interval_ms = 2000\nvalues = "mean"')),
    ):
        wait_for(lambda: len(slave.times) > 2, "two intervals", 20)
        imported, exported = (slave.registers[at] << 16 | slave.registers[at + 1] for at in (0, 2))
        assert imported == 0 or exported == 0
        assert abs(imported - exported) / 10 < 0.2 * high["active_power"], "half of the time the one, then the other"
        assert slave.registers[26] << 16 | slave.registers[27] == round(high["supply_frequency"] * 1000)


def _say(text: str) -> None:
    """Shown by pytest -s, or where the test fails."""
    sys.stderr.write(f"{text}\n")
