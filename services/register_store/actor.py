"""The register store as an actor: samples and writes in, images out, whole, the last one to whoever comes later."""

import asyncio
from typing import Any, ClassVar, Final

import msgspec

from services.register_store.meter_store import Content, MeterStore, RejectedSampleError
from services.register_store.writes import RefusedWriteError, WriteRequest, target_of
from shared import clock
from shared.actor import Actor, Life
from shared.audit.keep import Keep
from shared.audit.log import open_log
from shared.bus.command import SETTLED_S, WRITE_S
from shared.bus.messages import Command, Event, Image, Sample, WallboxSettings
from shared.errors import RefusedError
from shared.modbus.pdu import ExceptionCode

GRACE_S: Final = 2.0
"""After a start the sample of a running measurement is here within milliseconds. An image without live values would end
what the slaves still serve from before; it waits as long as the shortest staleness limit."""

SYNC_CHECK_S: Final = 1.0
SETTLE_S: Final = 0.02
"""What came before on another connection may be read a moment later."""

HELD_UP_NS: Final = round((SETTLED_S - WRITE_S) / 2 * 1e9)
"""A write that noting it held up for longer is not done."""


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
        self._audit = open_log(config.gateway.state_dir, self.role) if config.wallbox.external_control else None
        self._keep = None if self._audit is None else Keep(self._audit, life.log.error)

    async def run(self) -> None:
        """Take every sample; sync the journals now and then; close them at the end."""
        try:
            self._show()
            for store in self._stores.values():
                self._publish_settings(store)
            self.life.bus.subscribe("measurement", Sample, self._on_sample, every=True)
            self.life.bus.serve(self._on_command)
            self.life.ready()
            await asyncio.sleep(GRACE_S)
            for meter, store in self._stores.items():
                if meter not in self._fresh_until:
                    self._publish(store, store.content())
            while True:
                await self._sync()
                await asyncio.sleep(SYNC_CHECK_S)
        finally:
            stores, self._stores = self._stores, {}  # the bus still delivers: what comes now is the next one's
            for store in stores.values():
                store.close()
                self._tell(store)
            if self._keep is not None:
                self._keep.close()

    def _on_sample(self, sample: Sample) -> None:
        store = self._stores.get(sample.meter)
        if store is None:
            return  # of a meter that was just taken out of the settings, measurement is being restarted; or we end
        try:
            content = store.take(sample, clock.now_ns())
        except RejectedSampleError as error:
            self._reject(str(error))
            return
        if content is not None:
            self._publish(store, content)
        if store.findings:
            self._tell(store)

    async def _on_command(self, command: Command) -> dict[str, Any]:
        """`write`: the version of the image that shows it, or the exception that the peer gets, and why.

        `settle`: answered once no write is left that was handed over before.
        """
        if command.verb == "settle":
            await asyncio.sleep(SETTLE_S)
            return {}
        if command.verb != "write":
            raise RefusedError(f"register-store does not know {command.verb!r}; it knows 'write' and 'settle'")
        try:
            request = msgspec.convert(command.args, WriteRequest)
        except msgspec.ValidationError as error:
            raise RefusedError(f"write: {error}") from error
        store = self._stores.get(request.meter)
        if store is None:
            raise RefusedError(f"write: {request.meter!r} is no meter of the settings, or register-store is ending")
        try:
            image = self._write(store, request)
        except RefusedWriteError as error:
            self._tell_write(request, f"exception {error.code.value:02}: {error}", done=False)
            return {"exception": error.code.value, "reason": str(error)}
        self._tell_write(request, "done", done=True)
        return {"gen": image.gen, "seq": image.seq}

    def _write(self, store: MeterStore, request: WriteRequest) -> Image:
        if self._audit is None:
            raise RefusedWriteError(ExceptionCode.ILLEGAL_FUNCTION, "wallbox.external_control is false")
        if request.meter not in self._fresh_until:  # its image would end what the slaves still serve from before
            raise RefusedWriteError(ExceptionCode.SERVER_DEVICE_BUSY, "register-store has just been started")
        try:
            settings = store.check(request.start, request.values)
        except RefusedWriteError as error:
            self._note(request, f"exception {error.code.value:02}: {error}")
            raise
        began = clock.now_ns()
        self._note(request, "done")  # before it is: what is not in the log was not done
        if clock.now_ns() - began > HELD_UP_NS:  # a right that ended meanwhile may have been told to be gone
            late = RefusedWriteError(ExceptionCode.SERVER_DEVICE_BUSY, "not done after all: the audit log was too slow")
            self._note(request, f"exception {late.code.value:02}: {late}")
            raise late
        image = self._publish(store, store.write(settings))
        self._publish_settings(store)
        return image

    def _note(self, request: WriteRequest, result: str) -> None:
        if self._audit is None or self._keep is None:
            return
        try:
            self._audit.append(request.who, "register.write", target_of(request), result)
        except OSError as error:
            raise RefusedWriteError(
                ExceptionCode.SERVER_DEVICE_FAILURE, f"the audit log cannot be written: {error}"
            ) from error
        self._keep.touched = True

    def _tell_write(self, request: WriteRequest, result: str, *, done: bool) -> None:
        who, what = request.who, target_of(request)
        data: dict[str, str | int | float | bool] = {
            "meter": request.meter,
            "start": request.start,
            "values": " ".join(map(str, request.values)),
            "result": result,
            "by": who.by,
            "fingerprint": who.fingerprint,
            "label": who.label,
            "address": who.address,
            "role": who.role,
        }
        kind, level = ("register.written", "info") if done else ("register.refused", "warning")
        self.life.log.info(kind, **data)
        self._event(kind, level, f"{who.label or who.fingerprint[:16] or who.by} wrote {what}: {result}", data)

    def _publish_settings(self, store: MeterStore) -> None:
        settings, meter = store.settings, store.meter.id
        message = WallboxSettings(
            **self.life.bus.stamp(WallboxSettings, meter),
            t_ns=clock.now_ns(),
            meter=meter,
            mode=settings.get("wallbox_charging_mode", -1),
            min_pv_power_quota=settings.get("wallbox_min_pv_power_quota", 0),
            min_charging_power_quota=settings.get("wallbox_min_charging_power_quota", 0),
        )
        self.life.bus.publish(message, meter)

    def _publish(self, store: MeterStore, content: Content) -> Image:
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
        return image

    async def _sync(self) -> None:
        for store in self._stores.values():
            await store.keep(clock.now_ns())
        self._show()
        if self._keep is not None:
            await self._keep.sync()

    def _show(self) -> None:
        """How the journals are."""
        self.life.status(note="; ".join(store.note for store in self._stores.values() if store.note))
        for store in self._stores.values():
            self._tell(store)

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

    def _event(self, kind: str, level: str, text: str, data: dict[str, str | int | float | bool] | None = None) -> None:
        event = Event(
            **self.life.bus.stamp(Event), t_ns=clock.now_ns(), kind=kind, level=level, text=text, data=data or {}
        )
        self.life.bus.publish(event)


ACTOR = RegisterStore
