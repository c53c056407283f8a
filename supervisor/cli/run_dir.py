"""Where a running instance is found, also while its settings file is wrong. Standard library only."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shared.errors import ConfigError

PLACES: Final = (Path("metergate.toml"), Path("/etc/metergate/metergate.toml"))


def find_run_dir(config: str | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """As `shared.config.load` resolves it, without reading more of the settings than this key."""
    named = config or environ.get("METERGATE_CONFIG")
    path = Path(named) if named else next((place for place in PLACES if place.is_file()), None)
    given = environ.get("METERGATE_RUN_DIR")
    if path is None:
        return Path(given) if given and Path(given).is_absolute() else None
    if given is None:
        # containers name the folder in the environment and save these milliseconds
        from shared.config.toml import content_of, read_toml, text_of  # noqa: PLC0415

        try:
            data = content_of(path)
        except (OSError, ConfigError):
            return None
        try:
            given = read_toml(text_of(data, path), path).get("gateway", {}).get("run_dir", "run")
        except (ConfigError, AttributeError):  # being edited; what runs does not mind, nor do we
            found = re.search(rb"""^\s*run_dir\s*=\s*["']([^"'\n]+)["']""", data, re.MULTILINE)
            given = os.fsdecode(found[1]) if found else "run"
    return (path.absolute().parent / str(given)).absolute()
