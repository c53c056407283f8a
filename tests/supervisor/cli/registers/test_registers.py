"""`metergate registers` and `metergate read`: against an image on the bus, and against a slave nobody here wrote."""

import asyncio
import json
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from shared.bus.messages import Block
from shared.registers.blocks import all_rows
from tests.services.measurement.modbus.foreign_meter import ForeignMeter
from tests.shared.bus.talker import Talker, image, once, sample
from tests.supervisor.cli.conftest import Run
from tests.support import Processes, free_port, is_listening, wait_for

METERGATE = Path(sys.executable).with_name("metergate")


@pytest.fixture
def port() -> Iterator[int]:
    """Of a foreign slave with registers 0 to 19, each holding its address times 1000."""
    number = free_port()
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        device = SimDevice(1, SimData(0, values=[1000 * at for at in range(20)], datatype=DataType.REGISTERS))
        server = ModbusTcpServer(device, address=("127.0.0.1", number))
        await server.serve_forever(background=True)
        ready.set()
        await stop.wait()
        await server.shutdown()  # type: ignore[no-untyped-call]  # pymodbus left it without types

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield number
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


def test_the_map_has_live_values(run: Run, config: Path, run_dir: Path) -> None:
    with Talker(run_dir, "register-store", once(image)):
        result = run("registers", "--block", "instantaneous_total", "--config", config)
    assert result.exit_code == 0
    head, first, *_ = result.stdout.splitlines()
    assert head.split() == ["ADDRESS", "HEX", "NAME", "TYPE", "UNIT", "SCALE", "ACCESS", "CLASS", "WORDS", "VALUE"]
    assert first.split()[:8] == ["0", "0x0000", "active_power_import", "uint32", "W", "0.1", "R", "live"]
    assert first.split()[8:] == ["0001", "0203", "6605.1", "W"]
    assert "meter house: 0." in result.stderr


def test_what_the_meter_does_not_measure_is_not_shown_as_a_nought(run: Run, config: Path, run_dir: Path) -> None:
    whole = once(lambda publisher: image(publisher, (Block(0, bytes(296)),)))
    with Talker(run_dir, "register-store", whole), Talker(run_dir, "measurement", once(sample)):
        lines = run("registers", "--block", "instantaneous_total", "--config", config).stdout.splitlines()
    shown = {line.split()[2]: line for line in lines}
    assert shown["active_power_import"].endswith(" W")
    assert shown["reactive_power_import"].endswith(" var (not measured)")


def test_without_an_instance_the_map_alone_is_shown_and_that_is_said(run: Run, config: Path) -> None:
    result = run("registers", "--search", "supply_frequency", "--config", config)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].split()[-1] == "CLASS"
    assert "no register store runs" in result.stderr


def test_without_settings_the_whole_map_is_shown(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("METERGATE_CONFIG", raising=False)
    result = run("registers", "--json")
    assert len(json.loads(result.stdout)) == len(all_rows())
    assert "no settings file" in result.stderr


def test_programs_get_values(run: Run, config: Path, run_dir: Path) -> None:
    with Talker(run_dir, "register-store", once(image)):
        found = json.loads(run("registers", "--json", "--config", config).stdout)
        table = run("registers", "--csv", "--config", config).stdout.splitlines()
    assert found[0]["value"] == 6605.1
    assert found[0]["words"] == [1, 515]
    assert len(table) == len(found) + 1


def test_other_programs_get_their_form(run: Run, config: Path) -> None:
    assistant = run("registers", "--home-assistant", "--host", "meter.lan", "--config", config).stdout
    assert 'host: "meter.lan"' in assistant
    assert "port: 1502" in assistant
    assert run("registers", "--iobroker", "--config", config).stdout.startswith("_address\tname")


@pytest.mark.parametrize(
    ("host", "arguments", "found", "guessed"),
    [
        ("0.0.0.0", (), socket.gethostname(), True),
        ("::", (), socket.gethostname(), True),
        ("::", ("--host", "meter.lan"), "meter.lan", False),
        ("192.0.2.3", (), "192.0.2.3", False),
    ],
)
def test_home_assistant_gets_a_host_that_exists(
    run: Run, config: Path, host: str, arguments: tuple[str, ...], found: str, *, guessed: bool
) -> None:
    config.write_text(config.read_text().replace('host = "127.0.0.1"', f'host = "{host}"'))
    text = run("registers", "--home-assistant", *arguments, "--config", config).stdout
    assert f'    host: "{found}"\n' in text
    assert ("# Check this" in text) is guessed


@pytest.mark.parametrize("alongside", [False, True])
def test_home_assistant_is_told_that_its_port_is_closed(run: Run, config: Path, *, alongside: bool) -> None:
    config.write_text(f"{config.read_text()}tls = true\nplain_alongside_tls = {str(alongside).lower()}\n")
    text = run("registers", "--home-assistant", "--config", config).stdout
    assert ("speaks no TLS" in text) is not alongside


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--meter", "garage"), "there is no meter 'garage'; the settings have house"),
        (("--search", "zzz"), "no register fits"),
    ],
)
def test_what_does_not_exist_is_named(run: Run, config: Path, arguments: tuple[str, ...], expected: str) -> None:
    result = run("registers", *arguments, "--config", config)
    assert result.exit_code == 1
    assert expected in result.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--json", "--csv"), "--json and --csv exclude each other"),
        (("--csv", "--home-assistant", "--host", "meter.lan"), "--csv and --home-assistant exclude each other"),
        (("--host", "meter.lan"), "give it together with that"),
        (("--iobroker", "--host", "meter.lan"), "give it together with that"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, config: Path, arguments: tuple[str, ...], expected: str) -> None:
    result = run("registers", *arguments, "--config", config)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert result.stdout == ""


