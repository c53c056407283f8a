"""From a file to settings, or to one error that lists every mistake with line, key, reason and cure."""

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET

from shared.config.check import Problem, build
from shared.config.faults import located, wrong
from shared.config.master import Target
from shared.config.model import Config, Meter
from shared.config.rules import across
from shared.errors import ConfigError, Fault

PLACES = (Path("metergate.toml"), Path("/etc/metergate/metergate.toml"))
"""Where the settings are looked for, in this order, when nobody names them."""
LARGEST_BYTES: Final = 1024 * 1024
"""Of a file; a thousand meters take less."""


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
    return parse(content_of(path), path, environ)


def content_of(path: Path) -> bytes:
    """What stands in a settings file; only in a file, since a pipe or device would be waited for, or never end.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    try:
        with open(path, "rb", opener=_without_waiting) as file:  # `Path.open` takes no opener
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ConfigError(f"{path}: is a pipe or a device; put a file there")
            content = file.read(LARGEST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}); check path and permissions") from error
    if len(content) > LARGEST_BYTES:
        raise ConfigError(f"{path}: has more than {LARGEST_BYTES} bytes; settings are far smaller, check what it is")
    return content


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def parse(data: bytes, path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """As `load`, with the file's content given; `path` is for messages and relative paths.

    Raises:
        ConfigError: as `load`.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise wrong(path, (Fault(line, "", f"is not UTF-8 text ({error.reason}); save it as UTF-8"),)) from error
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
    return _absolute(config, path.parent, environ)


def read_toml(text: str, path: Path) -> dict[str, Any]:
    """The tables of a TOML text; `path` is for messages.

    Raises:
        ConfigError: it is not TOML, `file:line: reason`.
    """
    if text.startswith("\ufeff"):
        raise wrong(path, (Fault(1, "", "begins with a byte order mark; save it as UTF-8 without BOM"),))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).rpartition(" (at ")
        line_text = place.removeprefix("line ").partition(",")[0]
        number = int(line_text) if line_text.isdigit() else len(text.splitlines())
        raise wrong(path, (Fault(number, "", f"is not valid TOML: {reason or error}"),)) from error
    except ValueError as error:
        lines = text.split("\n")
        longest = max(range(len(lines)), key=lambda index: len(lines[index]))
        raise wrong(path, (Fault(longest + 1, "", "is not valid TOML: a number of thousands of digits"),)) from error
    except RecursionError as error:
        raise wrong(path, (Fault(1, "", "is not usable: its tables or lists are nested too deeply"),)) from error


def _absolute(config: Config, folder: Path, environ: Mapping[str, str]) -> Config:
    def resolve(path: Path, variable: str = "") -> Path:
        return (folder / (environ.get(variable) or path)).absolute()

    def in_meter(meter: Meter) -> Meter:
        replay, modbus = meter.replay, meter.modbus
        if replay is not UNSET:
            replay = msgspec.structs.replace(replay, file=resolve(replay.file))
        if modbus is not UNSET and modbus.profile.endswith(".toml"):  # a file, not the name of a shipped profile
            modbus = msgspec.structs.replace(modbus, profile=str(resolve(Path(modbus.profile))))
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
        run_dir=resolve(config.gateway.run_dir, "METERGATE_RUN_DIR"),
        state_dir=resolve(config.gateway.state_dir, "METERGATE_STATE_DIR"),
    )
    certificates = msgspec.structs.replace(
        config.certificates,
        keys_dir=resolve(config.certificates.keys_dir, "METERGATE_KEYS_DIR"),
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
