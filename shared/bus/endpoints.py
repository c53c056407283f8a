"""Where each instance is found on this host, and that it runs only once.

One folder, mode 0700, holds for each instance `<name>.pub`, `<name>.cmd` and `<name>.lock`. A second ipc bind would
succeed silently and steal the endpoint, therefore the lock: who does not hold it must not bind.
"""

import os
import re
import time
from pathlib import Path
from typing import Final

from shared.bus.network import Endpoint, Network, network_of
from shared.config.model import Config
from shared.errors import ConfigError, RefusedError
from shared.file_lock import is_locked, lock
from shared.folder import names_in

SOCKET_PATH_LIMIT: Final = 107
"""Bytes that fit into sun_path of a Unix socket address on Linux (unix(7)), less the final NUL."""

LONGEST_INSTANCE: Final = "supervisor.certificate-manager"
LOCK_PATIENCE_S: Final = 0.5
"""A health check that looks at the lock holds it for an instant; a dying process frees it a moment after its end."""

_INSTANCE = re.compile(r"[a-z][a-z-]*(\.[a-z0-9-]+)?")


class Endpoints:
    """ZeroMQ endpoints of the instances under one run folder.

    Args:
        run_dir: absolute path of the folder.
        network: where the instances of other hosts are; None on one host. Supervisors are always spoken to locally.

    Raises:
        ConfigError: the path leaves no room for socket names.
    """

    __slots__ = ("_network", "run_dir")

    def __init__(self, run_dir: Path, network: Network | None = None) -> None:
        self.run_dir = run_dir
        self._network = network
        longest = len(os.fsencode(run_dir / f"{LONGEST_INSTANCE}.pub"))
        if longest > SOCKET_PATH_LIMIT:
            room = SOCKET_PATH_LIMIT - (longest - len(os.fsencode(run_dir)))
            raise ConfigError(
                f"gateway.run_dir: {run_dir} is too long for the sockets in it (at most {room} bytes); "
                "choose a shorter folder, or set METERGATE_RUN_DIR"
            )

    def pub(self, instance: str) -> Endpoint:
        """Where `instance` publishes."""
        return self._endpoint(instance, commands=False)

    def cmd(self, instance: str) -> Endpoint:
        """Where `instance` takes commands."""
        return self._endpoint(instance, commands=True)

    def generation(self, instance: str) -> int | None:
        """Of its present or last start, as its lock file says; None where that cannot be told, as from another host."""
        if self._network is not None and not instance.startswith("supervisor"):
            return None
        try:
            stored = (self.run_dir / f"{_checked(instance)}.lock").read_bytes()
        except OSError:
            return None
        return int(stored) if stored.isdigit() else None

    def _endpoint(self, instance: str, *, commands: bool) -> Endpoint:
        name = _checked(instance)
        if self._network is not None and not name.startswith("supervisor"):
            return self._network.endpoint(name, commands=commands)
        return Endpoint(f"ipc://{self.run_dir}/{name}.{'cmd' if commands else 'pub'}")


def endpoints_of(config: Config) -> Endpoints:
    """The endpoints that the settings describe."""
    return Endpoints(config.gateway.run_dir, network_of(config.bus))


class Lock:
    """Held by the one process that is `instance`; the kernel frees it at its end, however it ends.

    Attributes:
        generation: larger than that of every earlier holder, also when folder or clock start anew (not both at once).
    """

    __slots__ = ("_fd", "generation", "instance")

    def __init__(self, instance: str, fd: int, generation: int) -> None:
        self.instance = instance
        self.generation = generation
        self._fd = fd
        self._store()

    def renew(self) -> int:
        """The next generation, where something was said in the name of this one."""
        self.generation += 1
        self._store()
        return self.generation

    def _store(self) -> None:
        os.pwrite(self._fd, f"{self.generation:020d}".encode(), 0)

    def release(self) -> None:
        """Free the instance name."""
        os.close(self._fd)


def acquire(run_dir: Path, instance: str) -> Lock:
    """Become `instance`.

    Raises:
        RefusedError: another process is it already.
        ConfigError: the folder cannot be used.
    """
    name = f"{_checked(instance)}.lock"
    try:
        run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        run_dir.chmod(0o700)
        fd = os.open(run_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigError(
            f"gateway.run_dir: {error.filename or run_dir} cannot be used ({error.strerror}); "
            "give a folder that belongs to the user who runs metergate, or set METERGATE_RUN_DIR"
        ) from error
    if not lock(fd, LOCK_PATIENCE_S):
        os.close(fd)
        raise RefusedError(
            f"{instance} is already running under {run_dir}; stop it first, or give this one its own run_dir"
        )
    stored = os.pread(fd, 20, 0)
    generation = max(int(stored) + 1 if stored.isdigit() else 0, int(time.time()))
    return Lock(instance, fd, generation)


def is_held(run_dir: Path, instance: str) -> bool:
    """Whether some process is `instance` now."""
    try:
        fd = os.open(run_dir / f"{_checked(instance)}.lock", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        raise closed(run_dir) from None
    try:
        return is_locked(fd)
    finally:
        os.close(fd)


def instances(run_dir: Path) -> list[str]:
    """Names of the instances that run now, sorted.

    Raises:
        RefusedError: the folder is closed to this user.
    """
    names = [name.removesuffix(".lock") for name in names_in(run_dir) if name.endswith(".lock")]
    if not names and run_dir.exists() and not os.access(run_dir, os.R_OK | os.X_OK):
        raise closed(run_dir)
    return sorted(name for name in names if _INSTANCE.fullmatch(name) and is_held(run_dir, name))


def closed(run_dir: Path) -> RefusedError:
    """To raise where the folder, or what is in it, may not be read."""
    return RefusedError(f"{run_dir} is closed to this user; ask as root (sudo) or as the user who runs metergate")


def _checked(instance: str) -> str:
    if not _INSTANCE.fullmatch(instance) or len(instance) > len(LONGEST_INSTANCE):
        raise RefusedError(f"{instance!r} is no instance name; they look like plain-slave or plain-slave.2")
    return instance
