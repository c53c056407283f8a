"""What the console can do, each by a request to a running gateway, and what a Modbus client or a slave sees of it."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.tls.certificate import fingerprint
from tests.shared.tls.material import make
from tests.support import Processes, is_listening, wait_for
from tests.system.console import Api, ConsoleGateway
from tests.system.foreign_slave import ForeignSlave
from tests.system.tls import TlsClient
from tests.system.wire import Client, ModbusError, answers

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def gateway(short_folder: Path) -> Iterator[ConsoleGateway]:
    made = ConsoleGateway(short_folder / "g")
    try:
        made.start()
        yield made
    finally:
        made.end()


@pytest.fixture
def api(gateway: ConsoleGateway) -> Iterator[Api]:
    """With the settings of the beginning, before and after."""
    text = gateway.file.read_text()
    yield gateway.admin
    if gateway.file.read_text() != text:
        gateway.write(text)
        gateway.ask("reload")
    gateway.wait_ready()


def state(api: Api, name: str) -> dict[str, Any]:
    """Of one process."""
    rows: list[dict[str, Any]] = api.get("/processes")["processes"]
    return next((row for row in rows if row["name"] == name), {"state": ""})


def test_a_certificate_is_accepted_and_deleted(gateway: ConsoleGateway, api: Api, tmp_path: Path) -> None:
    inverter = make("inverter & co")
    name = fingerprint(inverter.der)
    with TlsClient(gateway.tls_port, inverter.save(tmp_path)) as client:
        with pytest.raises(ModbusError, match="01"):
            client.read(0, 2)
        found = wait_for(
            lambda: [row for row in api.get("/certificates")["certificates"] if row["fingerprint"] == name], "pending"
        )
        assert (found[0]["status"], "inverter & co" in found[0]["subject"]) == ("pending", True)
        assert "".join(found[0]["groups"]).lower() == name
        made = api.do("POST", f"/certificates/{name}/accept", {"grant": "r", "label": "Inverter"})
        assert made["certificate"]["status"] == "accepted"
        assert len(client.read(0, 2)) == 2, "the next poll is served"
        assert api.do("DELETE", f"/certificates/{name}")["closed"] == 1
        client.wait_cut()
    (record,) = [each for each in api.get("/audit?what=certificate.delete")["records"] if each["target"] == name]
    assert record["by"].startswith("console:")


def test_encryption_is_switched_off_and_on(gateway: ConsoleGateway, api: Api) -> None:
    assert not is_listening(gateway.port)
    done = api.do("PATCH", "/slave", {"tls": False})
    assert "plain-slave" in done["text"]
    wait_for(lambda: answers(gateway.port), "plain registers", 20)
    with Client(gateway.port) as client:
        client.read(0, 2)
        shown = wait_for(lambda: found if (found := api.get("/slave"))["plain_connections"] else {}, "who is there")
        assert shown["tls"] is False
        assert shown["plain_clients"][0].startswith("127.0.0.1:")
        api.do("PATCH", "/slave", {"tls": True})
        wait_for(lambda: not is_listening(gateway.port), "the plain port closes", 20)
        assert client.is_ended()
    wait_for(lambda: state(api, "tls-slave")["state"] == "ready", "the TLS slave", 20)
    assert is_listening(gateway.tls_port)
    assert "tls = true" in gateway.file.read_text()


def test_a_slave_is_added_tested_changed_and_deleted(api: Api, tmp_path: Path, processes: Processes) -> None:
    foreign = ForeignSlave("pymodbus", processes, tmp_path)
    assert api.get("/push")["enabled"] is False
    address = f"127.0.0.1:{foreign.port}"
    api.do("POST", "/push/slaves", {"address": address, "settings": {"label": "PLC"}})
    tried = api.do("POST", f"/push/slaves/1/test?address={address}")
    assert (tried["ok"], "registers" in tried["text"]) == (True, True), f"while pushing is off: {tried}"
    with Client(foreign.port) as client:
        assert any(client.read(0, 28)), "it was really written to"
    api.do("PATCH", "/push", {"enabled": True, "groups": {"energy_phases": False}})
    (row,) = api.get("/push")["slaves"]
    assert (row["number"], row["address"], row["settings"], row["name"]) == (1, address, {"label": "PLC"}, "PLC")
    tested = api.do("POST", f"/push/slaves/1/test?address={address}")
    assert tested["ok"], tested
    wait_for(lambda: api.get("/push")["slaves"][0]["state"] == "ok", "pushed", 20)
    with Client(foreign.port) as client:
        wait_for(lambda: any(client.read(0, 28)), "registers")
    groups = {group["name"]: group for group in api.get("/push")["groups"]}
    assert groups["energy_phases"]["enabled"] is False
    assert groups["instantaneous_total"]["registers"][0]["name"] == "active_power_import"
    refused = api.ask("PATCH", "/push/slaves/1", {"address": "another", "settings": {"enabled": False}})
    assert (refused.status, "no longer 'another'" in refused.error) == (409, True)
    wrong = api.ask("PATCH", "/push/slaves/1", {"address": address, "settings": {"function": 7}})
    assert (wrong.status, wrong.body["error"]["where"]) == (422, "master.slave.function")
    api.do("PATCH", "/push/slaves/1", {"address": address, "settings": {"enabled": False, "label": None}})
    (row,) = api.get("/push")["slaves"]
    assert (row["settings"], row["enabled"]) == ({"enabled": False}, False)
    api.do("DELETE", f"/push/slaves/1?address={address}")
    assert api.get("/push")["slaves"] == []
    away = api.ask("POST", f"/push/slaves/1/test?address={address}")
    assert (away.status, "look again" in away.error) == (404, True)


def test_what_keeps_a_slave_from_taking_it_is_said(api: Api) -> None:
    api.do("POST", "/push/slaves", {"address": "127.0.0.1:1", "settings": {"timeout_s": 0.2}})
    off = api.do("POST", "/push/slaves/1/test?address=127.0.0.1:1")
    assert (off["ok"], "refused" in off["text"]) == (False, True)
    api.do("PATCH", "/push", {"enabled": True})
    tested = api.do("POST", "/push/slaves/1/test?address=127.0.0.1:1")
    assert (tested["ok"], "refused" in tested["text"]) == (False, True)
    for _ in range(9):
        api.do("POST", "/push/slaves", {"address": "127.0.0.1:1", "settings": {"enabled": False}})
    eleventh = api.ask("POST", "/push/slaves", {"address": "127.0.0.1:1"})
    assert (eleventh.status, "10 at most" in eleventh.error) == (409, True)


def test_a_role_is_restarted_stopped_and_started(gateway: ConsoleGateway, api: Api) -> None:
    with gateway.admin.following("events") as events:
        before = gateway.pid("measurement")
        assert "started again" in api.do("POST", "/processes/measurement/restart")["text"]
        assert gateway.pid("measurement") != before
        asked = next(data for _, data in events if data["kind"] == "role.restart")
        assert asked["data"]["by"] == "console:token:a admin"
    row = state(api, "measurement")
    assert (row["supervisor"], row["state"], row["role"]) == ("supervisor", "ready", "measurement")
    assert row["rss_kib"] > 1000
    api.do("POST", "/processes/measurement/stop")
    wait_for(lambda: state(api, "measurement")["state"] == "stopped", "told")
    api.do("POST", "/processes/measurement/start")
    refused = api.ask("POST", "/processes/plain-slave/start")
    assert (refused.status, "disabled in the settings" in refused.error) == (409, True)
    assert api.ask("POST", "/processes/nobody/restart").status == 404


def test_the_console_restarts_itself_after_its_answer(gateway: ConsoleGateway, api: Api) -> None:
    before = gateway.pid("console")
    assert "back within seconds" in api.do("POST", "/processes/console/restart")["text"]
    wait_for(lambda: gateway.pid("console") != before, "another process", 20)
    wait_for(lambda: is_listening(gateway.console_port), "the console", 20)
    assert api.get("/settings")["error"] == ""


def test_a_client_is_paused_resumed_and_disconnected(gateway: ConsoleGateway, api: Api, tmp_path: Path) -> None:
    inverter = make("steered")
    name = fingerprint(inverter.der)
    with TlsClient(gateway.tls_port, inverter.save(tmp_path)) as client:
        wait_for(lambda: gateway.status(inverter), "listed")
        api.do("POST", f"/certificates/{name}/accept", {"grant": "rw"})
        client.read(40, 2)
        row: dict[str, Any] = wait_for(
            lambda: next((r for r in api.get("/clients")["clients"] if r["start"] == 40), {}), "the last request"
        )
        assert (row["instance"], row["tls"], row["fingerprint"], row["function"]) == ("tls-slave", True, name, 3)
        assert api.do("POST", "/clients/pause", {"who": name})["connections"] == 1
        with pytest.raises(ModbusError, match="06"):
            client.read(0, 2)
        assert name in wait_for(lambda: api.get("/clients")["slaves"][0]["paused"], "told")
        api.do("POST", "/clients/resume", {"who": name})
        client.read(0, 2)
        again = api.ask("POST", "/clients/resume", {"who": name})
        assert (again.status, "is not paused" in again.error) == (409, True)
        api.do("POST", "/clients/disconnect", {"peer": row["peer"]})
        assert client.is_ended()
    gone = api.ask("POST", "/clients/disconnect", {"peer": "192.0.2.1:5"})
    assert gone.status == 409


def test_bad_settings_cannot_be_applied_and_say_line_and_key(gateway: ConsoleGateway, api: Api) -> None:
    now = api.get("/settings")
    before, pids = gateway.file.read_bytes(), gateway.pids()
    assert (now["text"].encode(), now["writable"], now["error"]) == (before, True, "")
    assert {key["name"] for key in now["keys"]} >= {"slave", "meter", "console"}
    assert {"key": "slave.tls", "value": True}.items() <= next(
        each for each in now["values"] if each["key"] == "slave.tls"
    ).items()
    bad = now["text"].replace("tls = true", "tls = true\nworkers = 99")
    line = bad.splitlines().index("workers = 99") + 1
    checked = api.do("POST", "/settings/check", {"text": bad})
    (mistake,) = checked["errors"]
    assert (mistake["line"], mistake["key"]) == (line, "slave.workers")
    assert "+workers = 99" in checked["diff"]
    refused = api.ask("PUT", "/settings", {"text": bad, "revision": now["revision"]})
    assert (refused.status, refused.body["error"]["where"]) == (422, "slave.workers")
    assert f"line {line}: slave.workers: is 99" in refused.error
    profile = (
        '[[meter]]\nid = "other"\nunit = 2\nsource = "modbus"\n[meter.modbus]\nhost = "192.0.2.1"\nprofile = "kse"'
    )
    refused = api.ask("PUT", "/settings", {"text": f"{now['text']}\n{profile}\n", "revision": now["revision"]})
    assert (refused.status, "there is no profile 'kse'" in refused.error) == (422, True)
    stale = api.ask("PUT", "/settings", {"text": now["text"] + "# more\n", "revision": "0" * 64})
    assert (stale.status, "changed meanwhile" in stale.error) == (409, True)
    patched = api.ask("PATCH", "/settings", {"set": {"slave.port": 0}})
    assert (patched.status, patched.body["error"]["where"]) == (422, "slave.port")
    assert gateway.file.read_bytes() == before
    assert gateway.pids() == pids


def test_a_change_says_what_starts_again_and_is_in_force_a_moment_later(gateway: ConsoleGateway, api: Api) -> None:
    now = api.get("/settings")
    with api.following("settings") as events:
        checked = api.do("POST", "/settings/check", {"text": now["text"], "set": {"meter.cycle_ms": 500}})
        assert checked["errors"] == []
        assert checked["restarts"] == ["measurement", "register-store"]
        assert tomllib.loads(checked["text"])["meter"][0]["cycle_ms"] == 500
        assert next(each for each in checked["values"] if each["key"] == "meter.cycle_ms")["value"] == 500
        before = gateway.pids()
        done = api.do("PUT", "/settings", {"text": checked["text"], "revision": now["revision"]})
        assert done["restarts"] == ["measurement", "register-store"]
        told = next(data for _, data in events if data["revision"] == done["revision"])
        assert told["error"] == ""
    wait_for(lambda: api.get("/meters")["meters"][0]["cycle_ms"] == 500, "in force", 20)
    gateway.wait_ready()
    after = gateway.pids()
    assert {name for name in after if after[name] != before.get(name)} == {"measurement", "register-store"}
    record = api.get("/audit?what=settings.")["records"][0]
    assert (record["target"], record["by"]) == ("meter.cycle_ms", "console:token:a admin")
    back = api.do("PATCH", "/settings", {"set": {"meter.cycle_ms": None}, "revision": done["revision"]})
    assert back["revision"] == now["revision"], "every comment and line as before"


def test_who_edits_by_hand_is_noticed(gateway: ConsoleGateway, api: Api) -> None:
    with api.following("settings") as events:
        gateway.write(gateway.text() + "[slave\n")
        told = next(data for _, data in events if data["error"])
        assert "is not valid TOML" in told["error"]
    shown = api.get("/settings")
    assert (shown["values"], "is not valid TOML" in shown["error"]) == ([], True)
    assert api.do("POST", "/settings/check", {"text": "[slave\n", "set": {"slave.port": 1}})["errors"][0]["line"] == 1
    api.do("PUT", "/settings", {"text": gateway.text() + "# cured\n", "revision": shown["revision"]})


@pytest.mark.usefixtures("api")
def test_scopes_bound_what_a_token_may(gateway: ConsoleGateway) -> None:
    reads, operates = gateway.token("read"), gateway.token("operate")
    for path in ("/settings", "/push", "/slave", "/clients", "/processes", "/registers", "/audit", "/certificates"):
        assert reads.ask("GET", path).status == 200, path
        assert Api(gateway.console_port).ask("GET", path).status == 401, path
    for method, path, body in (
        ("PUT", "/settings", {"text": "", "revision": "0" * 64}),
        ("PATCH", "/settings", {"set": {"slave.port": 1}}),
        ("PATCH", "/slave", {"tls": False}),
        ("PATCH", "/push", {"enabled": True}),
        ("POST", "/push/slaves", {"address": "a"}),
        ("DELETE", "/push/slaves/1?address=a", None),
    ):
        assert operates.ask(method, path, body).status == 403, path
    for path, body in (("/processes/measurement/restart", None), ("/clients/pause", {"who": "192.0.2.1"})):
        assert reads.ask("POST", path, body).status == 403, path
    assert operates.ask("POST", "/processes/nobody/restart").status == 404


def test_registers_and_their_exports(api: Api) -> None:
    shown = wait_for(lambda: found if not (found := api.get("/registers"))["stale"] else {}, "fresh registers")
    row = shown["registers"][0]
    assert (row["name"], row["address"], row["state"], len(row["words"])) == ("active_power_import", 0, "ok", 2)
    assert "active_power_import" in api.get("/registers/export/csv")
    assert "modbus:" in api.get("/registers/export/home-assistant")
    assert api.ask("GET", "/registers/export/xml").status == 422


def test_a_recording_is_one_of_metergate(gateway: ConsoleGateway, api: Api, tmp_path: Path) -> None:
    with api.reading("/tap/record?seconds=1&topic=sample/") as answer:
        (tmp_path / "today.tape").write_bytes(answer.read())
    shown = gateway.cli("replay", str(tmp_path / "today.tape"), "--speed", "100")
    assert "sample/house" in shown.stdout, shown.stderr
