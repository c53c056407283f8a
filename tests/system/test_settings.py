"""Settings change while everything runs: a mistake changes nothing and is named, a change restarts what it must."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from tests.support import free_port, is_listening, wait_for
from tests.system.bus import Listener
from tests.system.gateway import Gateway, running, send
from tests.system.wire import Client, ModbusError, number

pytestmark = pytest.mark.system

EXIT_REFUSED, EXIT_CONFIG = 1, 78
TWO = ("[[meter]]\nid = 'a'\nsource = 'simulated'", "[[meter]]\nid = 'b'\nsource = 'simulated'")
MISTAKES = {
    "no TOML": ("[slave\nport = 1", ":1: is not valid TOML"),
    "empty": ("", ":1: the file is empty"),
    "not UTF-8": ("[log]\nlevel = '\udcff'\n", ":2: is not UTF-8 text"),
    "unknown key": ("[slave]\nprot = 1502", ":2: slave.prot: is no setting; did you mean 'port'?"),
    "unknown section": ("\n[slaves]\n", ":2: slaves: is no setting; did you mean 'slave'?"),
    "wrong type": ('[slave]\nport = "1502"', ":2: slave.port: is '1502', but must be a whole number"),
    "out of range": ("[slave]\n\nport = 70000", ":3: slave.port: is 70000, but must be a whole number from 1 to 65535"),
    "missing": ("[[meter]]\nid = 'h'", ":1: meter.source: is missing; give one of"),
    "unknown word": ("[[meter]]\nid = 'h'\nsource = 'modbsu'", ":3: meter.source: is 'modbsu', but must be one of"),
    "no table for the source": ("[[meter]]\nid = 'h'\nsource = 'modbus'", ":3: meter.source: is 'modbus', but there"),
    "bad name": ("[[meter]]\nid = 'House 1'\nsource = 'simulated'", ":2: meter.id: is 'House 1', but must be a name"),
    "same unit twice": (f"{TWO[0]}\n{TWO[1]}", ":4: meter[2].unit: is 1 like that of meter 1"),
    "stale too soon": (f"{TWO[0]}\ncycle_ms = 5000\nstale_after_s = 6", ":5: meter.stale_after_s: is 6, less than two"),
    "caps": ("[slave]\nmax_connections = 5", ":1: slave.max_connections_per_address: is 64, more than"),
    "list for table": ("[[slave]]\nport = 1", ":1: slave: is a list, but must be a table"),
    "thousands": ("[slave]\n" + "".join(f"k{number} = 1\n" for number in range(20_000)), ":2: slave.k0: is no setting"),
    "a key without end": ("a" + ".a" * 20_000 + " = 1", ":1: is not usable: a key has too many parts"),
    "two at once": ("[slave]\nport = 0\nworkers = 99", ":3: slave.workers: is 99"),
}


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[Gateway]:
    with running(short_folder / "g") as started:
        yield started


@pytest.fixture(autouse=True)
def nothing_is_lost(gateway: Gateway) -> Iterator[None]:
    """Whatever a test does to the settings, the energies go on; each begins with the same settings."""
    before = _energy(gateway.port)
    yield
    if gateway.file.read_text(errors="replace") != gateway.text():
        gateway.write()
        gateway.ask("reload")
    gateway.wait_ready()
    assert _energy(gateway.port) >= before


def _energy(port: int) -> tuple[int, int]:
    with Client(port) as client:
        words = client.read(512, 8)
    return number(words[:4]), number(words[4:])


def _change(gateway: Gateway) -> set[str]:
    """Write the settings; the roles that were started anew by that once all are ready."""
    before = gateway.pids()
    gateway.write()
    with Listener(gateway.run_dir, "supervisor") as listener:
        listener.next()  # from here on nothing is missed
        send(gateway.process.pid, signal.SIGHUP)
        event = next(each for each in iter(listener.next, None) if "settings changed" in each.get("text", ""))
    gateway.wait_ready()
    after = gateway.pids()
    fresh = {name for name in before.keys() | after.keys() if after.get(name) != before.get(name)}
    named = set(event["text"].partition("starts again: ")[2].split()) - {"nothing"}
    assert named == fresh & after.keys(), event["text"]
    return fresh


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_changes_nothing_and_is_named(gateway: Gateway, text: str, message: str) -> None:
    before = gateway.pids()
    gateway.write(text)
    wanted = f"{gateway.file}{message}"
    check = gateway.cli("config", "check")
    assert check.returncode == EXIT_CONFIG
    assert wanted in check.stderr
    send(gateway.process.pid, signal.SIGHUP)
    wait_for(lambda: wanted in gateway.ask("ps")["config_error"], wanted)
    shown = gateway.cli("ps")
    assert shown.returncode == 0
    assert wanted in shown.stderr
    assert gateway.pids() == before
    with Client(gateway.port) as client:
        assert client.read(0, 2)


@pytest.mark.parametrize("text", ["[slave]\nport = 70000\n", None], ids=["wrong", "deleted"])
def test_what_runs_is_found_whatever_became_of_its_file(gateway: Gateway, text: str | None) -> None:
    gateway.file.unlink()
    if text is not None:
        gateway.write(text)
    answers = {words: gateway.cli(*words.split()) for words in COMMANDS}
    gateway.write()
    wait_for(lambda: not gateway.ask("ps")["config_error"], "the correction")
    for words, answer in answers.items():
        assert (answer.returncode, COMMANDS[words] in answer.stdout) == (0, True), f"{words}: {answer}"


COMMANDS = {
    "read manufacturer_id": "manufacturer_id",
    "registers --search active_power_import": " W",
    "clients": "",
    "audit --verify": "",
    "health": "plain-slave=ready",
    "ps": "plain-slave",
}
"""Commands for what runs -> what stands in their answer."""


def test_a_mistake_is_noticed_by_itself_and_so_is_its_correction(gateway: Gateway) -> None:
    before = gateway.pids()
    with Listener(gateway.run_dir, "supervisor", "event/") as events:
        gateway.write("[slave]\nport = -1\n")
        event = next(event for event in iter(events.next, None) if event["kind"] == "config.invalid")
    assert f"{gateway.file}:2: slave.port: is -1" in event["text"]
    gateway.write()
    wait_for(lambda: not gateway.ask("ps")["config_error"], "the correction")
    assert gateway.pids() == before


MODBUS = 'source = "modbus"\n[meter.modbus]\nhost = "127.0.0.1"\nprofile = '
REFERENCES = {
    "profile": (f'{MODBUS}"sunspecc"', ".profile: there is no profile 'sunspecc'"),
    "own profile": (f'{MODBUS}"no.toml"', "no.toml: profile cannot be read"),
    "table": ('source = "replay"\n[meter.replay]\nfile = "wrong.csv"', "wrong.csv:1: column 'power' is no quantity"),
}


@pytest.mark.parametrize(("source", "message"), REFERENCES.values(), ids=REFERENCES)
def test_a_wrong_file_that_the_settings_name_changes_nothing(gateway: Gateway, source: str, message: str) -> None:
    (gateway.folder / "wrong.csv").write_text("t,power\n0,1\n", encoding="utf-8")
    before = gateway.pids()
    text = gateway.text().partition("[[meter]]")[0]
    gateway.write(f'{text}[[meter]]\nid = "house"\n{source}\n')
    wait_for(lambda: message in gateway.ask("ps")["config_error"], message)  # noticed by itself
    assert str(gateway.file) in gateway.cli("ps").stderr
    check = gateway.cli("config", "check")
    assert (check.returncode, message in check.stderr) == (EXIT_CONFIG, True)
    assert gateway.pids() == before
    with Client(gateway.port) as client:
        assert client.read(0, 2)


def test_a_named_file_that_is_mended_clears_the_refusal_by_itself(gateway: Gateway) -> None:
    table = gateway.folder / "mended.csv"
    table.write_text("t,power\n0,1\n", encoding="utf-8")
    before = gateway.pids()
    wait_for(lambda: _energy(gateway.port) > (0, 0), "some energy")
    energy = _energy(gateway.port)
    text = gateway.text().partition("[[meter]]")[0]
    gateway.write(f'{text}[[meter]]\nid = "house"\nsource = "replay"\n[meter.replay]\nfile = "mended.csv"\n')
    wait_for(lambda: "mended.csv:1: column 'power'" in gateway.ask("ps")["config_error"], "the refusal")
    table.write_text("t,active_power\n0,1\n1,1\n", encoding="utf-8")
    wait_for(lambda: not gateway.ask("ps")["config_error"], "no refusal any more")
    gateway.wait_ready()
    after = gateway.pids()
    assert {name for name in after if after[name] != before[name]} == {"measurement", "register-store"}
    wait_for(lambda: _energy(gateway.port) == (0, 0), "the energies of the table, which are counted apart")
    gateway.write()
    wait_for(lambda: _energy(gateway.port) >= energy, "the energies of the first source")


def test_settings_that_are_wrong_at_the_start_end_at_once(gateway: Gateway) -> None:
    gateway.write("[slave]\nport = -1\n")
    second = gateway.cli("up")
    assert second.returncode == EXIT_CONFIG
    assert f"{gateway.file}:2: slave.port: is -1" in second.stderr


@pytest.mark.parametrize(
    ("old", "new", "roles"),
    [
        ('start = "11:30"', 'start = "11:30"\nseed = 7', {"measurement"}),
        ('id = "house"', 'id = "house"\ncycle_ms = 500', {"measurement", "register-store"}),
        ('id = "house"', 'id = "house"\nunit = 9', {"register-store", "plain-slave"}),
        ('id = "house"', 'id = "house"\nsunspec_layout = "2.5"', {"register-store"}),
        ('start = "11:30"', 'start = "11:30"\n[wallbox]\npresent = true', {"register-store"}),
        ('host = "127.0.0.1"', 'host = "127.0.0.1"\nmax_connections = 100', {"plain-slave"}),
    ],
    ids=["seed", "cycle", "unit", "layout", "wallbox", "connections"],
)
def test_a_valid_change_restarts_exactly_whom_it_concerns(
    gateway: Gateway, old: str, new: str, roles: set[str]
) -> None:
    with _settings(gateway) as original:
        assert original.count(old) == 1
        gateway.text = lambda: original.replace(old, new)  # type: ignore[method-assign]
        assert _change(gateway) == roles
        with Client(gateway.port) as client:
            assert client.read(0, 2, unit=9)
    assert _change(gateway) == roles


@contextlib.contextmanager
def _settings(gateway: Gateway) -> Iterator[str]:
    """The settings as text; whatever replaces `text` meanwhile is taken back."""
    try:
        yield gateway.text()
    finally:
        vars(gateway).pop("text", None)


def test_another_port(gateway: Gateway) -> None:
    first, gateway.port = gateway.port, free_port()
    assert _change(gateway) == {"plain-slave"}
    with Client(gateway.port) as client:
        assert client.read(0, 2)
    assert not is_listening(first)


def test_workers_come_and_go(gateway: Gateway) -> None:
    gateway.slave = "workers = 2"
    assert _change(gateway) == {"plain-slave", "plain-slave.2"}
    with Listener(gateway.run_dir, "plain-slave.2", "sessions/") as sessions:
        clients: list[Client] = []
        try:
            while not sessions.next()["connections"]:  # the kernel shares them out
                clients += [Client(gateway.port) for _ in range(5)]
                assert all(client.read(0, 2) for client in clients)
        finally:
            for client in clients:
                client.close()
    for count in (3, 2):
        gateway.slave = f"workers = {count}"
        assert _change(gateway) == {"plain-slave.3"}, "those that share the port already go on"
    gateway.slave = ""
    assert _change(gateway) == {"plain-slave", "plain-slave.2"}
    assert "plain-slave.2" not in gateway.children()


def test_plain_connections_outlive_the_coming_of_tls_beside_them(gateway: Gateway) -> None:
    with Client(gateway.port) as client:
        assert client.read(0, 2)
        gateway.slave = f"tls = true\nplain_alongside_tls = true\ntls_port = {free_port()}"
        assert _change(gateway) == {"tls-slave", "certificate-manager"}
        assert client.read(0, 2)
        gateway.slave = ""
        assert _change(gateway) == {"tls-slave", "certificate-manager"}
        assert client.read(0, 2)


def test_a_restart_of_the_slave_refuses_nobody(gateway: Gateway) -> None:
    faults: list[str] = []
    served = 0
    done = threading.Event()

    def connect() -> None:
        nonlocal served
        while not done.is_set():
            try:
                with Client(gateway.port) as client:
                    client.read(0, 28)
                    served += 1
            except ConnectionRefusedError as error:
                faults.append(repr(error))
            except (EOFError, ConnectionError):
                pass  # accepted by the process that was asked to end
            except (TimeoutError, ModbusError) as error:
                faults.append(repr(error))

    client = threading.Thread(target=connect)
    client.start()
    try:
        for cap in (100, 101, 102, 103):
            gateway.slave = f"max_connections = {cap}"
            assert _change(gateway) == {"plain-slave"}
            before = served
            wait_for(lambda before=before: served > before, "a client served")  # type: ignore[misc]
    finally:
        done.set()
        client.join()
        gateway.slave = ""
    assert faults == []


def test_a_disabled_slave_has_no_port(gateway: Gateway) -> None:
    before = gateway.pids()
    gateway.slave = "enabled = false"
    gateway.write()
    send(gateway.process.pid, signal.SIGHUP)
    wait_for(lambda: gateway.children()["plain-slave"]["state"] == "disabled", "no slave")
    assert not is_listening(gateway.port)
    assert gateway.cli("health").returncode == 0
    refused = gateway.cli("start", "plain-slave")
    assert (refused.returncode, "disabled in the settings" in refused.stderr) == (EXIT_REFUSED, True)
    gateway.slave = ""
    gateway.write()
    gateway.ask("reload")
    gateway.wait_ready()
    after = gateway.pids()
    assert {name for name in after if after[name] != before[name]} == {"plain-slave"}


def test_what_needs_a_new_start_of_all_is_said_and_changes_nothing(gateway: Gateway) -> None:
    before = gateway.pids()
    gateway.write(gateway.text().replace('format = "json"', 'format = "json"\nlevel = "debug"'))
    gateway.ask("reload")
    assert "[log] changed; restart metergate to use it" in gateway.ask("ps")["config_pending"]
    assert gateway.pids() == before


def test_who_starts_while_a_change_of_the_bus_waits_still_finds_the_others(gateway: Gateway) -> None:
    public, secret = zmq.curve_keypair()
    (gateway.folder / "bus.key").write_bytes(secret)
    (gateway.folder / "bus.key").chmod(0o600)
    roles = '["measurement", "register-store", "plain-slave"]'
    host = f'[[bus.host]]\nname = "here"\naddress = "127.0.0.1"\npublic_key = "{public.decode()}"\nroles = {roles}\n'
    bus = f'[bus]\ntransport = "tcp"\nthis = "here"\nsecret_key_file = "bus.key"\nport = {free_port()}\n{host}'
    with _settings(gateway) as original:
        gateway.text = lambda: original.replace('host = "127', 'max_connections = 99\nhost = "127') + bus  # type: ignore[method-assign]
        assert _change(gateway) == {"plain-slave"}
        assert "[bus] changed; restart metergate" in gateway.ask("ps")["config_pending"]
        gateway.ask("restart", role="register-store")
        energy = _energy(gateway.port)
        wait_for(lambda: _energy(gateway.port) > energy, "values that come by all three roles")
        assert gateway.cli("clients").returncode == 0


def test_a_second_one_is_refused_and_harms_nothing(gateway: Gateway) -> None:
    before = gateway.pids()
    second = gateway.cli("up")
    assert second.returncode == EXIT_REFUSED
    assert "supervisor is already running" in second.stderr
    alone = gateway.cli("run", "plain-slave")
    assert alone.returncode == EXIT_REFUSED
    assert gateway.pids() == before
