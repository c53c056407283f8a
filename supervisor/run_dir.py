"""Where a running instance is found, also while its settings file is wrong. Standard library only."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

PLACES: Final = (Path("metergate.toml"), Path("/etc/metergate/metergate.toml"))


def find_run_dir(config: str | None, environ: Mapping[str, str] = os.environ) -> Path | None:
    """As `shared.config.load` resolves it, without reading more of the settings than this key."""
    named = config or environ.get("METERGATE_CONFIG")
    path = Path(named) if named else next((place for place in PLACES if place.is_file()), None)
    given = environ.get("METERGATE_RUN_DIR")
    if path is None:
        return Path(given) if given and Path(given).is_absolute() else None
    if given is None:
        import tomllib  # noqa: PLC0415  # containers name the folder in the environment and save these milliseconds

        try:
            text = path.read_text(encoding="utf-8", errors="replace")  # also one that is no UTF-8 is being edited
        except OSError:
            return None
        try:
            given = tomllib.loads(text).get("gateway", {}).get("run_dir", "run")
        except (tomllib.TOMLDecodeError, AttributeError):  # being edited; what runs does not mind, nor do we
            found = re.search(r"""^\s*run_dir\s*=\s*["']([^"']+)["']""", text, re.MULTILINE)
            given = found[1] if found else "run"
    return (path.absolute().parent / str(given)).absolute()
