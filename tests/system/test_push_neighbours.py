"""What bad receivers, and settings that never rest, cost the good ones beside them: nothing.

How regularly a good one is pushed to is shown in benchmarks/neighbours, against a timer on the same machine.
"""

from contextlib import ExitStack
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from tests.support import free_port, wait_for
from tests.system import steps
from tests.system.bus import Listener
from tests.system.gateway import private_kib, running, say
from tests.system.pushing import master, rows
from tests.system.receivers import BlackHole, Listening, Recorder, answering, dripping, flooding, mute, resetting
from tests.system.tables import replay

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

TIMEOUT_S: Final = 1.0
"""Of a receiver: whoever waited for a dead one would be that late."""
CYCLE_S: Final = 0.2
"""Of a meter that is pushed after each measurement."""
SECONDS: Final = 10.0
FLOOD: Final = 100_000_000


def test_beside_nine_bad_ones_every_image_arrives_in_time_and_in_order(run_dir: Path) -> None:
    steps.write(run_dir / "steps.csv")  # each of its images is another one
    meter = replay(run_dir / "steps.csv", loop=False) + f"speed = {steps.EVERY_S / CYCLE_S}\n"
    with ExitStack() as stack:
        bad: list[Listening | BlackHole] = [BlackHole(), BlackHole(), BlackHole(), resetting(), resetting()]
        bad += [mute(), mute(), dripping(), dripping()]
        for each in bad:
            stack.callback(each.close)
        slave = stack.enter_context(Recorder())
        ports = [each.port for each in bad]
        ports.insert(4, slave.port)
        gateway = stack.enter_context(running(run_dir / "g", meter, more=master(*ports)))
        wait_for(lambda: len(slave.times) > 5, "pushes")
        measured: dict[bytes, int] = {}
        with Listener(gateway.run_dir, "register-store", "image/") as images:
            for image in images.within(SECONDS):
                measured[image["blocks"][0]["data"][:56]] = last = image["t_ns"]
        wait_for(lambda: slave.pushes[-1][0] > last, "one more")
        arrived = {data[-56:]: at for at, data in slave.pushes}
        overtaken = [data for data in measured if data not in arrived]
        late = sorted((arrived[data] - t_ns) / 1e9 for data, t_ns in measured.items() if data in arrived)
        order = [measured[data[-56:]] for _, data in slave.pushes if data[-56:] in measured]
        say(f"{len(measured)} images, {len(overtaken)} overtaken; {late[len(late) // 2]:.4f} to {late[-1]:.4f} s late")
        assert len(measured) > 0.8 * SECONDS / CYCLE_S
        assert len(overtaken) <= 1, "one, where the machine stood still for a cycle"
        assert late[-1] < TIMEOUT_S
        assert all(before < after for before, after in pairwise(order))

        every = rows(gateway)
        good = every.pop(4)
        assert (good["state"], good["streak"], good["failures"]) == ("ok", 0, 0)
        assert {row["state"] for row in every} == {"failing"}
        assert all(row["pushes"] == 0 and row["streak"] > 1 for row in every)
        reasons = " ".join(row["reason"] for row in every)
        assert "no answer within 1 s to the registers 0-27" in reasons
        assert "no connection to 127.0.0.1" in reasons


