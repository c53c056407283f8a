"""Log lines that strangers can cause: one a minute of each kind, with how many were left out."""

from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

EVERY_NS: Final = 60_000_000_000


class RationedLog:
    """Warnings, rationed."""

    def __init__(self, log: FilteringBoundLogger, now_ns: Callable[[], int]) -> None:
        self._log = log
        self._now = now_ns
        self._told: dict[str, int] = {}
        self._left_out: dict[str, int] = {}

    def tell(self, event: str, kind: str, **fields: str | int) -> None:
        """One line.

        Args:
            event: what happened.
            kind: shares its ration; one of few, never of a stranger's choosing.
            fields: details.
        """
        now = self._now()
        told = self._told.get(kind)
        if told is not None and now - told < EVERY_NS:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
            return
        self._told[kind] = now
        self._log.warning(event, kind=kind, untold=self._left_out.pop(kind, 0), **fields)
