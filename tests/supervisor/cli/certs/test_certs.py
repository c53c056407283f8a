"""The owner's commands against a real certificate manager."""

import asyncio
import json
import os
from pathlib import Path

import click.testing
import pytest

from shared.tls import keys
from shared.tls.certificate import fingerprint
from shared.tls.fingerprint import grouped
from shared.tls.keys import Kind
from supervisor.cli.app import app
from tests.services.certificate_manager.made import der, pem
from tests.services.certificate_manager.running import Stage, play, stage
from tests.support import until


def written(folder: Path) -> Path:
    path = folder / "metergate.toml"
    path.write_text('[gateway]\nrun_dir = "."\nstate_dir = "state"\n[certificates]\nkeys_dir = "keys"\n')
    return path


@pytest.fixture
def config(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("METERGATE_")]:
        monkeypatch.delenv(name)
    return written(run_dir)


async def metergate(config: Path, *arguments: str) -> click.testing.Result:
    runner = click.testing.CliRunner()
    return await asyncio.to_thread(runner.invoke, app, [*arguments, "--config", str(config)])


async def done(config: Path, *arguments: str) -> str:
    result = await metergate(config, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


async def accepted(on: Stage, config: Path, certificate: bytes) -> str:
    slave = await on.instance()
    slave.show(certificate)
    await on.owner.listed(certificate)
    name = fingerprint(certificate)
    await done(config, "certs", "accept", name)
    await until(lambda: slave.trust and name in slave.trust.accepted, "trust")
    slave.connections[name] = 2
    slave.say()
    return name


def test_list_accept_label_delete(run_dir: Path, config: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            assert await done(config, "certs", "list") == "no certificate was seen yet, and none is accepted\n"
            assert json.loads(await done(config, "certs", "list", "--json")) == []
            certificate = der("heat pump", role="Operator")
            name, slave = fingerprint(certificate), await on.instance()
            slave.show(certificate)
            await on.owner.listed(certificate)
            listed = await done(config, "certs", "list")
            assert listed.startswith("NOT ACCEPTED  CN=heat pump\n")
            assert grouped(name) in listed
            assert "connects from 192.168.0.9" in listed
            output = await done(config, "certs", "accept", *grouped(name).split()[:3], "--read-only", "--label", "Pump")
            assert output == f"accepted, reads only: {grouped(name)}\n"
            (row,) = json.loads(await done(config, "certs", "list", "--json"))
            assert {key: row[key] for key in ("fingerprint", "status", "subject", "grant", "label", "role", "key")} == {
                "fingerprint": name, "status": "accepted", "subject": "CN=heat pump", "grant": "r", "label": "Pump",
                "role": "Operator", "key": "EC P-256",
            }  # fmt: skip
            assert set(row) >= {
                "direction", "not_before", "not_after", "first_seen", "last_seen", "addresses", "flags",
            }  # fmt: skip
            assert "is called 'Heat pump'" in await done(config, "certs", "label", name, "Heat pump")
            shown = await done(config, "certs", "show", name)
            assert 'accepted  "Heat pump"' in shown
            assert pem(certificate).decode().strip() in shown
            assert (await done(config, "certs", "delete", name)) == f"deleted, 0 connections closed: {grouped(name)}\n"

    play(story())


def test_delete_says_how_many_connections_were_closed(run_dir: Path, config: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            name = await accepted(on, config, der())
            assert (await done(config, "certs", "delete", name)) == f"deleted, 2 connections closed: {grouped(name)}\n"

    play(story())


def test_failures_are_one_clear_line_and_exit_code_1(run_dir: Path, config: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            certificate = der()
            slave = await on.instance()
            slave.show(certificate)
            await on.owner.listed(certificate)
            for arguments, text in (
                (("certs", "accept", "ab" * 32), "no certificate abababab"),
                (("certs", "delete", fingerprint(certificate)), "it is not accepted, so it is not served"),
                (("certs", "accept", "12"), "too short"),
                (("certs", "own", "--import", "none.key", "none.pem"), "none.pem cannot be read"),
            ):
                result = await metergate(config, *arguments)
                assert result.exit_code == 1
                assert len(result.stderr.splitlines()) == 1
                assert text in result.stderr
            assert (await done(config, "certs", "dismiss", fingerprint(certificate)[:12])).startswith("dismissed: ")
        result = await metergate(config, "certs", "list")
        assert result.exit_code == 1
        assert "metergate: certificate-manager does not run under" in result.stderr

    play(story())


def test_own_certificates(run_dir: Path, config: Path) -> None:
    async def story() -> None:
        async with stage(run_dir):
            rows = json.loads(await done(config, "certs", "own", "--json"))
            assert [(row["kind"], row["subject"]) for row in rows] == [
                ("ec", "CN=meter.local"),
                ("rsa", "CN=meter.local"),
            ]
            assert "(signed by itself)" in await done(config, "certs", "own")
            target = run_dir / "ours.pem"
            assert (await done(config, "certs", "own", "--export", str(target))) == f"{target}: 2 certificates\n"
            assert "BEGIN CERTIFICATE REQUEST" in await done(config, "certs", "own", "--csr")
            renewed = json.loads(await done(config, "certs", "own", "--renew", "--kind", "ec", "--json"))
            assert renewed[0]["fingerprint"] != rows[0]["fingerprint"]
            mine = keys.generate(Kind.EC, ["mine.local"], 0.0)
            (run_dir / "my.key").write_bytes(mine.key_pem())
            (run_dir / "my.pem").write_bytes(mine.export())
            output = await done(config, "certs", "own", "--import", str(run_dir / "my.key"), str(run_dir / "my.pem"))
            assert "CN=mine.local" in output
            assert grouped(mine.certificate.fingerprint) in output
            again = await done(config, "certs", "own", "--import", "-", str(run_dir / "my.pem"))
            assert "CN=mine.local" in again
            both = (str(run_dir / "my.pem"), str(run_dir / "my.key"))
            wrong = await metergate(config, "certs", "own", "--import", *both)
            assert (wrong.exit_code, "holds a private key" in wrong.stderr) == (1, True)
            assert not list((run_dir / "keys").glob("import-*"))
            assert (await metergate(config, "certs", "own", "--renew", "--csr")).exit_code == 2

    play(story())


def test_a_key_never_goes_over_the_bus(run_dir: Path, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    mine = keys.generate(Kind.RSA, ["mine.local"], 0.0)
    (run_dir / "my.key").write_bytes(mine.key_pem())
    (run_dir / "my.pem").write_bytes(mine.export())
    (run_dir / "keys").mkdir()

    def ask(_config: str, _role: str, verb: str, args: dict[str, str], _timeout_s: float) -> dict[str, object]:
        sent.append((verb, args))
        handed = run_dir / "keys" / args["key_file"]
        assert handed.read_bytes() == mine.key_pem()
        assert handed.stat().st_mode & 0o777 == 0o600
        return {"certificates": []}

    monkeypatch.setattr("supervisor.cli.certs.manager.ask", ask)
    import_ = ("--import", str(run_dir / "my.key"), str(run_dir / "my.pem"))
    asyncio.run(done(config, "certs", "own", *import_))
    assert len(sent) == 1
    assert "PRIVATE" not in repr(sent)
    assert not list((run_dir / "keys").iterdir()), "it does not stay where nobody took it"


def test_authorities(run_dir: Path, config: Path) -> None:
    async def story() -> None:
        async with stage(run_dir):
            assert "no authority is known" in await done(config, "certs", "ca")
            (run_dir / "ca").mkdir()
            (run_dir / "ca" / "ours.pem").write_bytes(pem(der("Our CA", is_ca=True)))
            (run_dir / "ca" / "bad.pem").write_bytes(b"bad")
            result = await metergate(config, "certs", "ca", "--reload")
            assert result.stdout.startswith("CN=Our CA  (ours.pem, EC P-256, until 20")
            assert "note: bad.pem: no certificates" in result.stderr
            (run_dir / "second.pem").write_bytes(pem(der("Second CA", is_ca=True)))
            added = await done(config, "certs", "ca", "--add", str(run_dir / "second.pem"))
            assert "CN=Second CA  (second.pem" in added
            again = await metergate(config, "certs", "ca", "--add", str(run_dir / "second.pem"))
            assert (again.exit_code, "there is a file second.pem already" in again.stderr) == (1, True)
            removed = await done(config, "certs", "ca", "--remove", "ours.pem")
            assert removed.startswith("removed, 0 connections closed\nCN=Second CA")
            assert (await metergate(config, "certs", "ca", "--reload", "--remove", "x.pem")).exit_code == 2

    play(story())


def test_the_audit_log_is_shown_and_tampering_is_named(run_dir: Path, config: Path) -> None:
    async def story() -> None:
        async with stage(run_dir) as on:
            name = await accepted(on, config, der())
            await done(config, "certs", "label", name, "pump")
        lines = (await done(config, "audit")).splitlines()
        assert "certificate.accept" in lines[0]
        assert "label 'pump'" in lines[1]
        assert [json.loads(line)["seq"] for line in (await done(config, "audit", "--json")).splitlines()] == [1, 2]
        assert (await done(config, "audit", "--verify")) == "certificate-manager: 2 lines, whole\n"
        path = run_dir / "state" / "audit" / "certificate-manager.jsonl"
        path.write_text(path.read_text().replace("reading and writing", "reading only"))
        result = await metergate(config, "audit", "--verify")
        assert (result.exit_code, result.stdout) == (1, "certificate-manager: 2 lines, BROKEN\n")
        assert result.stderr.startswith("metergate: certificate-manager.jsonl:2: does not follow from the line before")
        assert (await metergate(config, "audit")).exit_code == 1

    play(story())


@pytest.mark.parametrize("option", [(), ("--json",), ("--verify",)])
def test_an_empty_log_is_told_beside_the_records(config: Path, option: tuple[str, ...]) -> None:
    result = asyncio.run(metergate(config, "audit", *option))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "nothing is logged yet: no decision, no write, no refusal\n"
