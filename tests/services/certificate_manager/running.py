"""A certificate manager on a real bus, with TLS instances, a supervisor and an owner that the test plays."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from services.certificate_manager.actor import CertificateManager
from shared import clock
from shared.actor import Life
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints, Lock, acquire
from shared.bus.messages import Command, Enforced, Event, Seen, Trust
from shared.config.model import Certificates, Config, Gateway, Wallbox
from shared.errors import RefusedError
from shared.tls.certificate import fingerprint
from tests.services.certificate_manager.made import der
from tests.support import until

MANAGER = "certificate-manager"
QUIET: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(structlog.ReturnLogger())
"""Prints nothing, since a command line's output may be listened to in the same process."""


def config_of(folder: Path, *, writes: bool = False, **certificates: Any) -> Config:
    """Settings with everything under one folder."""
    return Config(
        wallbox=Wallbox(external_control=writes),
        gateway=Gateway(run_dir=folder, state_dir=folder / "state"),
        certificates=Certificates(
            keys_dir=folder / "keys", ca_dir=folder / "ca", names=("meter.local", "192.168.0.2"), **certificates
        ),
    )


class Instance:
    """A TLS instance that obeys at once, or is `silent`.

    Attributes:
        trust: the last one.
        closed, connections: what it says in `enforced/1`.
    """

    def __init__(self, folder: Path, name: str = "tls-slave", *, silent: bool = False) -> None:
        self.lock: Lock = acquire(folder, name)
        self.bus = Bus(Endpoints(folder), name, self.lock.generation, QUIET)
        self.name = name
        self.silent = silent
        self.trust: Trust | None = None
        self.history: list[Trust] = []
        self.closed: dict[str, int] = {}
        self.connections: dict[str, int] = {}
        self.bus.subscribe(MANAGER, Trust, self._on_trust)

    def show(self, certificate: bytes, address: str = "192.168.0.9", **fields: str) -> None:
        """A peer with this certificate finished its handshake."""
        known = {"direction": "in", "verdict": "PENDING", **fields}
        message = Seen(
            **self.bus.stamp(Seen), t_ns=clock.now_ns(), fingerprint=fingerprint(certificate), der=certificate,
            address=address, **known,
        )  # fmt: skip
        self.bus.publish(message)

    def say(self) -> None:
        """By which trust it acts."""
        gen, seq = self.trust.version if self.trust else (0, 0)
        self.bus.publish(
            Enforced(
                **self.bus.stamp(Enforced), t_ns=clock.now_ns(), trust_gen=gen, trust_seq=seq,
                closed=dict(self.closed), connections=dict(self.connections),
            )
        )  # fmt: skip

    def end(self) -> None:
        """As a process that dies: its sockets and its lock are gone."""
        self.bus.close()
        self.lock.release()

    def _on_trust(self, trust: Trust) -> None:
        self.trust = trust
        self.history.append(trust)
        if self.silent:
            return
        for name in tuple(self.connections):
            if name not in trust.accepted:
                self.closed[name] = self.closed.get(name, 0) + self.connections.pop(name)
        self.say()


class Owner:
    """Who gives commands and hears events."""

    def __init__(self, folder: Path) -> None:
        self.lock = acquire(folder, "console")
        self.bus = Bus(Endpoints(folder), "console", self.lock.generation, QUIET)
        self.events: list[Event] = []
        self.bus.subscribe(MANAGER, Event, self.events.append, every=True)

    async def ask(self, verb: str, timeout_s: float = 8.0, **args: Any) -> dict[str, Any]:
        """A command."""
        return await self.bus.call(MANAGER, verb, args, timeout_s)

    async def refused(self, verb: str, **args: Any) -> str:
        """Why a command is refused."""
        try:
            result = await self.ask(verb, **args)
        except RefusedError as error:
            return str(error)
        raise AssertionError(f"{verb} was done: {result}")

    async def rows(self, timeout_s: float = 8.0) -> dict[str, dict[str, Any]]:
        """The list by fingerprint."""
        found: dict[str, dict[str, Any]] = {}
        while True:
            page = await self.ask("list", timeout_s, after=max(found, default=""))
            found |= {row["fingerprint"]: row for row in page["certificates"]}
            if not page["more"]:
                return found

    async def listed(self, certificate: bytes) -> dict[str, Any]:
        """The row of a certificate, once it is there."""
        name = fingerprint(certificate)
        async with asyncio.timeout(10):
            while (row := (await self.rows()).get(name)) is None:
                pass
        return row

    def kinds(self) -> list[str]:
        """Of the events heard so far."""
        return [event.kind for event in self.events]

    def end(self) -> None:
        """Go away."""
        self.bus.close()
        self.lock.release()


