"""What checks the role's settings, and every way of doing that wrong.

`<run_dir>/verify.behaviour` holds one of: `refuse` has a problem with `wallbox.present`, `crash` fails, `hang` never
answers, `chatter` says more than anybody reads.
"""

import os
import sys
import time
from pathlib import Path

from shared.config.check import Problem
from shared.config.model import Config


def verify(_config: Config) -> list[Problem]:
    """As the file says."""
    file = Path(os.environ["METERGATE_RUN_DIR"]) / "verify.behaviour"
    match file.read_text() if file.exists() else "":
        case "refuse":
            return [Problem(("wallbox", "present"), "names a file that is wrong")]
        case "crash":
            raise ValueError
        case "hang":
            time.sleep(60)
        case "chatter":
            sys.stdout.write("x" * 1_000_000)
    return []
