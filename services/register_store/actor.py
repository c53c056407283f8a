"""The register store as an actor: samples in, images out, each whole, the last one to whoever comes later."""

import asyncio
from functools import partial
from typing import ClassVar, Final

from services.register_store.journal import Journal
from services.register_store.meter_store import Content, MeterStore, RejectedSampleError
from shared import clock
from shared.actor import Actor, Life
from shared.bus.messages import Event, Image, Sample

GRACE_S: Final = 2.0
"""After a start the sample of a running measurement is here within milliseconds. An image without live values would end
what the slaves still serve from before; it waits as long as the shortest staleness limit."""

SYNC_CHECK_S: Final = 1.0


class RegisterStore(Actor):
    """Single writer of the register images and the energy counters."""

    role: ClassVar[str] = "register-store"

    def __init__(self, life: Life) -> None:
        super().__init__(life)
        config = life.config
        self._stores = {
            meter.id: MeterStore(meter, config.gateway.state_dir, wallbox=config.wallbox.present)
            for meter in config.meter
        }
        self._fresh_until: dict[str, int] = {}
        self._rejected = 0

    async def run(self) -> None:
        """Take every sample; sync the journals now and then; close them at the end."""
        try:
            for store in self._stores.values():
                self._tell(store)
            self.life.bus.subscribe("measurement", Sample, self._on_sample, every=True)
            self.life.ready()
            await asyncio.sleep(GRACE_S)
            for meter, store in self._stores.items():
                if meter not in self._fresh_until:
                    self._publish(store, store.empty())
            while True:
                await self._sync()
                await asyncio.sleep(SYNC_CHECK_S)
        finally:
            for store in self._stores.values():
                store.close()

    def _on_sample(self, sample: Sample) -> None:
        store = self._stores.get(sample.meter)
        if store is None:
            return  # of a meter that was just taken out of the settings; measurement is being restarted
        try:
            content = store.take(sample, clock.now_ns())
        except RejectedSampleError as error:
            self._reject(str(error))
            return
        if content is not None:
            self._publish(store, content)
        if store.findings:
            self._tell(store)

    def _publish(self, store: MeterStore, content: Content) -> None:
        meter = store.meter
        image = Image(
            **self.life.bus.stamp(Image, meter.id),
            t_ns=content.t_ns,
            meter=meter.id,
            unit=meter.unit,
            stale_after_ms=meter.stale_after_ms,
            blocks=content.blocks,
            device=content.device,
        )
        self.life.bus.publish(image, meter.id)
        self._fresh_until[meter.id] = content.t_ns + meter.stale_after_ms * 1_000_000 if content.t_ns else 0
        self.life.status(fresh_until_ns=min(self._fresh_until.values()))

    async def _sync(self) -> None:
        now = clock.now_ns()
        journals = [journal for store in self._stores.values() if (journal := store.due(now)) is not None]
        if journals:
            await asyncio.get_running_loop().run_in_executor(None, partial(_sync_all, journals))

    def _reject(self, reason: str) -> None:
        self._rejected += 1
        if self._rejected.bit_count() == 1:  # the 1st, 2nd, 4th, 8th ...
            self.life.log.warning("sample rejected", reason=reason, rejected=self._rejected)
            self._event("sample.rejected", "warning", reason)

    def _tell(self, store: MeterStore) -> None:
        for finding in store.findings:
            log = self.life.log.error if finding.level == "error" else self.life.log.warning
            log(finding.kind, text=finding.text)
            self._event(finding.kind, finding.level, finding.text)
        store.findings.clear()

    def _event(self, kind: str, level: str, text: str) -> None:
        event = Event(**self.life.bus.stamp(Event), t_ns=clock.now_ns(), kind=kind, level=level, text=text)
        self.life.bus.publish(event)


def _sync_all(journals: list[Journal]) -> None:
    for journal in journals:
        journal.sync()


ACTOR = RegisterStore
