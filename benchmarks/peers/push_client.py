"""A master under test: `python -m benchmarks.peers.push_client KIND CYCLES PERIOD_MS PORT...` -> one line of JSON.

KIND is `metergate` (its receivers as the role runs them), `pymodbus` (one client after the other, as in every example)
or `pymodbus-gather` (all clients at once, on uvloop). Each cycle takes another image and writes all four groups into
every slave; with a PERIOD of 0 the next cycle begins when all are done. The first slave counts as the healthy one.
"""

import asyncio
import json
import logging
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from itertools import pairwise
from statistics import mean

import structlog
import uvloop
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from services.master_pusher.feed import Feed
from services.master_pusher.groups import GROUPS
from services.master_pusher.sender import ModbusSender
from services.master_pusher.target import Target
from shared import clock
from shared.bus.messages import Block, Image
from shared.config.master import Target as Settings

TIMEOUT_S = 1.0
WARM = 5
Cycle = Callable[[int], Awaitable[bool]]
"""Push everything; whether the first slave has it."""


def image(number: int) -> Image:
    """One of many."""
    words = [(number * 7 + at) & 0xFFFF for at in range(792)]
    data = struct.pack(">792H", *words)
    blocks = (Block(0, data[:296]), Block(512, data[1024:]))
    return Image(
        src="register-store",
        gen=1,
        seq=number,
        t_ns=clock.now_ns(),
        meter="m",
        unit=1,
        stale_after_ms=900_000,
        blocks=blocks,
    )


def metergate(ports: list[int]) -> tuple[Cycle, Callable[[int], None], Target]:
    """Receivers as the role has them: all in one loop, each a task of its own."""
    feed = Feed("m", frozenset(GROUPS))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    targets = []
    for number, port in enumerate(ports, start=1):
        settings = Settings(address="127.0.0.1", port=port, timeout_s=TIMEOUT_S)
        sender = ModbusSender(settings, None)
        targets.append(Target(number, settings, tuple(GROUPS), "m", sender, log=structlog.get_logger()))

    def offer(number: int) -> None:
        feed.take(image(number), clock.now_ns())
        batch = feed.batch()
        assert batch is not None
        for target in targets:
            target.offer(batch)

    async def cycle(number: int) -> bool:
        offer(number)
        await asyncio.gather(*(target.attempt() for target in targets))
        return True

    offer.targets = targets  # type: ignore[attr-defined]  # for whoever runs their tasks
    return cycle, offer, targets[0]


def pymodbus(ports: list[int], *, at_once: bool) -> Cycle:
    """A plain loop, with the client's own reconnect off: a dead slave is tried again in the next cycle."""
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL + 1)
    clients = [
        AsyncModbusTcpClient("127.0.0.1", port=p, timeout=TIMEOUT_S, retries=0, reconnect_delay=0) for p in ports
    ]

    async def push(client: AsyncModbusTcpClient, words: dict[int, list[int]]) -> bool:
        try:
            if not client.connected and not await client.connect():
                return False
            for address, values in words.items():
                await client.write_registers(address, values, device_id=1)
        except ModbusException:
            return False
        return True

    async def cycle(number: int) -> bool:
        blocks = {block.start: block.data for block in image(number).blocks}
        words: dict[int, list[int]] = {}
        for group in GROUPS.values():
            for start, size in group.pieces:
                base = 0 if start < 512 else 512
                data = blocks[base][2 * (start - base) : 2 * (start - base + size)]
                words[start] = list(struct.unpack(f">{size}H", data))
        if at_once:
            return (await asyncio.gather(*(push(client, words) for client in clients)))[0]
        done = [await push(client, words) for client in clients]
        return done[0]

    return cycle


async def measure(kind: str, cycles: int, period_s: float, ports: list[int]) -> dict[str, float]:
    """Times in ms."""
    if kind == "metergate":
        cycle, offer, healthy = metergate(ports)
        if period_s:
            return await steady(offer, healthy, cycles, period_s)
    else:
        cycle = pymodbus(ports, at_once=kind == "pymodbus-gather")
    for number in range(1, 2 if period_s else WARM + 1):
        await cycle(number)
    took, starts = [], []
    cpu = time.process_time()
    for number in range(WARM + 1, WARM + 1 + cycles):
        begin = time.perf_counter()
        starts.append(begin)
        assert await cycle(number), "the healthy slave did not take it"
        took.append(time.perf_counter() - begin)
        if period_s:
            await asyncio.sleep(max(0.0, period_s - took[-1]))
    return figures(took, starts, time.process_time() - cpu)


async def steady(offer: Callable[[int], None], healthy: Target, cycles: int, period_s: float) -> dict[str, float]:
    """Receivers run on their own; images come at their period whatever becomes of them."""
    tasks = [asyncio.create_task(target.run()) for target in offer.targets]  # type: ignore[attr-defined]
    loop = asyncio.get_running_loop()
    took, starts = [], []
    cpu, due = time.process_time(), loop.time()
    for number in range(1, cycles + 1):
        offer(number)
        due += period_s
        await asyncio.sleep(max(0.0, due - loop.time()))
        report = healthy.report(2**63)
        assert report.pushes == number, "the healthy slave did not take it"
        took.append(report.latency_us / 1e6)
        starts.append(report.pushed_ns / 1e9)
    spent = time.process_time() - cpu
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return figures(took, starts, spent)


def figures(took: list[float], starts: list[float], cpu_s: float) -> dict[str, float]:
    """In ms."""
    periods = [after - before for before, after in pairwise(starts)]
    ordered = sorted(took)
    return {
        "p50_ms": 1000 * ordered[len(ordered) // 2],
        "p99_ms": 1000 * ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)],
        "cpu_ms": 1000 * cpu_s / len(took),
        "period_ms": 1000 * mean(periods),
        "period_max_ms": 1000 * max(periods),
    }


def main() -> None:
    """See module."""
    kind, cycles, period_ms, *ports = sys.argv[1:]
    work = measure(kind, int(cycles), int(period_ms) / 1000, [int(port) for port in ports])
    found = asyncio.run(work) if kind == "pymodbus" else uvloop.run(work)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
