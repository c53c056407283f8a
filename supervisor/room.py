"""How many processes the limit of open files allows: too many are refused before they take what the others need."""

from typing import Final

from shared.errors import RefusedError
from shared.kernel import descriptors_left

KEPT: Final = 16
"""So many must be left when a process is added: it takes four of them here, and settings, state and taps need some."""
OWN: Final = 32
"""What a supervisor opens besides its processes, and `KEPT`."""
EACH: Final = 3
"""For a process: control channel, descriptor of the process, listening socket."""
_CURE: Final = "raise the limit (ulimit -n, LimitNOFILE=), or lower slave.workers"


def refuse_too_many(processes: int) -> None:
    """Before anything is started.

    Raises:
        RefusedError: so many processes need more open files than the kernel allows this one.
    """
    left, needed = descriptors_left(), OWN + EACH * processes
    if left < needed:
        raise RefusedError(f"{processes} processes take {needed} open files here, and only {left} can be; {_CURE}")


def refuse_one_more(on_their_way: int) -> None:
    """Before a process is started that was not there before.

    Args:
        on_their_way: processes that are being made, each of which will take a descriptor still.

    Raises:
        RefusedError: too few are left.
    """
    left = descriptors_left() - on_their_way
    if left < KEPT:
        raise RefusedError(f"only {left} more files can be opened here; {_CURE}")