def test_whatever_a_slave_answers_it_is_said_in_words_and_hurts_nobody(run_dir: Path) -> None:
    bad: dict[str, Listening | None] = {
        "answered another transaction": answering(lambda head, pdu: b"\xff\xff" + head[2:] + pdu),
        "the slave answered 03 00 00": answering(lambda head, pdu: head + b"\3" + pdu[1:]),
        "no answer within 1 s to the registers 0-27": answering(lambda head, pdu: (head + pdu)[:9]),
        "sent more than it was asked for": answering(lambda head, pdu: 2 * (head + pdu)),
        "the slave closed the connection to the registers 0-27": answering(lambda head, _: head[:1], end=True),
        "is no Modbus TCP": flooding(FLOOD, asked=True),
        "the slave has no register 0": None,  # our own
    }
    with ExitStack() as stack:
        ports = []
        for each in bad.values():
            if each is not None:
                stack.callback(each.close)
                ports.append(each.port)
        floods = stack.enter_context(flooding(FLOOD, asked=False))
        gateways_unit = stack.enter_context(answering(lambda head, pdu: head[:6] + b"\xff" + pdu))
        slave = stack.enter_context(Recorder())
        own = free_port()
        gateway = stack.enter_context(
            running(run_dir / "g", slave="", more=master(*ports, own, floods.port, gateways_unit.port, slave.port))
        )
        gateway.write(gateway.text().replace(f"port = {own}\n", f"port = {gateway.port}\n"))
        wait_for(lambda: str(rows(gateway)[6]["url"]).endswith(f":{gateway.port}"), "the new settings")
        enough = [3, 3, 3, 3, 3, 3, 1, 3]  # our own refuses every group, so that it is left alone for a while
        wait_for(
            lambda: all(row["streak"] >= least for row, least in zip(rows(gateway), enough, strict=False)),
            "several attempts",
            40,
        )
        every = rows(gateway)
        for words, row in zip(bad, every, strict=False):
            assert words in row["reason"], row
            assert row["state"] == "failing"
        assert every[7]["state"] == "failing", "who sends what nobody asked for"
        assert [row["state"] for row in every[8:]] == ["ok", "ok"]
        assert every[9]["failures"] == 0
        assert private_kib(gateway.pid("master-pusher")) < 40_000


def test_every_form_of_an_address(run_dir: Path) -> None:
    with Recorder() as four, Recorder(host="::1") as six:
        forms = [
            f'address = "127.0.0.1:{four.port}"',
            f'address = "modbus://127.0.0.1:{four.port}"',
            f'address = "localhost"\nport = {four.port}',  # resolves to an address where nobody listens, too
            f'address = "::1"\nport = {six.port}',
            f'address = "[::1]:{six.port}"',
            f'address = "modbus://[::1]:{six.port}"',
            'address = "no-such-slave.invalid"',
        ]
        more = "[master]\nenabled = true\n" + "".join(
            f"[[master.slave]]\n{form}\nunit = {unit}\n" for unit, form in enumerate(forms, 1)
        )
        with running(run_dir / "g", more=more) as gateway:
            wait_for(lambda: [row["state"] for row in rows(gateway)] == ["ok"] * 6 + ["failing"], "each its way", 20)
            reason = rows(gateway)[6]["reason"]
            assert "no-such-slave.invalid" in reason
            assert "is not known" in reason or "is still being looked up; is DNS there?" in reason
        assert len(four.registers) == len(six.registers) == 374
        assert (four.accepted, six.accepted) == (3, 3)


def test_settings_that_never_rest_end_in_what_they_say(run_dir: Path) -> None:
    with Recorder() as slave, running(run_dir / "g", more=master(slave.port)) as gateway:
        wait_for(lambda: len(slave.times) > 2, "pushes")
        others = {name: pid for name, pid in gateway.pids().items() if name != "master-pusher"}

        def in_force(turn: int) -> bool:
            row = rows(gateway)[0]
            return (row["name"], row["state"]) == (f"turn {turn}", "ok")

        for turn in range(6):
            enabled = gateway.cli("config", "set", "master.enabled", str(turn % 2 == 1).lower())
            assert enabled.returncode == 0, enabled.stderr
            labelled = gateway.cli("config", "set", "master.slave[1].label", f"turn {turn}")
            assert labelled.returncode == 0, labelled.stderr
            if turn % 2:
                wait_for(partial(in_force, turn), "the word of that turn, and at last the last one", 20)
        count = len(slave.times)
        wait_for(lambda: len(slave.times) > count + 3, "pushes")
        assert {name: pid for name, pid in gateway.pids().items() if name != "master-pusher"} == others
