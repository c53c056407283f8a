"""Where a running instance is found, also while its settings file is wrong or gone. Standard library only."""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from shared.errors import ConfigError
from shared.file_lock import is_locked

PLACES: Final = (Path("metergate.toml"), Path("/etc/metergate/metergate.toml"))
USUAL: Final = (Path("run"), Path("/run/metergate"))
"""Run folders where no settings file can be asked: beside it by default, and that of the service and the images."""

State = dict[str, Any]


def find_run_dir(config: str | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """As `shared.config.load` resolves it, without reading more of the settings than this key."""
    named = config or environ.get("METERGATE_CONFIG")
    path = Path(named) if named else next((place for place in PLACES if place.is_file()), None)
    given = environ.get("METERGATE_RUN_DIR")
    if path is None:
        return Path(given) if given and Path(given).is_absolute() else _where_one_runs(PLACES)
    if given is None:
        # containers name the folder in the environment and save these milliseconds
        from shared.config.toml import content_of, read_toml, text_of  # noqa: PLC0415

        try:
            data = content_of(path)
        except (OSError, ConfigError):
            return _where_one_runs((path,))
        try:
            given = read_toml(text_of(data, path), path).get("gateway", {}).get("run_dir", "run")
        except (ConfigError, AttributeError):  # being edited; what runs does not mind, nor do we
            found = re.search(rb"""^\s*run_dir\s*=\s*["']([^"'\n]+)["']""", data, re.MULTILINE)
            given = os.fsdecode(found[1]) if found else "run"
    return (path.absolute().parent / str(given)).absolute()


def states(run_dir: Path) -> Iterator[State]:
    """What the supervisors that run there wrote of themselves last."""
    for path in sorted(run_dir.glob("supervisor*.json")):
        try:
            state = json.loads(path.read_bytes())
        except (OSError, ValueError):  # removed just now
            continue
        if _is_held(path.with_suffix(".lock")):
            yield state


def _where_one_runs(files: Iterable[Path]) -> Path | None:
    """The usual run folder of a supervisor that was started with one of these files, and still runs."""
    for file in (file.absolute() for file in files):
        for folder in (file.parent / usual for usual in USUAL):
            if any(state.get("settings") == str(file) for state in states(folder)):
                return folder
    return None


def _is_held(lock: Path) -> bool:
    try:
        with lock.open("rb") as file:
            return is_locked(file.fileno())
    except OSError:
        return False
