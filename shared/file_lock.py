"""flock(2) on an open file: taken with patience, or looked at. It ends with the process that holds it."""

import fcntl
import time
from typing import Final

_LOOK_S: Final = 0.01


def lock(descriptor: int, patience_s: float) -> bool:
    """Take it; False where somebody else still held it after so long."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        else:
            return True


def is_locked(descriptor: int) -> bool:
    """Whether somebody holds it, through another descriptor; close this one soon, since looking holds it as well."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False
