"""Pushing into web services that nobody here wrote: over https after Accept only, signed, retried, as documented."""

import json
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
import pytest

from tests.shared.tls.material import make
from tests.support import ROOT, Processes, wait_for
from tests.system.bus import Message
from tests.system.foreign_receiver import KINDS, ForeignReceiver
from tests.system.gateway import Gateway, running
from tests.system.pushing import registers, rows
from tests.system.tables import constant, household, replay

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]

SCHEMA: Final = json.loads((ROOT / "docs" / "web-receivers.schema.json").read_text(encoding="utf-8"))
TROUBLE: Final = ("500", "429", "reset", "503")
FOREIGN: Final = [pytest.param(kind, marks=[pytest.mark.foreign] if kind == "node" else []) for kind in KINDS]


def _settings(folder: Path, url: str) -> str:
    (folder / "token").write_text("t0ken\n")
    (folder / "key").write_text("k3y\n")
    return (
        f'[master]\nenabled = true\n[[master.slave]]\naddress = "{url}"\nlabel = "billing"\n'
        f'token_file = "{folder}/token"\nhmac_file = "{folder}/key"\n'
    )


def _judge(body: dict[str, Any], shown: list[tuple[int, ...]]) -> None:
    """It is what the schema says, has no field besides, and holds what the plain slave shows."""
    jsonschema_rs.validator_for(SCHEMA, validate_formats=True).validate(body)
    assert body.keys() == SCHEMA["properties"].keys()
    groups = SCHEMA["properties"]["groups"]["properties"]
    assert body["groups"].keys() == groups.keys()
    assert all(body["groups"][name].keys() == groups[name]["properties"].keys() for name in groups)
    found = [body["groups"][name]["registers"] for name in groups]
    assert found == [*map(list, shown[:3]), [*shown[3], *shown[4]]]
    energy = body["groups"]["energy_total"]["values"]["active_energy_import"]
    assert energy == pytest.approx(household(-1)["active_energy_import"], abs=0.1)


def _peers(gateway: Gateway) -> list[Message]:
    done = gateway.cli("certs", "list", "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("kind", FOREIGN)
def test_over_https_after_accept_only(kind: str, processes: Processes, run_dir: Path) -> None:
    constant(run_dir / "still.csv", household(-1))
    pem = make("a web service").save(run_dir)
    service = ForeignReceiver(kind, processes, pem, "t0ken", "k3y", *TROUBLE)
    more = _settings(run_dir, f"https://127.0.0.1:{service.port}/in")
    with running(run_dir / "g", replay(run_dir / "still.csv"), more=more) as gateway:
        row = wait_for(lambda: [each for each in rows(gateway) if each["state"] == "untrusted"], "a verdict", 20)[0]
        assert f"metergate certs accept {row['fingerprint']}" in row["reason"]
        (listed,) = [each for each in _peers(gateway) if each["fingerprint"] == row["fingerprint"]]
        assert listed["status"] == "pending"
        assert "out" in json.dumps(listed)
        assert service.got() == []

        assert gateway.cli("certs", "accept", row["fingerprint"]).returncode == 0
        wait_for(lambda: service.answers().count("204") > 3, "messages, after all that went wrong", 30)
        assert service.answers()[: len(TROUBLE)] == list(TROUBLE)
        wait_for(lambda: rows(gateway)[0]["state"] == "ok", "its state")
        _judge(service.got()[-1][1], registers(gateway.port))
        tested = gateway.cli("slaves", "test", "billing")
        assert f"127.0.0.1:{service.port} took 374 registers" in tested.stdout, tested.stderr

        assert gateway.cli("certs", "delete", row["fingerprint"]).returncode == 0
        count = len(service.got())
        wait_for(lambda: rows(gateway)[0]["state"] == "untrusted", "it is unknown again")
        assert len(service.got()) <= count + 1, "at most what was on its way"


@pytest.mark.parametrize("kind", FOREIGN)
def test_over_http_signed_and_with_a_token(kind: str, processes: Processes, run_dir: Path) -> None:
    constant(run_dir / "still.csv", household(-1))
    service = ForeignReceiver(kind, processes, None, "t0ken", "k3y", *TROUBLE)
    more = _settings(run_dir, f"http://127.0.0.1:{service.port}/in?site=7")
    (run_dir / "token").write_text("another\n")
    with running(run_dir / "g", replay(run_dir / "still.csv"), more=more) as gateway:
        assert "the token goes over the network unencrypted" in gateway.process.output
        wait_for(lambda: "401" in service.answers(), "a refusal")
        wait_for(lambda: "answered 401" in rows(gateway)[0]["reason"], "its words")
        assert "check token_file and hmac_file" in rows(gateway)[0]["reason"]
        assert set(service.answers()) == {"401"}
        (run_dir / "token").write_text("t0ken\n")
        wait_for(lambda: service.answers().count("204") > 3, "messages, without a new start", 40)
        assert [what for what in service.answers() if what not in ("401", "204")] == list(TROUBLE)
        for what, body in service.got():
            if what == "204":
                _judge(body, registers(gateway.port))
        deliveries = [body["delivery"] for what, body in service.got() if what == "204"]
        assert len(set(deliveries)) == len(deliveries), "none twice"
        assert rows(gateway)[0]["failures"] > len(TROUBLE)


def test_the_example_of_the_page_is_right() -> None:
    page = (ROOT / "docs" / "web-receivers.md").read_text(encoding="utf-8")
    example = json.loads(page.partition("```json\n")[2].partition("```")[0])
    schema = json.loads(json.dumps(SCHEMA).replace('"minItems": 28', '"minItems": 4'))  # the page shortens it
    jsonschema_rs.validator_for(schema, validate_formats=True).validate(example)
    assert example.keys() == SCHEMA["properties"].keys()
    assert all(f"| `{name}` |" in page for name in SCHEMA["properties"])
    assert "web-receivers.schema.json" in page


def test_the_schema_is_no_rubber_stamp() -> None:
    good = {
        "schema": "metergate/push/1", "meter": "house", "time": "2026-11-22T21:51:29.514Z", "delivery": "house-1-2",
        "mean_ms": 0, "groups": {"energy_total": {"first": 512, "registers": [0] * 40, "values": {"x": 1.5}}},
    }  # fmt: skip
    validator = jsonschema_rs.validator_for(SCHEMA, validate_formats=True)
    assert validator.is_valid(good)
    wrongs: tuple[dict[str, object], ...] = (
        {"schema": "metergate/push/2"},
        {"time": "2026-11-22 21:51:29"},
        {"mean_ms": -1},
        {"groups": {}},
        {"groups": {"energy_total": {"first": 512, "registers": [0] * 39, "values": {"x": 1.5}}}},
        {"groups": {"energy_total": {"first": 512, "registers": [65536] * 40, "values": {"x": 1.5}}}},
        {"groups": {"energy_total": {"first": 512, "registers": [0] * 40, "values": {"x": "1.5"}}}},
    )
    for wrong in wrongs:
        assert not validator.is_valid(good | wrong), wrong
