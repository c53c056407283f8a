"""The application as a whole: its listing, its errors, its start."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from supervisor.cli.app import COMMANDS, app
from tests.supervisor.cli.conftest import Run

METERGATE = Path(sys.executable).with_name("metergate")
HEAVY = ("zmq", "rich", "pymodbus", "structlog", "tomlkit", "msgpack", "asyncio")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(name: str, run: Run) -> None:
    command = app.get_command(click.Context(app), name)
    assert command is not None
    assert command.name == name
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Usage: metergate {name}" in result.output


def test_the_listing_shows_every_command_in_full(run: Run) -> None:
    output = run("--help").output
    for name, (_, line) in COMMANDS.items():
        assert name in output
        assert line in output


@pytest.mark.parametrize("arguments", [("nonsense",), ("tap", "--nonsense"), ("read",), ("registers", "--block", "x")])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], run: Run) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [("tap",), ("ps",), ("config", "check"), ("read", "0"), ("registers",)])
def test_wrong_settings_end_with_78_and_their_place(arguments: tuple[str, ...], run: Run, tmp_path: Path) -> None:
    path = tmp_path / "metergate.toml"
    if arguments[0] in ("tap", "ps"):  # these need the run folder only, and find it while the file is wrong
        path = tmp_path / "none.toml"
        expected = "cannot be read"
    else:
        path.write_text('[slave]\nport = "x"\n', encoding="utf-8")
        expected = f"{path}:2: slave.port: is 'x'"
    result = run(*arguments, "--config", path)
    assert result.exit_code == 78
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


def test_the_version_is_told(run: Run) -> None:
    assert run("--version").output.startswith("metergate, version ")


def test_the_listing_imports_no_command() -> None:
    code = (
        "import sys, supervisor.cli.app as a\n"
        "a.app(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_shell_completes() -> None:
    environment = {"_METERGATE_COMPLETE": "bash_complete", "COMP_WORDS": "metergate repl", "COMP_CWORD": "1"}
    done = subprocess.run([METERGATE], env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.stdout.split() == ["plain,replay"]
