"""How much a slave may still send: an answer for each question, not more. A flood must not hold up other meters."""

from typing import Final

from shared.modbus.frame import MAX_FRAME

MOST_LATE: Final = 8
"""Answers that may come together: those to questions that were given up, and the one to the last."""


class Allowance:
    """Of one connection."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = 0

    def asked(self) -> None:
        """One more answer may come."""
        self._left = min(self._left + MAX_FRAME, MOST_LATE * MAX_FRAME)

    def covers(self, size: int) -> bool:
        """Take so many bytes off; whether they were due."""
        self._left -= size
        return self._left >= 0
