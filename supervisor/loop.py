"""Waits for descriptors, ZeroMQ sockets, signals and alarms in one poll: all that the supervisor ever waits for.

Descriptors are looked at before alarms: a beat that lies in a socket counts, however late this process was woken.
"""

import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import Final

import zmq

from shared.bus.sockets import Socket

LATE_S: Final = 0.2
"""Woken so much later than planned (stopped, suspended, starved), everybody else gets a look before judgement."""

Callback = Callable[[], None]
now: Final = time.monotonic
"""Stands still while the machine sleeps: nobody is late because of that."""


class Loop:
    """Callbacks by what they wait for."""

    __slots__ = ("_alarms", "_callbacks", "_poller", "_stopped", "_wakeup")

    def __init__(self) -> None:
        self._poller = zmq.Poller()
        self._callbacks: dict[Socket | int, Callback] = {}
        self._alarms: dict[str, tuple[float, Callback]] = {}
        self._wakeup: tuple[int, int] | None = None
        self._stopped = False

    def watch(self, source: Socket | int, callback: Callback) -> None:
        """Call back whenever `source`, a ZeroMQ socket or a descriptor, is readable."""
        self._callbacks[source] = callback
        self._poller.register(source, zmq.POLLIN)

    def unwatch(self, source: Socket | int) -> None:
        """Before it is closed, since numbers of descriptors come again."""
        if self._callbacks.pop(source, None) is not None:
            self._poller.unregister(source)

    def alarm(self, name: str, when: float | None, callback: Callback) -> None:
        """Call back once at that monotonic time; replaces the alarm of that name, None removes it."""
        if when is None:
            self._alarms.pop(name, None)
        else:
            self._alarms[name] = (when, callback)

    def every(self, name: str, period_s: float, callback: Callback) -> None:
        """Call back now and then, the first time after one period."""

        def again() -> None:
            self.alarm(name, now() + period_s, again)
            callback()

        self.alarm(name, now() + period_s, again)

    def signals(self, numbers: Iterable[int], callback: Callable[[int], None]) -> None:
        """Call back for these signals, between two other callbacks, never inside one."""
        reader, writer = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = (reader, writer)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        wanted = frozenset(numbers)
        for number in wanted:
            signal.signal(number, lambda *_: None)  # the number arrives through the descriptor

        def arrived() -> None:
            for number in os.read(reader, 64):
                if number in wanted:
                    callback(number)

        self.watch(reader, arrived)

    def run(self) -> None:
        """Until `stop`."""
        while not self._stopped:
            planned = min((when for when, _ in self._alarms.values()), default=None)
            self._turn(None if planned is None else max(0.0, planned - now()))
            if planned is not None and now() - planned > LATE_S:
                self._turn(0.0)
            due = now()
            for name, (when, callback) in list(self._alarms.items()):
                if when <= due and self._alarms.get(name) == (when, callback):
                    del self._alarms[name]
                    callback()

    def stop(self) -> None:
        """Let `run` return after the current turn."""
        self._stopped = True

    def close(self) -> None:
        """Give signals back to Python's default wake-up; descriptors of others are theirs to close."""
        if self._wakeup is not None:
            signal.set_wakeup_fd(-1)
            self.unwatch(self._wakeup[0])
            for fd in self._wakeup:
                os.close(fd)

    def _turn(self, timeout_s: float | None) -> None:
        timeout_ms = None if timeout_s is None else int(timeout_s * 1000) + 1
        for source, _ in self._poller.poll(timeout_ms):
            callback = self._callbacks.get(source)  # one before it in this turn may have ended it
            if callback is not None:
                callback()
