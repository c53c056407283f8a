"""What a slave tells about its clients."""

import msgspec
from msgspec import field

from shared.bus.message import Message


class Client(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One open connection of a slave. Its last request is the last whole frame, however it was answered.

    Attributes:
        peer: address and port.
        address: without the port.
        connected_ns: CLOCK_BOOTTIME at which it was let in.
        asked_ns: CLOCK_BOOTTIME at about which it asked last, to the second; 0 where it never has.
        requests: answered since connect.
        exceptions: of these, with an exception.
        unit, function: of its last request; -1 and 0 where it has made none.
        start, count: registers that it named; -1 and 0 where it named none, or not as the function wants it.
        fingerprint: SHA-256 of its certificate in hex; empty without TLS, as all that follow but `paused`.
        label: the owner's name for that certificate.
        role: in that certificate.
        protocol: TLS version.
        paused: whether its requests are answered with exception 06.
    """

    peer: str
    address: str
    connected_ns: int
    asked_ns: int = 0
    requests: int = 0
    exceptions: int = 0
    unit: int = -1
    function: int = 0
    start: int = -1
    count: int = 0
    fingerprint: str = ""
    label: str = ""
    role: str = ""
    protocol: str = ""
    paused: bool = False


class Sessions(Message, frozen=True, kw_only=True, tag="sessions/1", gc=False):
    """What a slave is doing. Written by each slave instance once a second, and when a client is paused or resumed.

    Attributes:
        port: listening port, 0 where none.
        connections: open now.
        accepted, refused, requests, exceptions, framing_errors: counters since this start.
        clients: address -> requests since connect, for at most 64 open connections.
        labels: of the same clients, where they have a certificate: the owner's name for it, else its fingerprint.
        details: the same clients, the busiest first.
        paused: addresses and fingerprints whose requests are answered with exception 06.
    """

    port: int
    connections: int
    accepted: int = 0
    refused: int = 0
    requests: int = 0
    exceptions: int = 0
    framing_errors: int = 0
    clients: dict[str, int] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    details: tuple[Client, ...] = ()
    paused: tuple[str, ...] = ()
