"""Who runs is found by its lock, and heard on a real bus."""

import asyncio
from functools import partial
from pathlib import Path

import structlog
from msgspec import structs

from services.console.hear.events import Events
from services.console.hear.meters import Meters
from services.console.hear.town import Town
from shared import clock
from shared.actor import Life
from shared.bus.bus import Bus
from shared.bus.endpoints import Endpoints, acquire
from shared.bus.messages import Child, Event, Processes, Pushes, Sample, Sessions, Trust
from shared.config.model import Config, Gateway
from tests.support import until

LOG: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(structlog.ReturnLogger())


class Other:
    """Another instance."""

    def __init__(self, run_dir: Path, name: str) -> None:
        self.lock = acquire(run_dir, name)
        self.bus = Bus(Endpoints(run_dir), name, self.lock.generation, LOG)

    def end(self) -> None:
        self.bus.close()
        self.lock.release()


def _is_state(town: Town, state: str) -> bool:
    return town.state_of("certificate-manager")[0] == state


def test_everybody_is_heard_also_who_comes_later(run_dir: Path) -> None:
    async def story() -> None:
        names = ("measurement", "tls-slave.2", "master-pusher", "supervisor.plain-slave", "certificate-manager")
        others = {name: Other(run_dir, name) for name in names[:-1]}
        own = Other(run_dir, "console")
        life = Life(instance="console", config=Config(gateway=Gateway(run_dir=run_dir)), bus=own.bus, log=LOG)
        meters, events = Meters(), Events()
        town = Town(life, meters, events)
        trusted: list[int] = []
        town.on_trust = lambda: trusted.append(1)
        work = asyncio.create_task(town.run())
        now = clock.now_ns()
        bus = others["measurement"].bus
        bus.publish(Sample(**bus.stamp(Sample, "house"), t_ns=now, meter="house", values={}), "house")
        bus = others["tls-slave.2"].bus
        bus.publish(Sessions(**bus.stamp(Sessions), t_ns=now, port=802, connections=3))
        bus = others["master-pusher"].bus
        bus.publish(Pushes(**bus.stamp(Pushes), t_ns=now, interval_ms=0, values="mean", slaves=()))
        bus = others["supervisor.plain-slave"].bus
        child = Child(name="plain-slave", role="plain-slave", state="parked", reason="port taken")
        bus.publish(Processes(**bus.stamp(Processes), t_ns=now, children=(child,)))
        await until(lambda: meters.get("house") is not None)
        await until(lambda: "tls-slave.2" in town.sessions)
        await until(lambda: town.pushes is not None)
        await until(lambda: "supervisor.plain-slave" in town.processes)
        assert town.state_of("plain-slave") == ("parked", "port taken")
        assert town.state_of("measurement") == ("", "")
        at, said = town.processes["supervisor.plain-slave"]
        gone = Child(name="plain-slave", role="plain-slave", state="stopped")
        town.processes = {
            "supervisor": (at - 60_000_000_000, structs.replace(said, children=(gone,))),
            **town.processes,
        }
        assert town.state_of("plain-slave") == ("parked", "port taken"), "who speaks knows better than who is gone"
        del town.processes["supervisor"]
        assert not trusted
        for state in ("disabled", "disabled", "ready"):
            child = Child(name="certificate-manager", role="certificate-manager", state=state)
            bus.publish(Processes(**bus.stamp(Processes), t_ns=now, children=(child,)))
            await until(partial(_is_state, town, state))
        assert len(trusted) == 2, "once for each state"
        late = others["certificate-manager"] = Other(run_dir, "certificate-manager")
        late.bus.publish(Trust(**late.bus.stamp(Trust), t_ns=now))
        await until(lambda: town.trust is not None)
        assert trusted
        before = len(trusted)
        late.bus.publish(Event(**late.bus.stamp(Event), t_ns=now, kind="certificate.seen", text="x"))
        await until(lambda: events.after(0, 10).events)
        assert len(trusted) > before, "what the manager says may concern its list"
        work.cancel()
        for each in (*others.values(), own):
            each.end()

    asyncio.run(story())
