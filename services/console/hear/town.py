"""Who runs, and what each says about itself: sessions of the slaves, pushes, processes of every supervisor, trust.

Instances are found by their locks, as everywhere; of roles on other hosts the settings tell. What an instance said
stays when it goes: its time tells how old it is.
"""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Final

from services.console.hear.certificates import MANAGER
from services.console.hear.rates import Rates
from shared import clock
from shared.bus.endpoints import instances
from shared.bus.messages import Event, Image, Processes, Pushes, Sample, Seen, Sessions, SourceState, Trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.console.hear.events import Events
    from services.console.hear.meters import Meters
    from shared.actor import Life

LOOK_S: Final = 1.0
MOST_INSTANCES: Final = 128
SILENT_NS: Final = 7_000_000_000
TLS_ROLES: Final = ("tls-slave", "master-pusher", "measurement")


class Town:
    """The latest word of everybody.

    Args:
        life: of the console.
        meters, events: who takes what concerns them.

    Attributes:
        sessions: slave instance -> its last `sessions/1`, with the local time of its coming, ns.
        pushes: the last `pushes/1` and the local time of its coming, ns; None before.
        processes: supervisor instance -> its last `processes/1` and the local time of its coming, ns.
        trust: the last `trust/1`; None before.
        rates: of `(slave instance, peer)` and of `(slave instance, "")` requests, of `(process, pid)` its processor
            time in ms.
        on_sessions, on_pushes, on_processes: called after each word.
        on_trust: called where the list of certificates, or the state of its manager, may be another one now.
    """

    def __init__(self, life: "Life", meters: "Meters", events: "Events") -> None:
        self._life = life
        self._meters = meters
        self._events = events
        self._followed: set[str] = set()
        self.sessions: dict[str, tuple[int, Sessions]] = {}
        self.pushes: tuple[int, Pushes] | None = None
        self.processes: dict[str, tuple[int, Processes]] = {}
        self.trust: Trust | None = None
        self.rates = Rates()
        self.on_sessions: Callable[[], None] = _nobody
        self.on_pushes: Callable[[], None] = _nobody
        self.on_processes: Callable[[], None] = _nobody
        self.on_trust: Callable[[], None] = _nobody

    async def run(self) -> None:
        """Find who runs, again and again."""
        run_dir = self._life.config.gateway.run_dir
        for name in self.elsewhere():
            self.follow(name)
        while True:
            for name in instances(run_dir):
                self.follow(name)
            await asyncio.sleep(LOOK_S)

    def follow(self, instance: str) -> None:
        """Hear what this instance says from now on."""
        if instance in self._followed or len(self._followed) >= MOST_INSTANCES:
            return
        self._followed.add(instance)
        bus, role = self._life.bus, instance.partition(".")[0]
        bus.subscribe(instance, Event, self._take_event, every=True)
        match role:
            case "measurement":
                bus.subscribe(instance, Sample, self._meters.take_sample)
                bus.subscribe(instance, SourceState, self._meters.take_source)
            case "register-store":
                bus.subscribe(instance, Image, self._meters.take_image)
            case "plain-slave" | "tls-slave":
                bus.subscribe(instance, Sessions, partial(self._take_sessions, instance))
            case "master-pusher":
                bus.subscribe(instance, Pushes, self._take_pushes)
            case "certificate-manager":
                bus.subscribe(instance, Trust, self._take_trust)
            case "supervisor":
                bus.subscribe(instance, Processes, partial(self._take_processes, instance))
        if role in TLS_ROLES:
            bus.subscribe(instance, Seen, lambda _: self.on_trust())

    def state_of(self, role: str) -> tuple[str, str]:
        """State and reason of a role's first process, as its supervisor tells or, being gone, told; empty for none."""
        gone = (message for _, message in self.processes.values())
        for message in (*self.speaking().values(), *gone):
            for child in message.children:
                if child.name == role:
                    return child.state, child.reason
        return "", ""

    def speaking(self) -> dict[str, Processes]:
        """Supervisors that said something lately, which they do every two seconds: what they said last."""
        now = clock.now_ns()
        return {name: said for name, (at, said) in self.processes.items() if now - at < SILENT_NS}

    def serving(self) -> dict[str, Sessions]:
        """Slaves that said something lately, which they do every second: what they said last."""
        now = clock.now_ns()
        return {name: said for name, (at, said) in self.sessions.items() if now - at < SILENT_NS}

    def pushing(self) -> Pushes | None:
        """What the pusher said last, if that was lately: it says something every second."""
        if self.pushes is None or clock.now_ns() - self.pushes[0] >= SILENT_NS:
            return None
        return self.pushes[1]

    def elsewhere(self) -> list[str]:
        """Instances on other hosts, which have no lock here."""
        bus, slave = self._life.config.bus, self._life.config.slave
        if bus.transport == "ipc":
            return []
        names: list[str] = []
        for host in bus.host:
            if host.name != bus.this:
                for role in host.roles:
                    names.append(role)
                    if role in {"plain-slave", "tls-slave"}:
                        names.extend(f"{role}.{number}" for number in range(2, slave.workers + 1))
        return names

    def _take_event(self, event: Event) -> None:
        self._events.take(event)
        if event.src == "certificate-manager":
            self.on_trust()

    def _take_sessions(self, instance: str, message: Sessions) -> None:
        now = clock.now_ns()
        self.sessions[instance] = (now, message)
        self.rates.take((instance, ""), message.requests, now)
        for client in message.details:
            self.rates.take((instance, client.peer), client.requests, now)
        self._keep_rates()
        self.on_sessions()

    def _take_pushes(self, message: Pushes) -> None:
        self.pushes = (clock.now_ns(), message)
        self.on_pushes()

    def _take_processes(self, instance: str, message: Processes) -> None:
        now = clock.now_ns()
        before = self.state_of(MANAGER)
        self.processes[instance] = (now, message)
        for child in message.children:
            if child.pid:
                self.rates.take((child.name, child.pid), child.cpu_ms, now)
        self._keep_rates()
        self.on_processes()
        if self.state_of(MANAGER) != before:
            self.on_trust()

    def _keep_rates(self) -> None:
        """Of those who are still there."""
        self.rates.keep(
            (
                *((instance, "") for instance in self.sessions),
                *((instance, each.peer) for instance, (_, said) in self.sessions.items() for each in said.details),
                *((each.name, each.pid) for _, said in self.processes.values() for each in said.children),
            )
        )

    def _take_trust(self, message: Trust) -> None:
        self.trust = message
        self.on_trust()


def _nobody() -> None:
    return None
