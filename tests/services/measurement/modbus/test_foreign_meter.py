"""The tests' own meter: it ends without leaving a socket to the garbage collector, which warns in some later test."""

import gc
import socket
import threading

from tests.services.measurement.modbus.foreign_meter import ForeignMeter

ROUNDS = 20
DIALS = 5


def test_whoever_is_just_accepted_is_closed_too() -> None:
    for _ in range(ROUNDS):
        meter = ForeignMeter({0: 0})
        meter.start()
        callers = [socket.socket() for _ in range(DIALS)]
        dialling = threading.Thread(target=_dial, args=(callers, meter.port))
        dialling.start()
        meter.stop()
        dialling.join()
        for caller in callers:
            caller.close()
    gc.collect()


def _dial(callers: list[socket.socket], port: int) -> None:
    for caller in callers:
        caller.connect_ex(("127.0.0.1", port))
