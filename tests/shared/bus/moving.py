"""`python -m tests.shared.bus.moving RUN_DIR READINGS`: an owner's socket file becomes another's while much waits.

Prints how many messages of the first owner were handed over before one of the second was; READINGS are allowed for
what waits. In a process of its own, since libzmq may abort it.
"""

import asyncio
import sys
from pathlib import Path

import structlog

from shared.bus import claim
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Sample
from shared.bus.publisher import Publisher
from shared.bus.sockets import context, pub_socket, sub_socket
from tests.shared.bus.talker import sample

WAITING = 250


async def main(endpoints: Endpoints) -> int:
    """See module."""
    place = endpoints.pub("measurement")
    reader = Bus(endpoints, "register-store", 1, structlog.get_logger())
    heard: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    got: list[Sample] = []
    buses = [reader]
    with context() as ctx, pub_socket(ctx, place) as socket, sub_socket(ctx, place) as witness:
        first = Publisher(socket, "measurement", 1)

        def take(one: Sample) -> None:
            if one.gen == 2:
                heard.set_result(len(got))
                return
            got.append(one)
            if len(got) == 1:
                for _ in range(WAITING):
                    first.publish(*sample(first))
                for _ in range(WAITING):
                    witness.recv_multipart()  # what comes last to the later one is with the earlier one as well
                second = Bus(endpoints, "measurement", 2, structlog.get_logger())
                buses.append(second)
                second.publish(*sample(second._publisher))
                asyncio.get_running_loop().call_soon(reader._look)

        reader.subscribe("measurement", Sample, take, every=True)
        socket.poll()
        first.on_readable()
        witness.subscribe(b"sample/")
        socket.poll()
        first.on_readable()
        first.publish(*sample(first))
        witness.recv_multipart()
        try:
            return await heard
        finally:
            for bus in buses:
                bus.close()


if __name__ == "__main__":
    claim.MOST_TURNS = int(sys.argv[2])  # type: ignore[misc]
    sys.stdout.write(f"{asyncio.run(main(Endpoints(Path(sys.argv[1]))))}\n")
