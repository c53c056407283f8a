"""What the commands share: the option --config, and the way to the supervisor that runs a role."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from shared.bus.command import call
from shared.bus.endpoints import Endpoints, instances
from shared.config.load import find, load
from shared.errors import RefusedError
from supervisor.run_dir import find_run_dir

Function = TypeVar("Function", bound=Callable[..., Any])


def config_option(function: Function) -> Function:
    """`--config FILE`, handed over as `config: str | None`."""
    return click.option("--config", metavar="FILE", help="Settings file; default ./metergate.toml.")(function)


def run_folder(config: str | None) -> Path:
    """The folder by which a running instance is found; its settings file may be wrong meanwhile.

    Raises:
        ConfigError: there is no settings file.
    """
    return find_run_dir(config) or load(find(config)).gateway.run_dir


def supervisors(run_dir: Path) -> list[str]:
    """Instances of the supervisors that run there."""
    return [name for name in instances(run_dir) if name.partition(".")[0] == "supervisor"]


def supervisor_of(run_dir: Path, role: str) -> str:
    """The supervisor that runs this role or instance.

    Raises:
        RefusedError: none does.
    """
    found = supervisors(run_dir)
    for name in found:
        state = json.loads((run_dir / f"{name}.json").read_bytes())
        if any(role in (child["role"], child["name"]) for child in state["children"]):
            return name
    if not found:
        raise RefusedError(f"nothing runs under {run_dir}; start it with `metergate up`")
    raise RefusedError(f"no supervisor under {run_dir} runs {role!r}; `metergate ps` shows what runs")


def tell(run_dir: Path, supervisor: str, verb: str, args: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send a command to a supervisor and wait for its result."""
    return call(Endpoints(run_dir).cmd(supervisor), supervisor, verb, args, timeout_s)
