"""What the commands share: the option --config, and the way to the supervisor that runs a role."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from shared.bus.command import call
from shared.bus.endpoints import Endpoints, instances, is_held
from shared.bus.network import Network, network_of
from shared.config.load import PLACES, find, load, parse
from shared.config.model import Config
from shared.errors import Fault, MetergateError, RefusedError
from supervisor.cli.run_dir import find_run_dir

Function = TypeVar("Function", bound=Callable[..., Any])

CHECK_S: Final = 7.0
"""A supervisor gives its roles five seconds to look at files."""

_HELP: Final = f"Settings file; default $METERGATE_CONFIG, else ./{PLACES[0]}, else {PLACES[1]}."


def config_option(function: Function) -> Function:
    """`--config FILE`, handed over as `config: str | None`."""
    return click.option("--config", metavar="FILE", help=_HELP)(function)


def run_folder(config: str | None) -> Path:
    """The folder by which a running instance is found; its settings file may be wrong meanwhile.

    Raises:
        ConfigError: there is no settings file.
    """
    return find_run_dir(config) or load(find(config)).gateway.run_dir


def settings_of(config: str | None, role: str) -> Config:
    """The settings by which that role runs, whatever became of the file since; those of the file where it does not run.

    Raises:
        ConfigError: it does not run, and the file is missing or wrong.
    """
    return settings_in_force(config, role) or load(find(config))


def settings_in_force(config: str | None, role: str) -> Config | None:
    """The settings by which that role runs; None where it does not, or that cannot be seen by this user."""
    run_dir = find_run_dir(config)
    if run_dir is None or not os.access(run_dir, os.R_OK | os.X_OK):
        return None
    for name in supervisors(run_dir):
        if any(role == child["role"] for child in _state(run_dir, name).get("children", ())):
            return _in_force(run_dir, name)
    return None


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
        if any(role in (child["role"], child["name"]) for child in _state(run_dir, name).get("children", ())):
            return name
    if not found:
        raise RefusedError(f"nothing runs under {run_dir}; start it with `metergate up`")
    raise RefusedError(f"no supervisor under {run_dir} runs {role!r}; `metergate ps` shows what runs")


def tell(run_dir: Path, supervisor: str, verb: str, args: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send a command to a supervisor and wait for its result.

    It is found by the settings that it has in force, not by the file, which may be wrong just now.
    """
    network = _network(run_dir, supervisor)
    return call(Endpoints(run_dir, network).cmd(supervisor), supervisor, verb, args, timeout_s)


def objections(run_dir: Path, text: str) -> tuple[Fault, ...]:
    """Why those who run there would refuse this text as settings, e.g. a port that is taken; asked of each supervisor.

    Empty also where this user may not ask. Who does not answer is named, and refuses by himself what he cannot follow.
    """
    if not os.access(run_dir, os.R_OK | os.X_OK):
        return ()
    found = set[Fault]()
    for name in supervisors(run_dir):
        if not _state(run_dir, name):
            continue
        try:
            answer = tell(run_dir, name, "check", {"text": text}, CHECK_S)
        except MetergateError as error:
            click.echo(f"warning: whether {name} can follow this is not known: {error}", err=True)
        else:
            found.update(Fault(**fault) for fault in answer["faults"])
    return tuple(sorted(found))


def ask(config: str | None, role: str, verb: str, args: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send a command to a role and wait for its result.

    Raises:
        RefusedError: it does not run, or says no.
    """
    run_dir = run_folder(config)
    found = supervisors(run_dir)
    network = _network(run_dir, found[0]) if found else network_of(load(find(config)).bus)
    if network is None and not is_held(run_dir, role):
        raise RefusedError(f"{role} does not run under {run_dir}; `metergate ps` shows what runs, and why it may not")
    return call(Endpoints(run_dir, network).cmd(role), role, verb, args, timeout_s)


def _network(run_dir: Path, supervisor: str) -> Network | None:
    """Where other hosts are, by the settings that this supervisor has in force."""
    settings = _in_force(run_dir, supervisor)
    return network_of(settings.bus) if settings else None


def _in_force(run_dir: Path, supervisor: str) -> Config | None:
    """The settings that this supervisor has in force; None while it is starting or ending."""
    copy, path = run_dir / f"{supervisor}.toml", _state(run_dir, supervisor).get("settings")
    return parse(copy.read_bytes(), Path(path)) if path and copy.exists() else None


def _state(run_dir: Path, supervisor: str) -> dict[str, Any]:
    """Its state file; empty while it is starting or ending."""
    try:
        state: dict[str, Any] = json.loads((run_dir / f"{supervisor}.json").read_bytes())
    except FileNotFoundError:
        return {}
    return state
