"""One receiver: newest wins, pauses, refusals, staleness, changes only, and what it says of itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from services.master_pusher.batch import Batch
from services.master_pusher.groups import GROUPS
from services.master_pusher.sender import BusyError, Refusal, Sent
from services.master_pusher.target import Target
from shared import clock
from shared.config.master import GroupName
from shared.config.master import Target as Settings
from shared.errors import PeerError, RefusedError, UntrustedError
from tests.services.master_pusher.samples import SECOND, batch
from tests.support import until

ALL = tuple(GROUPS)
REFUSED = Refusal(2, "the slave has no register 512", lasting=True)


class FakeSender:
    """Does what it is told.

    Attributes:
        sent: batches and groups.
        fault: raised instead.
        outcome: of each sending.
        gate: where there is one, sending waits for it.
    """

    def __init__(self) -> None:
        self.connected = False
        self.fingerprint = "ab"
        self.connects = 0
        self.sent: list[tuple[Batch, tuple[GroupName, ...]]] = []
        self.fault: Exception | None = None
        self.outcome = Sent()
        self.gate: asyncio.Event | None = None
        self.closed = 0

    async def connect(self) -> None:
        self.connects += 1
        if self.fault:
            raise self.fault
        self.connected = True

    async def send(self, one: Batch, names: tuple[GroupName, ...]) -> Sent:
        self.sent.append((one, names))
        if self.gate:
            await self.gate.wait()
        if self.fault:
            self.connected = False
            raise self.fault
        return self.outcome

    def close(self) -> None:
        self.closed += 1
        self.connected = False


def target(sender: FakeSender, refill: Callable[[], Batch | None] = lambda: None, **settings: Any) -> Target:
    made = Settings(address="plc.local", **settings)
    return Target(1, made, ALL, "house", sender, log=structlog.get_logger(), refill=refill)


def played(story: Callable[[Target, FakeSender], Awaitable[None]], **settings: Any) -> None:
    async def play() -> None:
        sender = FakeSender()
        one = target(sender, **settings)
        work = asyncio.create_task(one.run())
        await story(one, sender)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert sender.closed, "the connection ends with the task"

    with capture_logs():
        asyncio.run(play())


FRESH = 2**63 - 1


def test_what_is_offered_is_pushed_over_one_connection() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        for number in range(1, 4):
            offered = batch(plus=number)
            one.offer(offered)
            await until(lambda number=number: one.report(FRESH).pushes == number)  # type: ignore[misc]
            assert sender.sent[-1] == (offered, ALL)
            assert one.report(FRESH).holds_ns == offered.t_ns
        assert sender.connects == 1
        report = one.report(FRESH)
        assert (report.state, report.failures, report.skipped, report.fingerprint) == ("ok", 0, 0, "ab")
        assert report.url == "modbus://plc.local:502"

    played(story)


def test_the_newest_wins_and_what_it_overtakes_is_counted() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.gate = asyncio.Event()
        first, *_, last = batches = [batch(plus=number) for number in range(6)]
        one.offer(first)
        await until(lambda: sender.sent)
        for each in batches[1:]:
            one.offer(each)
        assert one.is_due()
        sender.gate.set()
        await until(lambda: one.report(FRESH).pushes == 2)
        assert not one.is_due()
        assert [each for each, _ in sender.sent] == [first, last]
        assert one.report(FRESH).skipped == 4

    played(story)


def test_stale_values_are_not_pushed_and_do_not_even_open_a_connection() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        one.offer(batch(until_ns=clock.now_ns() - 1))
        for _ in range(5):
            await asyncio.sleep(0)
        assert (sender.connects, sender.sent) == (0, [])
        assert one.report(clock.now_ns() - 1).reason == "nothing is pushed: the measurement is stale"
        assert one.report(-1).reason == "nothing is pushed: there was no sample yet"
        one.offer(batch())
        await until(lambda: one.report(FRESH).state == "ok")

    played(story)


def test_a_failure_is_said_and_tried_again_with_the_newest() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.fault = PeerError("no connection to plc.local:502: connection refused")
        one.offer(batch())
        await until(lambda: sender.connects == 2, "the first failure costs no pause")
        report = one.report(FRESH)
        assert (report.state, report.failures, report.streak) == ("failing", 2, 2)
        assert "connection refused" in report.reason
        sender.fault = None
        newest = batch(plus=9)
        one.offer(newest)
        await until(lambda: one.report(FRESH).state == "ok")
        assert sender.sent == [(newest, ALL)]
        assert one.report(FRESH).streak == 0

    played(story)


def test_an_untrusted_receiver_is_tried_again_once_trust_has_changed() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.fault = UntrustedError("its certificate is not accepted")
        one.offer(batch())
        await until(lambda: one.report(FRESH).streak == 5, timeout_s=10)
        assert one.report(FRESH).state == "untrusted"
        sender.fault = None
        begin = asyncio.get_running_loop().time()
        one.retry()
        one.offer(batch())
        await until(lambda: one.report(FRESH).state == "ok")
        assert asyncio.get_running_loop().time() - begin < 0.5

    played(story)


def test_a_refused_group_is_left_out_for_a_while_and_the_others_go_on() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.outcome = Sent({"energy_total": REFUSED})
        one.offer(batch())
        await until(lambda: one.report(FRESH).pushes == 1)
        report = one.report(FRESH)
        assert (report.state, report.exceptions, report.reason) == ("partly", {"energy_total": 2}, REFUSED.words)
        sender.outcome = Sent()
        one.offer(batch(plus=1))
        await until(lambda: one.report(FRESH).pushes == 2)
        assert sender.sent[-1][1] == tuple(name for name in ALL if name != "energy_total")
        assert one.report(FRESH).state == "partly"
        assert "374 registers" in await one.test(), "asked for, it is tried at once"
        assert one.report(FRESH).state == "ok"

    played(story)


def test_a_slave_that_refuses_everything_is_failing() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.outcome = Sent(dict.fromkeys(ALL, REFUSED))
        one.offer(batch())
        await until(lambda: one.report(FRESH).state == "failing")
        assert one.report(FRESH).pushes == 0
        assert one.report(FRESH).reason == REFUSED.words

    played(story)


def test_what_expired_on_the_way_does_not_count() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.outcome = Sent(expired=True)
        until_ns = clock.now_ns() + SECOND // 20
        one.offer(batch(until_ns=until_ns))
        await until(lambda: sender.sent)
        await until(lambda: clock.now_ns() > until_ns)
        assert one.report(FRESH).pushes == 0
        assert one.report(FRESH).pushed_ns == 0

    played(story)


def test_only_changes() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        one.offer(batch())
        await until(lambda: len(sender.sent) == 1)
        same = batch()
        one.offer(same)
        await until(lambda: one.report(FRESH).holds_ns == same.t_ns)
        assert len(sender.sent) == 1, "nothing changed, so nothing goes out, but what it holds is of now"
        changed = batch()
        changed.data = {**changed.data, "energy_total": b"\1" * 80}
        one.offer(changed)
        await until(lambda: len(sender.sent) == 2)
        assert sender.sent[-1][1] == ("energy_total",)
        sender.connected = False  # it was started anew
        one.offer(batch(plus=0))
        await until(lambda: len(sender.sent) == 3)
        assert sender.sent[-1][1] == ALL

    played(story, only_changes=True, refresh_s=3600)


def test_a_full_refresh_now_and_then() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        loop = asyncio.get_running_loop()
        for number in range(1, 3):
            one.offer(batch())
            await until(lambda number=number: len(sender.sent) == number, timeout_s=3)  # type: ignore[misc]
            await until(lambda: loop.time() >= one._full_at, "the next refresh")
        assert [names for _, names in sender.sent] == [ALL, ALL]

    played(story, only_changes=True, refresh_s=0.1)


def test_what_is_not_known_is_not_pushed() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        some = batch(withheld=("energy_total",))
        some.data = {name: data for name, data in some.data.items() if name != "energy_total"}
        one.offer(some)
        await until(lambda: one.report(FRESH).pushes == 1)
        assert "energy_total" not in sender.sent[-1][1]
        assert one.report(FRESH).reason == "not known yet: energy_total"

    played(story)


def test_a_receiver_that_was_away_gets_something_fresh() -> None:
    async def story() -> None:
        sender, fresh = FakeSender(), batch(plus=5)
        sender.fault = PeerError("away")
        one = target(sender, refill=lambda: fresh)
        work = asyncio.create_task(one.run())
        one.offer(batch(until_ns=clock.now_ns() + SECOND // 20))
        await until(lambda: one.report(FRESH).failures > 2)
        sender.fault = None
        await until(lambda: sender.sent)
        assert sender.sent[0][0] is fresh
        work.cancel()

    with capture_logs():
        asyncio.run(story())


def test_a_trial_says_what_happened() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        with pytest.raises(RefusedError, match="no sample yet"):
            await one.test()
        one.offer(batch())
        await until(lambda: one.report(FRESH).pushes == 1)
        words = await one.test()
        assert words.startswith("plc.local:502 took 374 registers (instantaneous_total, ")
        assert len(sender.sent) == 2
        sender.fault = PeerError("no answer within 1 s")
        with pytest.raises(PeerError, match="no answer"):
            await one.test()

    played(story)


def test_a_disabled_receiver_can_be_tried_and_is_left_alone_after() -> None:
    async def story() -> None:
        sender = FakeSender()
        one = target(sender, refill=batch, enabled=False)
        assert one.report(FRESH).state == "disabled"
        assert "took 374 registers" in await one.test()
        assert (sender.closed, len(sender.sent)) == (1, 1)

    with capture_logs():
        asyncio.run(story())


def test_two_trials_of_a_disabled_receiver_come_one_after_the_other() -> None:
    async def story() -> None:
        sender = FakeSender()
        sender.gate = asyncio.Event()
        one = target(sender, refill=batch, enabled=False)
        trials = [asyncio.create_task(one.test()) for _ in range(2)]
        await until(lambda: sender.sent)
        assert len(sender.sent) == 1
        sender.gate.set()
        assert all("took 374 registers" in words for words in await asyncio.gather(*trials))
        assert (sender.connects, sender.closed, one.report(FRESH).state) == (2, 2, "disabled")

    with capture_logs():
        asyncio.run(story())


def test_a_trial_during_an_attempt_that_fails_does_not_wait_for_the_pause() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.fault = PeerError("away")
        one.offer(batch())
        await until(lambda: one.report(FRESH).streak == 6, timeout_s=10)  # a pause of 2 s at least
        sender.connected, sender.gate = True, asyncio.Event()
        one.retry()
        await until(lambda: sender.sent, "an attempt that hangs")
        began = asyncio.get_running_loop().time()
        trial = asyncio.create_task(one.test())
        await asyncio.sleep(0)
        sender.gate.set()
        with pytest.raises(PeerError, match="away"):
            await trial
        assert asyncio.get_running_loop().time() - began < 1

    played(story)


def test_a_trial_whose_values_expire_on_the_way_is_no_success() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        for tried in (one, target(sender, enabled=False)):
            sender.sent.clear()
            sender.outcome, sender.gate = Sent(expired=True), asyncio.Event()
            until_ns = clock.now_ns() + SECOND // 20
            tried.offer(batch(until_ns=until_ns))
            trial = asyncio.create_task(tried.test())
            await until(lambda: sender.sent)
            await until(lambda until_ns=until_ns: clock.now_ns() > until_ns)  # type: ignore[misc]
            sender.gate.set()
            with pytest.raises(RefusedError, match="the measurement is stale"):
                await trial

    played(story)


def test_who_asks_to_be_left_alone_is_but_not_by_a_trial() -> None:
    async def story(one: Target, sender: FakeSender) -> None:
        sender.fault = BusyError("answered 503", 3600.0)
        one.offer(batch())
        await until(lambda: one.report(FRESH).streak == 1)
        one.offer(batch(plus=1))
        await asyncio.sleep(0.1)
        assert one.report(FRESH).streak == 1
        sender.fault = None
        assert "took 374 registers" in await one.test()

    played(story)


def test_a_connection_that_ends_after_each_push_is_no_news() -> None:
    told: list[str] = []

    async def story() -> None:
        sender = FakeSender()
        made = Settings(address="plc.local")
        one = Target(1, made, ALL, "house", sender, log=structlog.get_logger(), changed=lambda: told.append("changed"))
        work = asyncio.create_task(one.run())
        for number in range(1, 6):
            one.offer(batch(plus=number))
            await until(lambda number=number: one.report(FRESH).pushes == number)  # type: ignore[misc]
            sender.connected = False
        assert sender.connects == 5
        work.cancel()

    with capture_logs() as lines:
        asyncio.run(story())
    assert len(told) == 2, "connecting, and ok"
    assert lines == []
