"""How the receivers stand, from the last message of the master pusher."""

import time
from typing import Final

from shared.bus.codec import decode
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Push, Pushes, topic
from shared.bus.sockets import context, sub_socket
from shared.errors import PeerError

PUSHER: Final = "master-pusher"
PATIENCE_S: Final = 1.5


def last_pushes(endpoints: Endpoints, timeout_s: float = PATIENCE_S) -> tuple[Push, ...]:
    """One row for each receiver.

    Raises:
        PeerError: it says nothing.
        BusError: what came is malformed.
    """
    end = time.monotonic() + timeout_s
    with context() as ctx, sub_socket(ctx, endpoints.pub(PUSHER), topic(Pushes)) as socket:
        while socket.poll(max(0, round((end - time.monotonic()) * 1000))):
            frames = socket.recv_multipart()
            message = decode(frames[1]) if len(frames) == 2 else None
            if isinstance(message, Pushes):
                return message.slaves
    raise PeerError(f"{PUSHER} runs, but does not say how the receivers stand; see `metergate ps`")