def test_a_foreign_slave_is_read(run: Run, port: int) -> None:
    where = ("--host", "127.0.0.1", "--port", str(port))
    result = run("read", "active_power_import", *where)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split() == ["0", "active_power_import", "0000", "03E8", "100.0", "W", "live"]
    found = json.loads(run("read", "0x0", "--count", "3", "--json", *where).stdout)
    assert found["words"] == [0, 1000, 2000]
    assert [value["name"] for value in found["values"]] == ["active_power_import"]


def test_the_slave_of_the_settings_is_read(run: Run, config: Path, port: int) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("1502", str(port)), encoding="utf-8")
    result = run("read", "0", "--config", config)
    assert result.exit_code == 0
    assert "fresh, younger than 5 s" in result.stdout


def test_an_exception_is_told_in_words(run: Run, port: int) -> None:
    result = run("read", "100", "--host", "127.0.0.1", "--port", str(port))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "exception 02: there is no such register" in result.stderr


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("active_power_import", "exception 04: the measurement is stale, or there was none yet"),
        (
            "active_energy_import",
            "exception 04: this counter is not known: there was no measurement yet, or its journal",
        ),
        ("manufacturer_id", "exception 04: the slave has no registers yet: register-store does not run, or hangs"),
    ],
)
def test_why_there_is_no_value_depends_on_what_was_asked_for(run: Run, what: str, words: str) -> None:
    with ForeignMeter({}) as meter:
        meter.failing = dict.fromkeys(range(65_000), ExcCodes.DEVICE_FAILURE)
        result = run("read", what, "--host", "127.0.0.1", "--port", meter.port)
    assert result.exit_code == 1
    assert words in result.stderr
    assert result.stderr.count("exception 04") == 1
    assert result.stderr.count("; or ") == 0


def test_a_slave_that_is_away_is_named(run: Run) -> None:
    number = free_port()
    result = run("read", "0", "--host", "127.0.0.1", "--port", number)
    assert result.exit_code == 1
    assert f"nobody accepts Modbus TCP at 127.0.0.1:{number}" in result.stderr


def test_a_slave_that_is_encrypted_is_not_asked_in_plain(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "metergate.toml"
    path.write_text("[slave]\ntls = true\n")
    result = run("read", "0", "--config", path)
    assert result.exit_code == 1
    assert "encryption is on, and this command speaks plain Modbus TCP" in result.stderr


def test_a_slave_that_says_nothing_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.cli.registers.client.TIMEOUT_S", 0.1)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        result = run("read", "0", "--host", "127.0.0.1", "--port", deaf.getsockname()[1], "--unit", "7")
    assert result.exit_code == 1
    assert "accepts connections, but did not answer for unit 7" in result.stderr


def test_watching_goes_on_without_the_slave_and_ends_with_ctrl_c(port: int, processes: Processes) -> None:
    where = ("--host", "127.0.0.1", "--port", str(port), "--watch", "--every", "0.05")
    assert wait_for(lambda: is_listening(port), "the slave")
    good = processes.start(METERGATE, "read", "0", *where)
    wait_for(lambda: good.output.count("active_power_import") >= 3, "three readings")
    good.send(signal.SIGINT)
    assert good.wait() == 0
    bad = processes.start(METERGATE, "read", "500", *where)
    wait_for(lambda: bad.output.count("exception 02") >= 3, "three refusals")
    bad.send(signal.SIGTERM)
    assert bad.wait() == 0
