"""`python -m benchmarks.peers.relay FOLDER`: a source and a relay that do nothing but pass a message on over the bus.

The source, a process of its own, publishes the time each 100 ms, as much of it as an image has bytes; the relay sends
on what it gets. Prints "ready"; both go on until they are killed.
"""

import os
import sys
import time
from pathlib import Path

from shared import clock
from shared.bus.endpoints import Endpoints
from shared.bus.sockets import context, pub_socket, sub_socket
from shared.kernel import die_with

PERIOD_S = 0.1
IMAGE_BYTES = 2400
TOPIC = b"image/house"


def source(endpoints: Endpoints) -> None:
    """Publish the time."""
    with context() as ctx, pub_socket(ctx, endpoints.pub("measurement")) as socket:
        while True:
            time.sleep(PERIOD_S)
            socket.send_multipart((TOPIC, clock.now_ns().to_bytes(8, "big").ljust(IMAGE_BYTES)))


def relay(endpoints: Endpoints) -> None:
    """Send on."""
    with (
        context() as ctx,
        sub_socket(ctx, endpoints.pub("measurement"), TOPIC) as heard,
        pub_socket(ctx, endpoints.pub("register-store")) as told,
    ):
        print("ready", flush=True)
        while True:
            told.send_multipart(heard.recv_multipart())


if __name__ == "__main__":
    ends, own = Endpoints(Path(sys.argv[1])), os.getpid()
    if os.fork():
        relay(ends)
    else:
        die_with(own)
        source(ends)
