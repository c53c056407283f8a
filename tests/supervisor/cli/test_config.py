"""`metergate config` and `metergate init`."""

import json
import stat
from pathlib import Path

import pytest

from shared.bus.endpoints import acquire
from shared.config.load import load
from shared.config.template import SOURCES
from shared.errors import EXIT_CONFIG
from tests.supervisor.cli.conftest import Run


def test_check_says_what_it_found(run: Run, config: Path) -> None:
    result = run("config", "check", "--config", config)
    assert result.exit_code == 0
    assert result.stdout.startswith(
        f"{config}: ok: meter house (unit 1, simulated); Modbus TCP on 127.0.0.1:1502; run_dir "
    )


def test_check_names_every_mistake(run: Run, config: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8") + "workers = 99\nprot = 1\n", encoding="utf-8")
    result = run("config", "check", "--config", config)
    assert result.exit_code == 78
    assert result.stdout == ""
    first, second = result.stderr.splitlines()
    assert f"{config}:11: slave.workers: is 99" in first
    assert f"{config}:12: slave.prot: is no setting; did you mean 'port'?" in second


def test_check_warns_of_what_is_allowed_and_serves_nobody(run: Run, tmp_path: Path) -> None:
    """As `init` leaves it: an address at which nothing answers."""
    file = tmp_path / "metergate.toml"
    run("init", "--source", "modbus", file)
    result = run("config", "check", "--config", file)
    assert (result.exit_code, result.stdout.partition(": ")[2][:2]) == (0, "ok")
    line = file.read_text(encoding="utf-8").splitlines().index('host = "192.0.2.20"') + 1
    assert result.stderr == (
        f"warning: {file}:{line}: meter.modbus.host: is 192.0.2.20, an address for examples, at which nothing "
        "answers; give that of yours: `metergate config set meter.modbus.host ADDRESS`\n"
    )
    assert run("config", "set", "meter.modbus.host", "192.168.0.20", "--config", file).exit_code == 0
    assert run("config", "check", "--config", file).stderr == ""


def test_show_is_a_file_that_means_the_same(run: Run, config: Path, tmp_path: Path) -> None:
    result = run("config", "show", "--config", config)
    assert result.exit_code == 0
    assert 'id = "house"  # line 5' in result.stdout
    assert "workers = 1  # default" in result.stdout
    assert "#stale_after_s =  # not set" in result.stdout
    again = tmp_path / "again.toml"
    again.write_text(result.stdout, encoding="utf-8")
    assert load(again) == load(config)


@pytest.mark.parametrize(
    ("variable", "key"),
    [
        ("METERGATE_RUN_DIR", "gateway.run_dir"),
        ("METERGATE_STATE_DIR", "gateway.state_dir"),
        ("METERGATE_KEYS_DIR", "certificates.keys_dir"),
    ],
)
def test_show_tells_what_the_environment_overrides(
    run: Run, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, key: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "elsewhere"))
    line = f'{key.partition(".")[2]} = "{tmp_path}/elsewhere"  # {variable}'
    assert line in run("config", "show", "--config", config).stdout.splitlines()
    found = json.loads(run("config", "show", "--json", "--config", config).stdout)
    assert found["overridden"] == {key: variable}


def test_show_for_programs(run: Run, config: Path) -> None:
    found = json.loads(run("config", "show", "--json", "--config", config).stdout)
    assert found["settings"]["slave"]["port"] == 1502
    assert found["settings"]["slave"]["workers"] == 1
    assert found["set"] == {"gateway.run_dir": 2, "meter.id": 5, "meter.source": 6, "slave.host": 9, "slave.port": 10}


def test_set_changes_one_key_and_keeps_comments(run: Run, config: Path) -> None:
    result = run("config", "set", "slave.port", "1503", "--config", config)
    assert result.exit_code == 0
    assert "slave.port is set; nothing runs now" in result.stdout
    assert load(config).slave.port == 1503
    assert "# mine" in config.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("slave.port", "1503", "starts again by itself: plain-slave"),
        ("meter.cycle_ms", "500", "starts again by itself: measurement, register-store"),
        ("log.level", "debug", "[log] changed; restart metergate to use it"),
        ("gateway.run_dir", "elsewhere", "[gateway] changed; restart metergate to use it"),
        ("slave.port", "1502", "that changes nothing"),
    ],
)
def test_set_tells_what_will_start_again(
    run: Run, config: Path, run_dir: Path, key: str, value: str, expected: str
) -> None:
    lock = acquire(run_dir, "supervisor")
    result = run("config", "set", key, value, "--config", config)
    lock.release()
    assert result.exit_code == 0
    assert expected in result.stdout


