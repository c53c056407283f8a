"""What `metergate health` reads: the state of one supervisor as a small JSON file, replaced as a whole.

A file rather than a question on the bus: the check runs every few seconds in every container and must cost a bare
Python's start, nothing more. It is never synced; after a crash of the machine nobody is healthy anyway.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from shared import clock
from supervisor.process import Process

WRITE_S: Final = 1.0

_encode: Final = msgspec.json.Encoder().encode


class StateFile:
    """The file of one supervisor.

    Args:
        run_dir: of this run.
        instance: of the supervisor; gives the file's name.
        settings: path of the settings file.
    """

    __slots__ = ("_beside", "_header", "path")

    def __init__(self, run_dir: Path, instance: str, settings: Path) -> None:
        self.path = run_dir / f"{instance}.json"
        self._beside = run_dir / f"{instance}.json.new"
        self._header = {
            "instance": instance,
            "settings": str(settings),
            "pid": os.getpid(),
            "pid_namespace": Path("/proc/self/ns/pid").stat().st_ino,
            "boot": clock.BOOT_ID,
        }

    def write(self, processes: Iterable[Process], config_error: str, config_pending: str) -> None:
        """Replace it."""
        children = [
            {
                "name": process.name,
                "role": process.spec.name,
                "state": process.life.state.value,
                "pid": process.life.pid,
                "reason": process.reason,
                "status": process.status,
            }
            for process in processes
        ]
        content = {
            **self._header,
            "t_ns": clock.now_ns(),
            "children": children,
            "config_error": config_error,
            "config_pending": config_pending,
        }
        self._beside.write_bytes(_encode(content))
        self._beside.replace(self.path)

    def remove(self) -> None:
        """At an ordered end."""
        self.path.unlink(missing_ok=True)
