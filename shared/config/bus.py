"""Keys of `[bus]`: how the roles talk to each other, on one host or between several."""

from pathlib import Path
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from shared.config.section import Host, Name, RoleName, Section


class BusHost(Section, frozen=True):
    """`[[bus.host]]`: one host of a bus over TCP.

    Attributes:
        name: free to choose, referred to by `bus.this`.
        address: IP address on which its roles are bound and found.
        public_key: CURVE public key, 40 characters, as `metergate bus-key` prints it.
        roles: what runs there, each role on one host only.
    """

    name: Name
    address: Host
    public_key: Annotated[str, Meta(min_length=40, max_length=40)]
    roles: tuple[RoleName, ...] = ()


class Bus(Section, frozen=True):
    """`[bus]`: how the roles talk. `ipc` on one host, also between containers; `tcp` between hosts, encrypted.

    Attributes:
        transport: `ipc` or `tcp`.
        this: name of this host's entry.
        secret_key_file: CURVE secret key of this host, mode 0600.
        port: first of 224 ports, two for each instance.
        host: all hosts.
    """

    transport: Literal["ipc", "tcp"] = "ipc"
    this: Name | UnsetType = UNSET
    secret_key_file: Path | UnsetType = UNSET
    port: Annotated[int, Meta(ge=1, le=65_000)] = 7600
    host: tuple[BusHost, ...] = ()
