"""`metergate config`: check the settings file, show what is in force, change one key."""

import json
from pathlib import Path

import click
import msgspec

from shared.config.advice import advice
from shared.config.check import dotted
from shared.config.edit import set_value
from shared.config.effective import as_toml, effective
from shared.config.faults import lines, located, wrong
from shared.config.load import find, load, parse
from shared.config.model import Config
from shared.errors import ConfigError
from shared.verify import verify
from supervisor.cli.common import config_option, objections, supervisors
from supervisor.settings import left_for_a_start, until_a_start
from supervisor.spec import ROLES, effect, verifiers


@click.group()
def config() -> None:
    """Check, show or change the settings."""


@config.command(short_help="Say all that is wrong with the settings file.")
@config_option
def check(*, config: str | None) -> None:
    """Say all that is wrong with the settings file and the files that it names, with its line; exit 78 then.

    Where metergate runs, it is also asked whether it could follow them, e.g. listen on a port. What is allowed, but
    should be known, is a warning.
    """
    path = find(config)
    loaded = load(path)
    verify(verifiers(ROLES, None, loaded), path.read_bytes(), path)
    _ask_those_who_run(loaded, path.read_bytes(), path)
    for line in lines(path, located(path.read_text(encoding="utf-8"), advice(loaded))):
        click.echo(f"warning: {line}", err=True)
    click.echo(f"{path}: ok: {_found(loaded)}")


@config.command(short_help="Show every setting in force.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@config_option
def show(*, config: str | None, as_json: bool) -> None:
    """Show every setting in force, and where it comes from: a line of the file, or the default."""
    path = find(config)
    loaded = load(path)
    settings = effective(path.read_bytes(), path)
    if as_json:
        shown = {
            "file": str(path),
            "settings": msgspec.to_builtins(loaded, enc_hook=str),
            "set": {dotted(setting.key): setting.line for setting in settings if setting.line},
            "overridden": {dotted(setting.key): setting.variable for setting in settings if setting.variable},
        }
        click.echo(json.dumps(shown, indent=1))
        return
    click.echo(f"# {path}")
    for line in as_toml(settings):
        click.echo(line)


@config.command(name="set", short_help="Change one key in the settings file.")
@click.argument("key")
@click.argument("value")
@config_option
def set_(*, key: str, value: str, config: str | None) -> None:
    """Change one key in the settings file; comments stay, and a value that would be wrong changes nothing.

    Where metergate runs, what it could not follow is refused too, such as a port that another program holds.

    KEY looks like slave.port or meter[2].modbus.host; VALUE is a TOML value, or else a text.
    """
    path = find(config)
    before = _valid(path)
    set_value(path, key, value, lambda content: _verify(before, content, path))
    after = load(path)
    if before is None:
        _verify_cure(after, path, key)
    click.echo(f"{path}: {key} is set; {_effect(before, after)}")


def _verify(before: Config | None, content: bytes, path: Path) -> None:
    """Refuse what this change breaks. While the file was wrong, it may be one cure of several."""
    if before is None:
        return
    try:
        verify(verifiers(ROLES, before, parse(content, path)), content, path)
        _ask_those_who_run(before, content, path)
    except ConfigError as error:
        raise ConfigError(f"{error}\nnothing was written; the lines above are those of the changed text") from error


def _verify_cure(after: Config, path: Path, key: str) -> None:
    try:
        verify(verifiers(ROLES, None, after), path.read_bytes(), path)
        _ask_those_who_run(after, path.read_bytes(), path)
    except ConfigError as error:
        raise ConfigError(f"{path}: {key} is set, but something is still wrong:\n{error}") from error


def _valid(path: Path) -> Config | None:
    """None while the file is wrong, or those who run cannot follow it: the change may be its cure."""
    try:
        loaded = load(path)
        _ask_those_who_run(loaded, path.read_bytes(), path)
    except ConfigError:
        return None
    return loaded


def _ask_those_who_run(known: Config, content: bytes, path: Path) -> None:
    """Refuse settings that they would refuse; they are found by those that are known."""
    if faults := objections(known.gateway.run_dir, content.decode()):
        raise wrong(path, faults)


def _effect(before: Config | None, after: Config) -> str:
    """What the change does to what runs."""
    if not supervisors((before or after).gateway.run_dir):
        return "nothing runs now that would notice"
    if before is None:
        return "the file is right again, and is taken over"
    if before == after:
        return "that changes nothing"
    planned = effect(ROLES, before, until_a_start(before, after))
    parts = {
        "starts again by itself": planned.restarts,
        "starts": planned.starts,
        "ends": planned.stops,
    }
    words = [f"{what}: {', '.join(roles)}" for what, roles in parts.items() if roles]
    if left := left_for_a_start(before, after):
        words.append(left)
    return "; ".join(words) or "no role needs to start again"


def _found(config: Config) -> str:
    meters = [f"meter {meter.id} (unit {meter.unit}, {meter.source})" for meter in config.meter]
    slave = config.slave
    parts = meters or ["no meter, so that live registers get exception 04"]
    parts.append(f"Modbus TCP on {slave.host}:{slave.port}" if slave.enabled else "no slave")
    return "; ".join([*parts, f"run_dir {config.gateway.run_dir}"])
