"""From a file to settings, or to one error that lists every mistake with line, key, reason and cure."""

import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import cast

import msgspec
from msgspec import UNSET

from shared.config.check import Problem, build
from shared.config.faults import located, wrong
from shared.config.master import Target
from shared.config.model import Config, Meter
from shared.config.rules import across
from shared.config.toml import content_of, read_toml, text_of
from shared.errors import ConfigError, Fault

PLACES = (Path("metergate.toml"), Path("/etc/metergate/metergate.toml"))
"""Where the settings are looked for, in this order, when nobody names them."""


def find(named: str | None, environ: Mapping[str, str] = os.environ) -> Path:
    """The settings file: named by --config, by METERGATE_CONFIG, or the first of `PLACES` that exists.

    Raises:
        ConfigError: there is none.
    """
    if named or (named := environ.get("METERGATE_CONFIG")):
        return Path(named).absolute()
    for place in PLACES:
        if place.is_file():
            return place.absolute()
    raise ConfigError(
        f"no settings file: neither {PLACES[0]} here nor {PLACES[1]}; "
        "name one with --config FILE, or write one with `metergate init`"
    )


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read and check the settings at `path`.

    Raises:
        ConfigError: unreadable or wrong; the text has one line per mistake, `file:line: key: reason`.
    """
    return parse(read(path), path, environ)


def read(path: Path) -> bytes:
    """The content of the settings at `path`.

    Raises:
        ConfigError: unreadable, no file, or far too large.
    """
    try:
        return content_of(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from error


def parse(data: bytes, path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """As `load`, with the file's content given; `path` is for messages and relative paths.

    Raises:
        ConfigError: as `load`.
    """
    config = _checked(data, path)
    folders = {
        "METERGATE_RUN_DIR": config.gateway.run_dir,
        "METERGATE_STATE_DIR": config.gateway.state_dir,
        "METERGATE_KEYS_DIR": config.certificates.keys_dir,
    }
    return _absolute(data, path, *(str(path.parent / (environ.get(name) or own)) for name, own in folders.items()))


@lru_cache(maxsize=1)  # a role that is forked finds here what its supervisor has read, and reads it no second time
def _checked(data: bytes, path: Path) -> Config:
    text = text_of(data, path)
    if not text.strip():
        reason = "the file is empty; an editor may have truncated it. `metergate init` writes one"
        raise wrong(path, (Fault(1, "", reason),))
    raw = read_toml(text, path)
    problems: list[Problem] = []
    config = cast("Config | None", build(Config, raw, (), problems))
    if config is not None:
        problems.extend(across(config))
    if config is None or problems:
        raise wrong(path, located(text, problems))
    return config


@lru_cache(maxsize=1)  # as above
def _absolute(data: bytes, file: Path, run_dir: str, state_dir: str, keys_dir: str) -> Config:
    config, folder = _checked(data, file), file.parent

    def resolve(path: Path | str) -> Path:
        return (folder / path).absolute()

    def in_meter(meter: Meter) -> Meter:
        replay, modbus = meter.replay, meter.modbus
        if replay is not UNSET:
            replay = msgspec.structs.replace(replay, file=resolve(replay.file))
        if modbus is not UNSET and modbus.profile.endswith(".toml"):  # a file, not the name of a shipped profile
            modbus = msgspec.structs.replace(modbus, profile=str(resolve(modbus.profile)))
        return msgspec.structs.replace(meter, replay=replay, modbus=modbus)

    def in_target(target: Target) -> Target:
        token, secret = target.token_file, target.hmac_file
        return msgspec.structs.replace(
            target,
            token_file=token if token is UNSET else resolve(token),
            hmac_file=secret if secret is UNSET else resolve(secret),
        )

    gateway = msgspec.structs.replace(
        config.gateway,
        run_dir=resolve(run_dir),
        state_dir=resolve(state_dir),
    )
    certificates = msgspec.structs.replace(
        config.certificates,
        keys_dir=resolve(keys_dir),
        ca_dir=resolve(config.certificates.ca_dir),
    )
    key_file = config.bus.secret_key_file
    bus = msgspec.structs.replace(config.bus, secret_key_file=key_file if key_file is UNSET else resolve(key_file))
    return msgspec.structs.replace(
        config,
        gateway=gateway,
        bus=bus,
        certificates=certificates,
        meter=tuple(in_meter(meter) for meter in config.meter),
        master=msgspec.structs.replace(config.master, slave=tuple(in_target(target) for target in config.master.slave)),
    )
