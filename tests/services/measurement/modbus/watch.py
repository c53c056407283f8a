"""A Modbus source at work in a test, and what it gave and said."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from services.measurement.modbus.plain_wire import PlainWire
from services.measurement.modbus.profile import load
from services.measurement.modbus.source import ModbusSource
from services.measurement.pace import BootClock
from services.measurement.source import Link, Reading
from shared.config.model import Modbus
from tests.support import until

CYCLE_MS = 5


class Watch:
    """See module.

    Attributes:
        readings, links: all so far.
    """

    def __init__(self) -> None:
        self.readings: list[Reading] = []
        self.links: list[Link] = []
        self.task: asyncio.Task[None] | None = None

    async def reading(self) -> Reading:
        """One that began after this call: the first may have been under way already."""
        before = len(self.readings)
        await until(lambda: self._alive() and len(self.readings) >= before + 2, f"a reading; links: {self.links}")
        return self.readings[-1]

    async def lost(self, words: str) -> Link:
        """The state once it says that there are no readings and why."""
        await until(
            lambda: self._alive() and self.links and not self.links[-1].connected and words in self.links[-1].reason,
            f"{words!r}; links: {self.links}",
        )
        return self.links[-1]

    def _alive(self) -> bool:
        """Fails the test at once where the source has failed."""
        if self.task is not None and self.task.done():
            self.task.result()
        return True


@contextlib.asynccontextmanager
async def watching(port: int, profile: str = "ksem", *, timeout_s: float = 1.0, unit: int = 1) -> AsyncIterator[Watch]:
    """Run a source until the block ends."""
    watch = Watch()
    settings = Modbus(host="127.0.0.1", port=port, profile=profile, timeout_s=timeout_s, unit=unit)
    wire = PlainWire(settings)
    source = ModbusSource(wire, load(profile), CYCLE_MS, watch.links.append, BootClock(), chance=lambda: 0.0)

    async def collect() -> None:
        async with contextlib.aclosing(source.readings()) as readings:  # type: ignore[type-var]  # it is a generator
            async for reading in readings:
                watch.readings.append(reading)

    watch.task = task = asyncio.create_task(collect())
    try:
        yield watch
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
