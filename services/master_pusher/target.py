"""One receiver: a task of its own, with deadlines, pauses after failures, and a word about how it stands.

It holds one batch, the newest: what could not be sent in time is overtaken, never queued. Nothing is sent of a batch
whose time is over, which is looked at last before each request.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from structlog.typing import FilteringBoundLogger

from services.master_pusher.batch import Batch
from services.master_pusher.sender import Refusal, Sender, Sent
from services.master_pusher.standing import Standing
from services.master_pusher.words import amount
from shared import clock
from shared.bus.messages import Push
from shared.config.master import GroupName
from shared.config.master import Target as Settings
from shared.errors import PeerError, RefusedError

REFUSED_PAUSE_S: Final = 10.0
"""A group that a slave does not have is offered again so seldom; one that is mapped meanwhile appears by itself."""
STALE: Final = "nothing is pushed: the measurement is stale"
NO_SAMPLE: Final = "nothing is pushed: there was no sample yet"


class Target:
    """See module.

    Args:
        number: place in the settings, from 1.
        settings: its table.
        groups: what it gets.
        meter: whose.
        sender: the way to it.
        log: for changes of its state.
        refill: gives a fresh batch once the one that could not be sent is too old, or None.
        changed: called when its state changes.
        now_ns: CLOCK_BOOTTIME.
    """

    def __init__(
        self,
        number: int,
        settings: Settings,
        groups: tuple[GroupName, ...],
        meter: str,
        sender: Sender,
        *,
        log: FilteringBoundLogger,
        refill: Callable[[], Batch | None] = lambda: None,
        changed: Callable[[], None] = lambda: None,
        now_ns: Callable[[], int] = clock.now_ns,
    ) -> None:
        self.settings: Final = settings
        self.meter: Final = meter
        self.groups: Final = groups
        self.receiver: Final = settings.receiver
        self._number = number
        self._sender = sender
        self._refill = refill
        self._now = now_ns
        self._wake = asyncio.Event()
        self._batch: Batch | None = None
        self._sending: Batch | None = None
        self._done: Batch | None = None
        self._retry_at = 0.0
        self._confirmed: dict[GroupName, bytes] = {}
        self._full_at = 0.0
        self._refused: dict[GroupName, tuple[Refusal, float]] = {}
        self._standing: Final = Standing(
            "waiting" if settings.enabled else "disabled", log.bind(slave=settings.name), changed, now_ns
        )
        self._pushed_ns = self._holds_ns = 0
        self._latency_us = 0
        self._pushes = self._skipped = 0
        self._asked: list[asyncio.Future[str]] = []
        self._trying = asyncio.Lock()

    def offer(self, batch: Batch) -> None:
        """The newest values; what is still waiting is overtaken."""
        if self._batch is not None and self._batch is not self._done and self._batch is not self._sending:
            self._skipped += 1
        self._batch = batch
        self._wake.set()

    def retry(self) -> None:
        """Something has changed that may have been the reason: try again now."""
        if self._standing.streak:
            self._retry_at = 0.0
            self._wake.set()

    async def run(self) -> None:
        """Push whatever is offered, until cancelled."""
        try:
            while True:
                await self._due()
                await self.attempt()
        finally:
            self._sender.close()

    async def test(self) -> str:
        """Push the newest values now, everything, and say in words what happened.

        Raises:
            PeerError, RefusedError: it did not work.
        """
        if not self.fresh(self._batch):
            self._batch = self._refill()
        batch = self._batch
        if batch is None or not self.fresh(batch):
            raise RefusedError(NO_SAMPLE if batch is None else STALE)
        self._refused.clear()
        self._confirmed.clear()
        if self.settings.enabled:
            asked: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            self._asked.append(asked)
            self._done, self._retry_at = None, 0.0
            self._wake.set()
            return await asked
        async with self._trying:
            try:
                words = await self._deliver()
            finally:
                self._sender.close()
                self._standing.become("disabled", "")
        if words is STALE:
            raise RefusedError(STALE)
        return words

    async def attempt(self) -> None:
        """Push the newest values once."""
        asked, self._asked = self._asked, []
        try:
            words = await self._deliver()
        except (PeerError, RefusedError) as error:
            self._failed(error)
            _answer(asked, error)
        else:
            _answer(asked, RefusedError(STALE) if words is STALE else words)
        finally:
            self._sending = None
        if self._asked:  # meanwhile
            self._done, self._retry_at = None, 0.0

    def fresh(self, batch: Batch | None) -> bool:
        """Whether it may still be pushed."""
        return batch is not None and self._now() <= batch.until_ns

    def is_due(self) -> bool:
        """Whether there is something fresh that it was not sent, or that it did not confirm yet."""
        return self._batch is not self._done and self.fresh(self._batch)

    def report(self, until_ns: int) -> Push:
        """How it stands. `until_ns`: after it nothing of the meter is pushed; -1 before its first sample."""
        state, reason = self._standing.state, self._standing.reason
        if state in ("ok", "partly", "waiting", "connecting") and self._now() > until_ns:
            state, reason = "waiting", STALE if until_ns >= 0 else NO_SAMPLE
        return Push(
            number=self._number,
            name=self.settings.name,
            url=self.receiver.url,
            meter=self.meter,
            groups=self.groups,
            state=state,
            reason=reason,
            pushed_ns=self._pushed_ns,
            holds_ns=self._holds_ns,
            latency_us=self._latency_us,
            pushes=self._pushes,
            failures=self._standing.failures,
            skipped=self._skipped,
            streak=self._standing.streak,
            exceptions={name: refusal.code for name, (refusal, _) in self._refused.items()},
            fingerprint=self._sender.fingerprint,
        )

    async def _due(self) -> None:
        """Until there is something fresh that was not sent, and no pause."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            left = self._retry_at - loop.time()
            if left <= 0:
                if (self._standing.streak or self._asked) and not self.fresh(self._batch):
                    self._batch = self._refill() or self._batch
                if self._batch is not self._done and self.fresh(self._batch):
                    return
                if self._asked and not self.fresh(self._batch):
                    asked, self._asked = self._asked, []
                    _answer(asked, RefusedError(STALE))
                await self._wake.wait()
                continue
            try:
                async with asyncio.timeout(left):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _deliver(self) -> str:
        if not self._sender.connected:
            self._standing.connecting()
            self._confirmed.clear()  # it may have been started anew, and hold nothing
            await self._sender.connect()
        batch = self._batch  # a newer one may have come meanwhile
        if batch is None or not self.fresh(batch):
            return STALE
        names = self._names(batch)
        if not names:
            self._done = batch
            return self._nothing(batch)
        self._sending = batch
        began = self._now()
        sent = await self._sender.send(batch, names)
        took_us = (self._now() - began) // 1000
        if sent.expired:
            return STALE
        self._done = batch
        return self._settle(batch, names, sent, took_us)

    def _settle(self, batch: Batch, names: tuple[GroupName, ...], sent: Sent, took_us: int) -> str:
        """What was confirmed, and what was not."""
        now = asyncio.get_running_loop().time()
        for name in names:
            if name in sent.refused:
                again = now + REFUSED_PAUSE_S if sent.refused[name].lasting else now
                self._refused[name] = (sent.refused[name], again)
                self._confirmed.pop(name, None)
            else:
                self._refused.pop(name, None)
                self._confirmed[name] = batch.data[name]
        taken = tuple(name for name in names if name not in sent.refused)
        if not taken:
            raise RefusedError(self._why_refused())
        self._pushes += 1
        self._standing.streak = 0
        self._pushed_ns, self._holds_ns, self._latency_us = self._now(), batch.t_ns, took_us
        if self._refused:
            self._standing.become("partly", self._why_refused())
        else:
            self._standing.become("ok", _withheld(batch))
        words = f"{self.receiver.place} took {amount(taken)} registers ({', '.join(taken)}) in {took_us / 1000:.1f} ms"
        return f"{words}; but {self._why_refused()}" if sent.refused else words

    def _nothing(self, batch: Batch) -> str:
        """There is nothing to send: it holds these values already, refuses them, or they are not known."""
        if all(batch.data.get(name) == self._confirmed.get(name) for name in self.groups) and batch.data:
            self._holds_ns = batch.t_ns
            self._standing.become("ok", "")
            return "nothing has changed"
        if self._standing.state == "connecting":
            self._standing.become("waiting", _withheld(batch))
        return _withheld(batch) or self._why_refused()

    def _names(self, batch: Batch) -> tuple[GroupName, ...]:
        """Groups that are due."""
        now = asyncio.get_running_loop().time()
        names = tuple(
            name
            for name in self.groups
            if name in batch.data and (name not in self._refused or self._refused[name][1] <= now)
        )
        if not self.settings.only_changes:
            return names
        if now >= self._full_at:
            self._full_at = now + self.settings.refresh_s
            return names
        return tuple(name for name in names if self._confirmed.get(name) != batch.data[name])

    def _failed(self, error: Exception) -> None:
        self._full_at = 0.0
        self._retry_at = asyncio.get_running_loop().time() + self._standing.failed(error)

    def _why_refused(self) -> str:
        return "; ".join(dict.fromkeys(refusal.words for refusal, _ in self._refused.values()))


def _withheld(batch: Batch) -> str:
    return f"not known yet: {', '.join(batch.withheld)}" if batch.withheld else ""


def _answer(asked: list[asyncio.Future[str]], what: str | Exception) -> None:
    for each in asked:
        if each.done():
            continue
        if isinstance(what, Exception):
            each.set_exception(what)
        else:
            each.set_result(what)
