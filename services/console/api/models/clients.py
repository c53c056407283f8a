"""Who is connected to our Modbus slaves."""

from typing import Annotated

from msgspec import Meta

from services.console.api.models.common import Answer, Ask, Instance, Words


class Client(Answer, frozen=True, kw_only=True):
    """A connection. What is not known is null or empty.

    Attributes:
        instance: which slave process, e.g. `tls-slave`.
        peer: `address:port`.
        address: without the port.
        tls: whether it is encrypted.
        protocol: e.g. `TLSv1.3`; empty in plain.
        label: the owner's name for its certificate.
        fingerprint: of its certificate.
        role: in its certificate.
        connected_ms: for how long.
        asked_ms: since its last request; null for none.
        requests, exceptions: since it connected.
        rate: requests per second, lately.
        unit, function: of its last request.
        start, count: registers of its last request.
        paused: its requests are answered with exception 06 (busy) until it is resumed.
    """

    instance: str
    peer: str
    address: str
    tls: bool
    protocol: str = ""
    label: str = ""
    fingerprint: str = ""
    role: str = ""
    connected_ms: int | None = None
    asked_ms: int | None = None
    requests: int = 0
    exceptions: int = 0
    rate: float | None = None
    unit: int | None = None
    function: int | None = None
    start: int | None = None
    count: int | None = None
    paused: bool = False


class SlaveCounters(Answer, frozen=True, kw_only=True):
    """One slave process.

    Attributes:
        instance: its name.
        port: that it listens on.
        connections: open now; of more than 64 only the busiest are listed as clients.
        accepted, refused, requests, exceptions, framing_errors: counters since its start.
        rate: requests per second, lately.
        paused: who is paused: addresses, fingerprints.
    """

    instance: str
    port: int
    connections: int
    accepted: int
    refused: int
    requests: int
    exceptions: int
    framing_errors: int
    rate: float | None = None
    paused: tuple[str, ...] = ()


class Clients(Answer, frozen=True, kw_only=True):
    """GET /clients, and the event `sessions`: each second where something changed."""

    clients: tuple[Client, ...]
    slaves: tuple[SlaveCounters, ...]


class Disconnect(Ask, frozen=True, kw_only=True):
    """POST /clients/disconnect: cut one connection; nothing keeps it from coming back."""

    peer: Annotated[str, Meta(min_length=1, max_length=64)]
    instance: Instance | None = None


class Who(Ask, frozen=True, kw_only=True):
    """POST /clients/pause and /clients/resume.

    Attributes:
        who: an IP address, or the fingerprint of a certificate (TLS only).
        instance: one slave process; all of them without.
    """

    who: Annotated[str, Meta(min_length=1, max_length=64)]
    instance: Instance | None = None


class Steered(Answer, frozen=True, kw_only=True):
    """The answer.

    Attributes:
        connections: that it concerned.
        text: in words.
    """

    connections: int
    text: Words = ""
