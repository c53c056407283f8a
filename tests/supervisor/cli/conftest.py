"""Running a command in the test's process."""

from collections.abc import Callable
from pathlib import Path

import click.testing
import pytest

from supervisor.cli.app import app

Run = Callable[..., click.testing.Result]


@pytest.fixture
def run() -> Run:
    """The outcome of `metergate ARGS...`; an exception that is no exit fails the test."""

    def invoke(*arguments: str | Path | int) -> click.testing.Result:
        result = click.testing.CliRunner().invoke(app, [str(one) for one in arguments], prog_name="metergate")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def config(run_dir: Path, tmp_path: Path) -> Path:
    """A settings file with one meter, whose run folder is `run_dir`."""
    path = tmp_path / "metergate.toml"
    path.write_text(
        f'[gateway]\nrun_dir = "{run_dir}"\n\n[[meter]]\nid = "house"  # mine\nsource = "simulated"\n\n'
        '[slave]\nhost = "127.0.0.1"\nport = 1502\n',
        encoding="utf-8",
    )
    return path
