"""The last message of a topic, which its owner sends to whoever subscribes. Blocking, for command lines."""

import time
from typing import TypeVar

from shared.bus.codec import decode
from shared.bus.endpoints import Endpoints
from shared.bus.messages import Message, topic
from shared.bus.sockets import context, receive, sub_socket
from shared.errors import PeerError

M = TypeVar("M", bound=Message)


def latest(endpoints: Endpoints, instance: str, kind: type[M], key: str = "", timeout_s: float = 1.5) -> M:
    """What that instance said last; what somebody else says in its place is passed over.

    Raises:
        PeerError: it says nothing.
        BusError: what came is malformed.
    """
    name = topic(kind, key)
    end = time.monotonic() + timeout_s
    with context() as ctx, sub_socket(ctx, endpoints.pub(instance), name) as socket:
        while socket.poll(max(0, round((end - time.monotonic()) * 1000))):
            frames = receive(socket)
            if len(frames) == 2 and frames[0] == name:  # another topic may begin with this one's name
                message = decode(frames[1])
                if isinstance(message, kind) and _is_its_own(message, endpoints, instance):
                    return message
    what = name.decode().partition("/")[0] + (f" of meter {key!r}" if key else "")
    raise PeerError(f"{instance} publishes no {what}; see `metergate ps` where it runs")


def _is_its_own(message: Message, endpoints: Endpoints, instance: str) -> bool:
    """Whether that instance said it, of a generation that its lock file knows, where that can be told."""
    newest = endpoints.generation(instance)
    return message.src == instance and (newest is None or message.gen <= newest)
