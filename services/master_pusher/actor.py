"""The master pusher's life: images in, one task for each receiver, once a second a word about how each stands."""

import asyncio
from functools import partial
from typing import Any, ClassVar, Final

from services.master_pusher.batch import Batch
from services.master_pusher.build import outward_of
from services.master_pusher.build import target as build_target
from services.master_pusher.feed import Feed, Taken
from services.master_pusher.target import Target
from shared import clock
from shared.actor import Actor, Life
from shared.bus.messages import Command, Image, Push, Pushes
from shared.config.master import all_warnings
from shared.errors import RefusedError

STORE: Final = "register-store"
TELL_EVERY_S: Final = 1.0
GATHER_S: Final = 0.05
"""Changes of state within so short a time are told together."""


class MasterPusher(Actor):
    """Pushes the registers of the meters into every receiver of the settings."""

    role: ClassVar[str] = "master-pusher"

    def __init__(self, life: Life) -> None:
        super().__init__(life)
        config = life.config
        master = config.master
        self._mean = master.values == "mean" and master.interval_ms > 0
        self._feeds: dict[str, Feed] = {}
        for meter in config.meter:
            wanted = frozenset(
                name
                for settings in master.slave
                if self._meter_of(settings.meter) == meter.id
                for name in master.groups_of(settings)
            )
            self._feeds[meter.id] = Feed(meter.id, wanted, mean=self._mean)
        self._targets: tuple[Target, ...] = ()
        self._by_meter: dict[str, list[Target]] = {name: [] for name in self._feeds}
        self._first = asyncio.Event()
        self._telling: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Subscribe to every image; push until the end."""
        life, master = self.life, self.life.config.master
        for name, warning in all_warnings(master):
            life.log.warning(warning, **({"slave": name} if name else {}))
        outward = outward_of(life, self._trust_changed)
        self._targets = tuple(
            build_target(
                life.config,
                number,
                self._meter_of(settings.meter),
                life.log,
                outward,
                refill=partial(self._refill, self._meter_of(settings.meter)),
                changed=self._tell_soon,
            )
            for number, settings in enumerate(master.slave, start=1)
        )
        for target in self._targets:
            if target.settings.enabled and target.meter in self._by_meter:
                self._by_meter[target.meter].append(target)
        life.bus.load.due = lambda: sum(target.is_due() for target in self._targets)
        life.bus.subscribe(STORE, Image, self._take, every=True)
        life.bus.serve(self._on_command)
        life.ready()
        async with asyncio.TaskGroup() as group:
            if outward is not None:
                group.create_task(outward.run())
            for target in self._targets:
                if target.settings.enabled:
                    group.create_task(target.run())
            if master.interval_ms:
                group.create_task(self._tick(master.interval_ms))
            while True:
                self._tell()
                await asyncio.sleep(TELL_EVERY_S)

    def _meter_of(self, named: Any) -> str:
        """The meter that a receiver gets: the first where it names none."""
        if isinstance(named, str):
            return named
        return next((meter.id for meter in self.life.config.meter), "")

    def _take(self, image: Image) -> None:
        """Every image counts for the means. What is refused is logged at the 1st, 2nd, 4th, 8th time of its kind."""
        feed = self._feeds.get(image.meter)
        if feed is None:
            return  # of a meter that was just taken out of the settings
        taken = feed.take(image, clock.now_ns())
        if taken is Taken.CYCLE:
            self._first.set()
            if not self.life.config.master.interval_ms:
                self._offer(feed.meter, feed.batch())
        elif taken in (Taken.FUTURE, Taken.MALFORMED):
            times = feed.counts[taken]
            if times.bit_count() == 1:
                self.life.log.warning("image refused", meter=image.meter, reason=taken.value, times=times)

    async def _tick(self, interval_ms: int) -> None:
        """Push at a fixed interval, from the first image on; means from the end of the first interval on."""
        loop = asyncio.get_running_loop()
        await self._first.wait()
        interval_s = interval_ms / 1000
        due = loop.time() + (interval_s if self._mean else 0.0)
        while True:
            await asyncio.sleep(due - loop.time())
            now = clock.now_ns()
            for name, feed in self._feeds.items():
                batch = feed.batch(interval_ms if self._mean else 0)
                if batch is not None and now <= batch.until_ns:
                    self._offer(name, batch)
            due += interval_s * ((loop.time() - due) // interval_s + 1)

    def _offer(self, meter: str, batch: Batch | None) -> None:
        if batch is not None:
            for target in self._by_meter[meter]:
                target.offer(batch)

    def _refill(self, meter: str) -> Batch | None:
        """Something fresh for a receiver that was away; a mean is of its interval only."""
        feed = self._feeds.get(meter)
        return None if feed is None or self._mean else feed.batch()

    def _trust_changed(self) -> None:
        for target in self._targets:
            if target.receiver.tls:
                target.retry()

    def _tell_soon(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHER_S, self._tell)

    def _tell(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        master, bus = self.life.config.master, self.life.bus
        bus.publish(
            Pushes(
                **bus.stamp(Pushes),
                t_ns=clock.now_ns(),
                interval_ms=master.interval_ms,
                values=master.values,
                slaves=tuple(self._report(target) for target in self._targets),
            )
        )

    def _report(self, target: Target) -> Push:
        feed = self._feeds.get(target.meter)
        return target.report(-1 if feed is None else feed.until_ns)

    async def _on_command(self, command: Command) -> dict[str, Any]:
        """`test`: push to one receiver now; the result is in words."""
        if command.verb != "test":
            raise RefusedError(f"master-pusher does not know {command.verb!r}; it knows 'test'")
        number, address = command.args.get("number"), command.args.get("address")
        if not isinstance(number, int) or not 1 <= number <= len(self._targets):
            raise RefusedError(f"test: there is no slave {number!r} in the settings in force")
        target = self._targets[number - 1]
        if target.settings.address != address:
            raise RefusedError(f"test: slave {number} is {target.settings.address!r} in the settings in force")
        return {"words": await target.test()}


ACTOR = MasterPusher
