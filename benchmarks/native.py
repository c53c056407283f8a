"""The C programs of the benchmarks: compiled at run time into a folder of the caller."""

import shutil
import subprocess
from pathlib import Path

SOURCES = Path(__file__).parent / "c"
PACKAGES = {"libmodbus": "libmodbus-dev", "openssl": "libssl-dev"}


class MissingToolError(Exception):
    """A program or library is not installed; the text says how to get it."""


def build(name: str, into: Path, library: str | None = None) -> Path:
    """Compile `c/<name>.c`, with a pkg-config library where it needs one.

    Raises:
        MissingToolError: no compiler, no pkg-config, or no such library.
    """
    for tool, package in (("cc", "gcc"), ("pkg-config", "pkg-config")):
        if shutil.which(tool) is None:
            raise MissingToolError(f"{tool} is missing; on Debian and Ubuntu: apt install {package}")
    flags: list[str] = []
    if library is not None:
        asked = subprocess.run(
            ["pkg-config", "--cflags", "--libs", library], capture_output=True, text=True, check=False
        )
        if asked.returncode:
            raise MissingToolError(f"{library} is missing; on Debian and Ubuntu: apt install {PACKAGES[library]}")
        flags = asked.stdout.split()
    program = into / name
    subprocess.run(["cc", "-O2", "-Wall", "-o", program, SOURCES / f"{name}.c", *flags], check=True)
    return program
