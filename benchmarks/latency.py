"""Measurement to wire: from the time that a sample carries to the first answer that shows it, across three processes.

The household is measured each 100 ms. The load itself notes when an answer shows new values, so that nobody else asks;
once with few requests, once at the rate of the goal. Which time a value has, an image on the bus says.

Beside it stands what two hops of the bus take on this machine, with a message of the same size as seldom, where nothing
is done with it: on a virtual processor that sleeps in between that is most of the time.
"""

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgpack
import zmq

from benchmarks.gateway import Folder, folder, started, wait_register
from benchmarks.native import build
from benchmarks.options import Options
from benchmarks.peers.relay import TOPIC
from benchmarks.report import Table
from benchmarks.servers import ROOT, python
from shared import clock
from shared.bus.endpoints import Endpoints
from shared.bus.sockets import context, sub_socket

CYCLE_S = 0.1
SAMPLES_PER_ROUND = 40
RATE, CONNECTIONS = 5000, 10
SELDOM = 1000
REGISTERS = 125
SETTLED_S = 0.5
"""After the load has ended the images that it has seen are here."""


def run(options: Options) -> list[Table]:
    """Measure with little load and with much."""
    samples = 20 if options.quick else options.rounds * SAMPLES_PER_ROUND
    rows = []
    with folder() as where, started(where, "up"):
        program = build("paced", where.path)
        wait_register(where)
        measure(where, program, SELDOM, 5)  # warm
        for name, rate in (("hardly loaded", SELDOM), ("loaded", RATE)):
            answered, found = measure(where, program, rate, samples)
            rows.append(_row(name, answered, found))
    with folder() as where:
        rows.append(_row("the bus alone", 0, measure_bus(where, samples)))
    notes = (
        f"{REGISTERS} registers; goal at {RATE} requests/s: p50 under 1 ms, p99 under 5 ms.",
        f"Includes the wait for the next request, on average {1e3 / RATE / 2:g} ms at {RATE}/s, and its round trip.",
    )
    return [Table("measurement to wire, ms", ("", "requests/s", "samples", "p50", "p99", "most"), tuple(rows), notes)]


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


def measure(where: Folder, program: Path, rate: int, samples: int) -> tuple[int, list[float]]:
    """Requests answered a second, and milliseconds for about that many samples in a row."""
    ctx = zmq.Context()
    images: zmq.Socket[bytes] = ctx.socket(zmq.SUB)
    images.setsockopt(zmq.RCVHWM, 100_000)
    images.setsockopt(zmq.SUBSCRIBE, b"image/")
    images.connect(f"ipc://{where.run_dir}/register-store.pub")
    try:
        images.recv_multipart()  # the last one: from here on nothing is missed
        answered, *lines = _load(program, where.port, rate, samples * CYCLE_S)
        time.sleep(SETTLED_S)
        times: dict[bytes, int] = {}
        while images.poll(0):
            image: dict[str, Any] = msgpack.unpackb(images.recv_multipart()[1], strict_map_key=False)
            data = bytes(image["blocks"][0]["data"][: 2 * REGISTERS])
            times.setdefault(data, image["t_ns"])  # the same twice: the first
    finally:
        ctx.destroy(linger=0)
    return int(answered), list(_ages(lines[1:], times))  # whatever was there at first came before


def _ages(lines: Iterable[str], times: dict[bytes, int]) -> Iterable[float]:
    for line in lines:
        at, data = line.split()
        if (begin := times.get(bytes.fromhex(data))) is not None:
            yield (int(at) - begin) / 1e6


def _load(program: Path, port: int, rate: int, seconds: float) -> list[str]:
    """The lines that it prints, see `c/paced.c`."""
    command = [program, *map(str, (port, CONNECTIONS, rate, REGISTERS))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        if process.stdout.readline() != "ready\n":
            raise RuntimeError("the load could not connect")
        time.sleep(seconds)
        process.stdin.close()
        return process.stdout.read().splitlines()


def _row(name: str, rate: int, found: list[float]) -> tuple[str, int, int, float, float, float]:
    return name, rate, len(found), _quantile(found, 0.5), _quantile(found, 0.99), max(found)


def _quantile(found: list[float], part: float) -> float:
    return sorted(found)[min(len(found) - 1, round(part * len(found)))]
