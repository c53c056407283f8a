"""The bus between hosts: TCP with CURVE keys and an allow-list, or not at all. `docs/operate.md` shows a set-up.

Every host has one key pair and one entry in `[[bus.host]]`; an entry says which roles run there. Each instance has two
ports of its own, counted from `bus.port`. Who is not in the list is refused in the handshake.
"""

from pathlib import Path
from typing import Final, NamedTuple, get_args

import zmq

from shared.config.bus import Bus as BusSettings
from shared.config.bus import BusHost
from shared.config.section import RoleName
from shared.errors import ConfigError

ROLES: Final[tuple[str, ...]] = get_args(RoleName)
"""Their order decides the ports, so a new one comes last."""
PORTS_PER_ROLE: Final = 32
"""Two for each of 16 workers."""


class Curve(NamedTuple):
    """Keys for one endpoint, Z85 text (ZeroMQ RFC 32).

    Attributes:
        public, secret: of this host.
        server: public key of the host that binds the endpoint.
        allowed: public keys that may connect.
    """

    public: bytes
    secret: bytes
    server: bytes
    allowed: frozenset[bytes]


class Endpoint(NamedTuple):
    """Where an instance is bound, and found.

    Attributes:
        address: ZeroMQ address.
        curve: keys; None for ipc, which its folder's mode protects.
    """

    address: str
    curve: Curve | None = None


class Network:
    """Addresses and keys of all hosts.

    Args:
        settings: `[bus]`, with transport `tcp`.

    Raises:
        ConfigError: the secret key cannot be read, or is not the one of this host's entry.
    """

    def __init__(self, settings: BusSettings) -> None:
        self._settings = settings
        self._host_of: dict[str, BusHost] = {role: host for host in settings.host for role in host.roles}
        own = next(host for host in settings.host if host.name == settings.this)
        self._secret = _secret(settings)
        self._public = zmq.curve_public(self._secret)
        if self._public.decode() != own.public_key:
            raise ConfigError(
                f"bus.host: the entry {own.name!r} has another public key than {settings.secret_key_file}; "
                f"put public_key = {self._public.decode()!r} there"
            )
        self._allowed = frozenset(host.public_key.encode() for host in settings.host)

    def endpoint(self, instance: str, *, commands: bool) -> Endpoint:
        """Endpoint of an instance's publisher or of its commands.

        Raises:
            ConfigError: no host runs it.
        """
        role, _, worker = instance.partition(".")
        host = self._host_of.get(role)
        if host is None:
            raise ConfigError(f"bus.host: no host has {role!r} in its roles; add it to the one that runs it")
        port = self._settings.port + ROLES.index(role) * PORTS_PER_ROLE + commands
        port += 2 * (int(worker) - 1) if worker else 0
        curve = Curve(self._public, self._secret, host.public_key.encode(), self._allowed)
        return Endpoint(f"tcp://{host.address}:{port}", curve)


def _secret(settings: BusSettings) -> bytes:
    path = settings.secret_key_file
    if not isinstance(path, Path):
        raise ConfigError("bus.secret_key_file: is missing; `metergate bus-key FILE` makes one")
    try:
        mode = path.stat().st_mode
        secret = path.read_bytes().strip()
        zmq.curve_public(secret)
    except OSError as error:
        raise ConfigError(
            f"bus.secret_key_file: {path} cannot be read ({error.strerror}); `metergate bus-key {path}` makes one"
        ) from error
    except (ValueError, zmq.ZMQError) as error:
        raise ConfigError(f"bus.secret_key_file: {path} holds no CURVE secret key (40 characters of Z85)") from error
    if mode & 0o077:
        raise ConfigError(f"bus.secret_key_file: {path} can be read by others; run chmod 600 {path}")
    return secret


def network_of(settings: BusSettings) -> Network | None:
    """The network between hosts, or None on one host."""
    return Network(settings) if settings.transport == "tcp" else None
