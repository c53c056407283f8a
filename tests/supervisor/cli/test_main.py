import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from supervisor.cli import _understood
from tests.supervisor.harness import Running, running
from tests.support import wait_for


def metergate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("METERGATE_")}
    return subprocess.run(
        [sys.executable, "-c", "from supervisor.cli import main; main()", *arguments],
        check=False, capture_output=True, text=True, cwd=cwd, env=env, timeout=30,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "meaning"),
    [
        ("up", ("up", [], None, False)),
        ("up --config x.toml", ("up", [], "x.toml", False)),
        ("--config=x.toml run measurement plain-slave", ("run", ["measurement", "plain-slave"], "x.toml", False)),
        ("health --fresh plain-slave", ("health", ["plain-slave"], None, True)),
        ("up --help", ("", [], None, False)),
        ("up --config", ("", [], None, False)),
        ("", ("", [], None, False)),
    ],
)
def test_what_is_understood_without_click(arguments: str, meaning: tuple[str, list[str], str | None, bool]) -> None:
    assert _understood(arguments.split()) == meaning


def test_help_lists_the_commands(tmp_path: Path) -> None:
    done = metergate("--help", cwd=tmp_path)
    assert done.returncode == 0
    for command in ("up", "run", "health", "ps", "restart", "stop", "start"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        ("up everything", 2, "Got unexpected extra argument"),
        ("run", 2, "Missing argument 'ROLE...'"),
        ("run slave", 2, "metergate: 'slave' is no role; the roles are: certificate-manager measurement"),
        ("dance", 2, "No such command 'dance'"),
        ("registrs", 2, "No such command 'registrs'. Did you mean 'registers'?"),
        ("restart", 2, "Missing argument"),
        ("up", 78, "metergate: no settings file"),
        ("up --config none.toml", 78, "none.toml: cannot be read"),
        ("up --config wrong.toml", 78, "metergate: {}/wrong.toml:2: slave.port"),
        ("health", 78, "no run folder"),
        ("health --config good.toml", 1, "no supervisor runs under {}/run"),
        ("ps --config good.toml", 1, "metergate: nothing runs under {}/run; start it with `metergate up`"),
        ("stop plain-slave --config good.toml", 1, "nothing runs under"),
        ("up --config long.toml", 78, "gateway.run_dir"),
    ],
)
def test_each_failure_has_its_exit_code_and_one_clear_line(
    tmp_path: Path, arguments: str, code: int, error: str
) -> None:
    (tmp_path / "good.toml").write_text("[slave]\nport = 1502\n")
    (tmp_path / "wrong.toml").write_text("[slave]\nport = 0\n")
    (tmp_path / "long.toml").write_text(f"[gateway]\nrun_dir = '{'x' * 120}'\n")
    done = metergate(*arguments.split(), cwd=tmp_path)
    assert done.returncode == code
    assert error.format(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.system
def test_a_running_instance_is_shown_and_steered_also_while_its_file_is_wrong(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        health = ("health", "--fresh", "--config", str(run.file))
        wait_for(lambda: metergate(*health, cwd=tmp_path).returncode == 0, "the beats that say how fresh they are")
        assert metergate(*health, cwd=tmp_path).stdout == "alpha=ready beta=ready\n"
        run.file.write_text("[slave\n")
        with pytest.raises(Exception, match="not valid TOML"):
            run.command("reload")
        shown = ps(run)
        assert [(row["name"], row["state"]) for row in shown] == [("alpha", "ready"), ("beta", "ready")]
        assert shown[0]["pid"] == run.child("alpha").pid
        assert shown[0]["rss_kib"] > 0
        assert (shown[0]["queue"], shown[0]["pending"], shown[0]["missed"]) == (-1, -1, -1), "its beats say nothing"
        table = metergate("ps", "--config", str(run.file), cwd=tmp_path)
        assert "beta" in table.stdout
        assert "not valid TOML" in table.stderr
        for verb, text in (
            ("restart", "beta restarted in "),
            ("stop", "beta stopped in "),
            ("start", "beta ready in "),
        ):
            done = metergate(verb, "beta", "--config", str(run.file), cwd=tmp_path)
            assert (done.returncode, done.stdout[: len(text)]) == (0, text), done.stderr
        assert [(row["restarts"], row["asked"]) for row in ps(run)] == [(0, 0), (2, 2)]
        metergate("stop", "beta", "--config", str(run.file), cwd=tmp_path)
        unhealthy = metergate("health", "--config", str(run.file), cwd=tmp_path)
        assert (unhealthy.returncode, unhealthy.stderr[:15]) == (1, "beta is stopped")
        assert metergate("stop", "gamma", "--config", str(run.file), cwd=tmp_path).returncode == 1
        assert run.end() == 0


@pytest.mark.system
def test_a_second_up_is_refused_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "alpha", "beta") as run:
        run.wait_ready()
        second = metergate("up", "--config", str(run.file), cwd=tmp_path)
        assert second.returncode == 1
        assert second.stderr.startswith("metergate: supervisor is already running under")
        assert len(second.stderr.splitlines()) == 1
        assert run.end() == 0


def ps(run: Running) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(
        metergate("ps", "--json", "--config", str(run.file), cwd=run.run_dir).stdout
    )
    return rows
