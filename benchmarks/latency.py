"""Measurement to wire: from the time that a sample carries to the first answer that shows it, across three processes.

The household is measured each 100 ms. One client looks for the new value, only around the time at which it is due, so
that it is hardly a load itself; once with nobody else there, once beside a steady load. Which time a value has, an
image on the bus says.

Beside it stands what two hops of the bus take on this machine, with a message of the same size as seldom, where nothing
is done with it: on a virtual processor that sleeps in between that is most of the time.
"""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgpack
import zmq

from benchmarks.gateway import Folder, ask, folder, started, wait_register
from benchmarks.options import Options
from benchmarks.peers.relay import TOPIC
from benchmarks.report import Table
from benchmarks.servers import ROOT, python
from shared import clock
from shared.bus.endpoints import Endpoints
from shared.bus.sockets import context, sub_socket

CYCLE_S = 0.1
EARLY_S = 0.004
"""How long before a value is due the client begins to look."""
SAMPLES_PER_ROUND = 40
RATE = 5000
REGISTERS = 125


def run(options: Options) -> list[Table]:
    """Measure without and with load."""
    samples = 20 if options.quick else options.rounds * SAMPLES_PER_ROUND
    with folder() as where:
        bus = measure_bus(where, samples)
    with folder() as where, started(where, "up"):
        wait_register(where)
        measure(where, 5)  # warm
        idle = measure(where, samples)
        with _load(where) as answered:
            loaded = measure(where, samples)
    rows = tuple(
        (name, rate, len(found), _quantile(found, 0.5), _quantile(found, 0.99), max(found))
        for name, rate, found in (("idle", 0, idle), ("loaded", round(answered[0]), loaded), ("the bus alone", 0, bus))
    )
    notes = (
        f"{REGISTERS} registers; goal at {RATE} requests/s: p50 under 1 ms, p99 under 5 ms.",
        "Includes the client's own round trip, with which it finds the new value.",
    )
    return [Table("measurement to wire, ms", ("", "requests/s", "samples", "p50", "p99", "most"), rows, notes)]


def measure_bus(where: Folder, samples: int) -> list[float]:
    """Milliseconds from publishing to here, by way of a relay."""
    found: list[float] = []
    where.run_dir.mkdir(mode=0o700)
    with subprocess.Popen([*python("relay"), where.run_dir], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("the relay did not start")
            with context() as ctx, sub_socket(ctx, Endpoints(where.run_dir).pub("register-store"), TOPIC) as socket:
                while len(found) < samples:
                    sent = int.from_bytes(socket.recv_multipart()[1][:8], "big")
                    found.append((clock.now_ns() - sent) / 1e6)
        finally:
            process.kill()
    return found


def measure(where: Folder, samples: int) -> list[float]:
    """Milliseconds, for that many samples in a row."""
    ctx = zmq.Context()
    images: zmq.Socket[bytes] = ctx.socket(zmq.SUB)
    images.setsockopt(zmq.RCVHWM, 100_000)
    images.setsockopt(zmq.SUBSCRIBE, b"image/")
    images.connect(f"ipc://{where.run_dir}/register-store.pub")
    shown: dict[bytes, int] = {}
    try:
        images.recv_multipart()  # the last one: from here on nothing is missed
        with socket.create_connection(("127.0.0.1", where.port), 5) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _next(connection, shown)
            for _ in range(samples):
                time.sleep(max(0.0, CYCLE_S - EARLY_S))
                _next(connection, shown)
        times: dict[bytes, int] = {}
        images.setsockopt(zmq.RCVTIMEO, 500)
        while len(times.keys() & shown.keys()) < samples:
            image: dict[str, Any] = msgpack.unpackb(images.recv_multipart()[1], strict_map_key=False)
            times.setdefault(
                bytes(image["blocks"][0]["data"][: 2 * REGISTERS]), image["t_ns"]
            )  # the same twice: the first
    finally:
        ctx.destroy(linger=0)
    return [(at - times[data]) / 1e6 for data, at in shown.items() if data in times]


def _next(connection: socket.socket, shown: dict[bytes, int]) -> None:
    """Ask until there is an answer that was not seen before."""
    before = ask(connection, REGISTERS)
    while True:
        data = ask(connection, REGISTERS)
        if data != before:
            shown[data] = clock.now_ns()
            return


@contextmanager
def _load(where: Folder) -> Iterator[list[float]]:
    """A steady load; afterwards its list holds how many requests a second were answered."""
    command = [*python("paced_client"), str(where.port), str(RATE), str(REGISTERS)]
    answered: list[float] = []
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the load could not connect")
        yield answered
        process.stdin.close()
        answered.append(float(process.stdout.readline()))


def _quantile(found: list[float], part: float) -> float:
    return sorted(found)[min(len(found) - 1, round(part * len(found)))]