class Store:
    """A register store that is asked whether writes are left, and says so once it may."""

    def __init__(self, folder: Path) -> None:
        self.lock = acquire(folder, "register-store")
        self.bus = Bus(Endpoints(folder), "register-store", self.lock.generation, QUIET)
        self.asked: list[str] = []
        self.through = asyncio.Event()
        self.bus.serve(self._obey)

    async def _obey(self, command: Command) -> dict[str, Any]:
        self.asked.append(command.verb)
        await self.through.wait()
        return {}

    def end(self) -> None:
        """Go away."""
        self.bus.close()
        self.lock.release()


class Keeper:
    """A supervisor that kills what it runs."""

    def __init__(self, folder: Path, *runs: Instance, dead: bool = False) -> None:
        self.lock = acquire(folder, "supervisor")
        self.bus = Bus(Endpoints(folder), "supervisor", self.lock.generation, QUIET)
        self.killed: list[str] = []
        self._runs = {instance.name: instance for instance in runs}
        self._dead = dead
        self.bus.serve(self._obey)

    async def _obey(self, command: Command) -> dict[str, Any]:
        if self._dead:
            await asyncio.Event().wait()
        name = command.args["role"]
        if command.verb != "kill" or name not in self._runs:
            raise RefusedError(f"{name!r} is not run by this supervisor")
        self._runs.pop(name).end()
        self.killed.append(name)
        return {"pid": 1}

    def end(self) -> None:
        """Go away."""
        self.bus.close()
        self.lock.release()


class Stage:
    """Everything of a test; whoever was made here ends with it.

    Attributes:
        manager: the one that runs.
    """

    manager: CertificateManager

    def __init__(self, folder: Path, config: Config) -> None:
        self.folder = folder
        self.config = config
        self.owner = Owner(folder)
        self._ends: list[Callable[[], None]] = [self.owner.end]
        self._manager: tuple[asyncio.Task[None], Bus, Lock] | None = None

    async def start(self) -> None:
        """Start the manager, and wait until it answers."""
        lock = acquire(self.folder, MANAGER)
        bus = Bus(Endpoints(self.folder), MANAGER, lock.generation, QUIET)
        life = Life(instance=MANAGER, config=self.config, bus=bus, log=QUIET)
        self.manager = CertificateManager(life)
        task = asyncio.get_running_loop().create_task(self.manager.run())
        self._manager = (task, bus, lock)
        await self.owner.ask("list")

    async def stop(self) -> None:
        """End the manager in order."""
        assert self._manager is not None
        task, bus, lock = self._manager
        self._manager = None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        bus.close()
        lock.release()

    async def instance(self, name: str = "tls-slave", *, silent: bool = False) -> Instance:
        """A TLS instance that knows the trust."""
        made = Instance(self.folder, name, silent=silent)
        self.ends_with(made.end)
        await until(lambda: made.trust is not None, "the first trust")
        known = self.manager._pending.dropped

        def heard() -> bool:
            made.show(b"")  # of no use, so that it is only counted
            return self.manager._pending.dropped > known

        await until(heard, "somebody who listens")
        return made

    def keeper(self, *runs: Instance, dead: bool = False) -> Keeper:
        """A supervisor of these."""
        for each in runs:
            self._ends = [end for end in self._ends if end != each.end]
        made = Keeper(self.folder, *runs, dead=dead)
        self.ends_with(made.end)
        return made

    def ends_with(self, end: Callable[[], None]) -> None:
        """Call it at the end."""
        self._ends.append(end)

    async def close(self) -> None:
        """End everything."""
        if self._manager is not None:
            await self.stop()
        for end in reversed(self._ends):
            end()


@contextlib.asynccontextmanager
async def stage(folder: Path, *, writes: bool = False, **certificates: Any) -> AsyncIterator[Stage]:
    """A manager that runs."""
    made = Stage(folder, config_of(folder, writes=writes, **certificates))
    try:
        await made.start()
        yield made
    finally:
        await made.close()


async def accepted(on: Stage, certificate: bytes = b"") -> tuple[str, Instance]:
    """A slave, and a certificate that it serves."""
    slave, certificate = await on.instance(), certificate or der()
    name = fingerprint(certificate)
    slave.show(certificate)
    await on.owner.listed(certificate)
    await on.owner.ask("accept", fingerprint=name)
    await until(lambda: slave.trust and name in slave.trust.accepted, "trust")
    return name, slave


def play(story: Awaitable[None]) -> None:
    """Run one test's story, in bounded time."""

    async def bounded() -> None:
        async with asyncio.timeout(30):
            await story

    asyncio.run(bounded())
