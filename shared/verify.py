"""What settings refer to, checked before they are in force: profiles, recordings. By the roles that read them.

`python -m shared.verify MODULE...` is that in a process of its own, so that whoever asks stays light and is not held
up. Each module offers `verify(config) -> list[Problem]`. The settings come from METERGATE_SETTINGS, as for a role.

Exit codes: 0 without a word where all is right, 78 with the mistakes on standard output: JSON, `[line, key, reason]`
each, see `shared.errors.Fault`.
"""

import importlib
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from shared.config.faults import faults_of, located, wrong
from shared.config.load import find, parse
from shared.errors import EXIT_CONFIG, EXIT_DONE, ConfigError, Fault
from shared.kernel import die_with

MOST_BYTES: Final = 49_152
"""Of what is said; more mistakes than that are counted."""


def verify(modules: Iterable[str], data: bytes, path: Path, environ: Mapping[str, str] = os.environ) -> None:
    """Have these modules check what the settings refer to.

    Args:
        modules: each has a function `verify`.
        data: content of the settings file.
        path: for messages and relative paths.
        environ: may override paths.

    Raises:
        ConfigError: one line per mistake, `file:line: key: reason`.
    """
    config = parse(data, path, environ)
    problems = [problem for module in modules for problem in importlib.import_module(module).verify(config)]
    if problems:
        raise wrong(path, located(data.decode(), problems))


def main(modules: list[str], environ: Mapping[str, str] = os.environ) -> int:
    """See module. Returns the exit code."""
    if supervisor := environ.get("METERGATE_SUPERVISOR_PID"):
        die_with(int(supervisor))
    try:
        path = find(None, environ)
        verify(modules, Path(environ.get("METERGATE_SETTINGS", path)).read_bytes(), path, environ)
    except ConfigError as error:
        sys.stdout.write(msgspec.json.encode(_first(faults_of(error))).decode())
        return EXIT_CONFIG
    return EXIT_DONE


def _first(faults: tuple[Fault, ...]) -> list[Fault]:
    """As many as may be said, and how many there are besides."""
    said: list[Fault] = []
    left = MOST_BYTES
    for number, fault in enumerate(faults):
        left -= len(msgspec.json.encode(fault))
        if said and left < 0:
            return [*said, Fault(0, "", f"and {len(faults) - number} mistakes more")]
        said.append(fault)
    return said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
