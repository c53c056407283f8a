"""The plain slave's server as the role runs it, with a new image every 200 ms. Prints its port, serves until killed."""

import asyncio
import gc
import sys

import structlog
import uvloop

from shared import clock
from shared.bus.messages import Block, Image
from shared.modbus.listen import bind
from shared.modbus.replica import Replica
from shared.modbus.server import Limits, Server

IMAGE_PERIOD_S = 0.2


def image(first: int, count: int, seq: int) -> Image:
    """An image of one block, all of it live."""
    data = bytes((seq + n) & 0xFF for n in range(2 * count))
    block = Block(first, data, live=((first, first + count),))
    return Image(
        src="benchmark",
        gen=1,
        seq=seq,
        t_ns=clock.now_ns(),
        meter="house",
        unit=1,
        stale_after_ms=5000,
        blocks=(block,),
    )


async def serve(first: int, count: int) -> None:
    """Serve `count` registers from `first`."""
    replica = Replica({"house": 1})
    limits = Limits(max_connections=4096, max_connections_per_address=4096)
    server = Server(replica, structlog.get_logger(), limits)
    replica.take(image(first, count, 1), clock.now_ns())
    await server.start([bind("127.0.0.1", 0)])
    gc.freeze()
    print(server.port, flush=True)
    seq = 1
    while True:
        await asyncio.sleep(IMAGE_PERIOD_S)
        seq += 1
        replica.take(image(first, count, seq), clock.now_ns())


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2])))
