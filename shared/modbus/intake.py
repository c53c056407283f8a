"""Images on their way from the bus into a slave's replica, and what is said of those that it refuses."""

from structlog.typing import FilteringBoundLogger

from shared import clock
from shared.bus.messages import Image
from shared.modbus.replica import Replica, Verdict


class Intake:
    """Hands images to a replica.

    Args:
        replica: what is served.
        log: for refused images: the 1st, 2nd, 4th, 8th of each kind.
    """

    __slots__ = ("_log", "_replica")

    def __init__(self, replica: Replica, log: FilteringBoundLogger) -> None:
        self._replica = replica
        self._log = log

    def take(self, image: Image) -> bool:
        """Whether it is served from now on."""
        verdict = self._replica.take(image, clock.now_ns())
        if verdict is Verdict.TAKEN:
            return True
        times = self._replica.counts[verdict]
        if verdict is not Verdict.OLDER and times.bit_count() == 1:
            self._log.warning("image refused", meter=image.meter, reason=verdict.value, times=times)
        return False
