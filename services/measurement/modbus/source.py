"""A real meter as a source: connects for ever, polls on its cycle, and gives whole readings or none.

A reading's time is the moment before the poll's first request was sent: of all that is known the earliest, so that no
value is ever said to be younger than it is. (How old the meter's own values were by then, Modbus does not tell.)
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

from services.measurement.given import Given
from services.measurement.modbus.layout import Block
from services.measurement.modbus.profile import Profile
from services.measurement.modbus.sunspec import locate
from services.measurement.modbus.wire import ModbusExceptionError, Wire
from services.measurement.pace import Clock, Pace
from services.measurement.source import Link, Reading, Report
from shared.errors import PeerError
from shared.registers.identity import says_simulation

SHORTEST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
BAD_POLLS: Final = 3
"""In a row; then the connection is opened anew."""


def pause_s(attempt: int, chance: float) -> float:
    """How long to wait before trying to connect again.

    Args:
        attempt: how many attempts have failed so far, from 1.
        chance: evenly distributed in [0, 1): half of the pause is jitter, so that many gateways do not come at once.
    """
    longest = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(attempt - 1, 16))
    return longest * (0.5 + 0.5 * chance)


class ModbusSource:
    """See `services.measurement.source.Source`.

    Args:
        wire: to the meter.
        profile: what its registers mean.
        cycle_ms: of the meter.
        report: told of each attempt.
        clock: time.
        chance: jitter.
    """

    def __init__(
        self,
        wire: Wire,
        profile: Profile,
        cycle_ms: int,
        report: Report,
        clock: Clock,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._wire = wire
        self._profile = profile
        self._cycle_ns = cycle_ms * 1_000_000
        self._report = report
        self._clock = clock
        self._chance = chance
        self._given = Given()
        self._polls = 0
        self._failures = 0

    async def readings(self) -> AsyncIterator[Reading]:
        """Readings as they come, for ever."""
        pace = Pace(self._clock, self._cycle_ns)
        attempt = 0
        try:
            while True:
                async with aclosing(self._connection(pace)) as connection:
                    async for reading in connection:
                        attempt = 0
                        yield reading
                attempt += 1
                await self._pause(round(pause_s(attempt, self._chance()) * 1e9))
        finally:
            self._wire.close()

    async def _pause(self, ns: int) -> None:
        """So long, or until the wire knows better."""
        waits = [
            asyncio.ensure_future(wait)
            for wait in (self._clock.sleep_until(self._clock.now_ns() + ns), self._wire.better())
        ]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in done:
                wait.result()
        finally:
            for wait in waits:
                wait.cancel()

    async def _connection(self, pace: Pace) -> AsyncGenerator[Reading, None]:
        """Readings of one connection, until it is lost or too many polls in a row were bad."""
        bad = 0
        try:
            await self._wire.connect()
            blocks = await self._locate()
        except PeerError as error:
            self._failed(error)
            return
        texts: dict[str, str] | None = None
        while bad < BAD_POLLS and self._wire.connected:
            await pace.cycle()
            t_ns = self._clock.now_ns()
            try:
                if texts is None:
                    blocks, texts = await self._first(blocks)
                values = await self._poll(blocks)
            except PeerError as error:
                self._failed(error)
                bad += not self._wire.bears(error)
                continue
            bad = 0
            if missing := self._given.missing(values):
                self._failed(
                    f"{', '.join(missing)}: given before, missing now; was the meter changed, restart measurement"
                )
                continue
            self._polls += 1
            self._report(Link(connected=True, polls=self._polls, failures=self._failures))
            yield Reading(t_ns, values, texts, says_simulation(texts))

    async def _locate(self) -> tuple[Block, ...]:
        if not self._profile.bases:
            return self._profile.blocks
        return await locate(self._wire, self._profile)

    async def _first(self, blocks: tuple[Block, ...]) -> tuple[tuple[Block, ...], dict[str, str]]:
        """The blocks that are polled, and texts; optional blocks are asked after the others have answered."""
        texts: dict[str, str] = {}
        present: list[Block] = []
        for block in sorted(blocks, key=lambda block: bool(block.absent)):
            memory: dict[tuple[int, int], int] = {}
            try:
                await self._wire.read_all((*block.requests(), *block.text_requests()), memory)
            except ModbusExceptionError as error:
                if error.code not in block.absent:
                    raise
                self._given.withdraw(block.quantities())
                continue
            if block.points:
                present.append(block)
            texts |= {text.name: found for text in block.texts if (found := text.read(memory))}
        return tuple(present), texts

    async def _poll(self, blocks: tuple[Block, ...]) -> dict[str, float]:
        memory: dict[tuple[int, int], int] = {}
        for block in blocks:
            await self._wire.read_all(block.requests(), memory)
            block.check(memory)
        values: dict[str, float] = {}
        for block in blocks:
            values |= block.values(memory, self._given)
        return values

    def _failed(self, reason: PeerError | str) -> None:
        self._polls += 1
        self._failures += 1
        self._report(Link(connected=False, reason=str(reason), polls=self._polls, failures=self._failures))