def test_who_runs_and_does_not_answer_is_named_and_keeps_nobody_from_a_change(
    run: Run, config: Path, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.cli.common.CHECK_S", 0.05)
    lock = acquire(run_dir, "supervisor")
    (run_dir / "supervisor.json").write_text(json.dumps({"settings": str(config), "children": []}), encoding="utf-8")
    check = run("config", "check", "--config", config)
    result = run("config", "set", "slave.port", "1503", "--config", config)
    lock.release()
    warning = (
        "warning: whether supervisor can follow this is not known: supervisor did not answer 'check' within 0.05 s"
    )
    assert (check.exit_code, warning in check.stderr) == (0, True)
    assert (result.exit_code, warning in result.stderr) == (0, True)
    assert load(config).slave.port == 1503


@pytest.mark.parametrize(("key", "value"), [("slave.port", "0"), ("slave.prot", "1"), ("meter.source", "modbus")])
def test_set_refuses_what_would_be_wrong(run: Run, config: Path, key: str, value: str) -> None:
    before = config.read_bytes()
    result = run("config", "set", key, value, "--config", config)
    assert result.exit_code == 78
    assert "nothing was written" in result.stderr
    assert config.read_bytes() == before


WITH_PROFILE = '[[meter]]\nid = "house"\nsource = "modbus"\n[meter.modbus]\nhost = "192.0.2.1"\nprofile = "{}"\n'


def test_what_the_settings_refer_to_is_checked_too(run: Run, config: Path) -> None:
    config.write_text(WITH_PROFILE.format("sunspecc"), encoding="utf-8")
    result = run("config", "check", "--config", config)
    assert result.exit_code == EXIT_CONFIG
    assert f"{config}:6: meter.modbus.profile: there is no profile 'sunspecc'; shipped: " in result.stderr


def test_set_refuses_what_the_role_could_not_use(run: Run, config: Path) -> None:
    config.write_text(WITH_PROFILE.format("ksem"), encoding="utf-8")
    result = run("config", "set", "meter.modbus.profile", "sunspecc", "--config", config)
    assert result.exit_code == EXIT_CONFIG
    assert "there is no profile 'sunspecc'" in result.stderr
    assert "nothing was written" in result.stderr
    assert config.read_text(encoding="utf-8") == WITH_PROFILE.format("ksem")
    assert run("config", "set", "meter.modbus.profile", "sunspec", "--config", config).exit_code == 0


def test_what_is_wrong_elsewhere_does_not_keep_a_role_from_its_settings(run: Run, config: Path) -> None:
    config.write_text(WITH_PROFILE.format("sunspecc"), encoding="utf-8")
    assert run("config", "set", "slave.port", "1503", "--config", config).exit_code == 0


def test_of_two_mistakes_each_can_be_cured_alone(run: Run, config: Path) -> None:
    config.write_text(WITH_PROFILE.format("sunspecc") + "[slave]\nport = 0\n", encoding="utf-8")
    result = run("config", "set", "slave.port", "1502", "--config", config)
    assert result.exit_code == EXIT_CONFIG
    assert "slave.port is set, but something is still wrong:" in result.stderr
    assert "there is no profile 'sunspecc'" in result.stderr
    assert run("config", "set", "meter.modbus.profile", "sunspec", "--config", config).exit_code == 0
    assert run("config", "check", "--config", config).exit_code == 0


def test_set_can_cure_a_wrong_file(run: Run, config: Path, run_dir: Path) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("1502", "0"), encoding="utf-8")
    lock = acquire(run_dir, "supervisor")
    result = run("config", "set", "slave.port", "1502", "--config", config)
    lock.release()
    assert "the file is right again" in result.stdout
    assert run("config", "check", "--config", config).exit_code == 0


@pytest.mark.parametrize("source", SOURCES)
def test_init_writes_a_file_that_is_valid(run: Run, tmp_path: Path, source: str) -> None:
    path = tmp_path / "new.toml"
    assert run("init", path, "--source", source).exit_code == 0
    (tmp_path / "recording.csv").write_text("t,active_power\n0,1\n", encoding="utf-8")
    assert run("config", "check", "--config", path).exit_code == 0
    assert load(path).meter[0].source == source


def test_init_overwrites_nothing(run: Run, config: Path) -> None:
    before = config.read_bytes()
    result = run("init", config)
    assert result.exit_code == 1
    assert "exists and stays as it is" in result.stderr
    assert config.read_bytes() == before


def test_init_says_where_it_cannot_write(run: Run, tmp_path: Path) -> None:
    result = run("init", tmp_path / "none" / "metergate.toml")
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_a_bus_key_is_made_once_and_kept_secret(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bus.key"
    public = run("bus-key", path).stdout
    assert len(public.strip()) == 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert run("bus-key", path).stdout == public
    path.write_text("other", encoding="utf-8")
    result = run("bus-key", path)
    assert (result.exit_code, path.read_text(encoding="utf-8")) == (1, "other")
