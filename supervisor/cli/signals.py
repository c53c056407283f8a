"""Ctrl-C, SIGTERM and a closed terminal as a wish that a command's loop asks for, so that it can end in order."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """A flag. No threading.Event: a handler that sets one can meet its lock held by the very thread it interrupted.

    Attributes:
        wanted: whether a signal came.
    """

    __slots__ = ("wanted",)

    def __init__(self) -> None:
        self.wanted = False


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """The first signal sets the flag; a second one ends the command where it stands."""
    stop = Stop()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.wanted:
            raise KeyboardInterrupt
        stop.wanted = True

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
