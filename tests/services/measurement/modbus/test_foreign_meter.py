"""The tests' own meter: it ends without leaving a socket to the garbage collector, which warns in some later test."""

import gc
import socket

from tests.services.measurement.modbus.foreign_meter import ForeignMeter


def test_whoever_is_just_accepted_is_closed_too() -> None:
    meter = ForeignMeter({0: 0})
    meter.start()
    loop = meter._loop
    assert loop is not None
    callers: list[socket.socket] = []

    def dial() -> None:
        """One caller more for each turn of the meter's loop, to its very end."""
        callers.append(socket.socket())
        if callers[-1].connect_ex(("127.0.0.1", meter.port)) == 0:
            loop.call_soon(dial)

    loop.call_soon_threadsafe(dial)
    meter.stop()
    assert len(callers) > 1
    for caller in callers:
        caller.close()
    gc.collect()  # a socket that nobody closed is an error now, as is every warning
