"""What lies in a folder.

Not by `Path.glob`: it compiles its pattern when it is first asked, after the fork, and each role that asks has 0.3 MiB
of the compiler's pages for itself.
"""

import os
from pathlib import Path


def names_in(folder: Path) -> list[str]:
    """Names of all that is in it, in no order; none where there is no such folder, or it is closed to this user."""
    try:
        return os.listdir(folder)  # noqa: PTH208  # names are asked for
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
